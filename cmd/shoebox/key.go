package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"shoebox/repo"
	"shoebox/repo/crypt"
)

func (p *program) keyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "Say who can open the repository",
		Long: `The repository has key slots: each opens it with a password, a key file or a
recovery code. A slot is an ordinary age file. Who had access and kept a copy of
the master key keeps it; taking a slot away locks out whoever only knew its
secret.`,
		Example: `  shoebox key list
  shoebox key passwd
  shoebox key add --label nas --new-key-file /etc/shoebox.key
  shoebox key recovery --recovery-sheet ~/sheet.txt`,
		RunE: group,
	}
	c.AddCommand(p.keyListCommand(), p.keyAddCommand(), p.keyPasswdCommand(), p.keyRemoveCommand(), p.keyRecoveryCommand())
	return c
}

func (p *program) keyListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the key slots", Example: "  shoebox key list", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer p.close(r)
			slots, err := r.Slots(cmd.Context())
			if err != nil {
				return err
			}
			return p.listSlots(slots)
		},
	}
}

func (p *program) listSlots(slots []repo.Slot) error {
	if p.flags.json {
		list := make([]map[string]string, 0, len(slots))
		for _, s := range slots {
			list = append(list, map[string]string{"label": s.Label, "kind": s.Kind})
		}
		return p.printJSON(list)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "Slot\tOpened with")
	for _, s := range slots {
		with := map[string]string{"passphrase": "a password", "identity": "a key file"}[s.Kind]
		switch s.Label {
		case recoverySlot:
			with = "the recovery code"
		case noPasswordSlot:
			with = "a password everybody knows"
		}
		fmt.Fprintf(w, "%s\t%s\n", s.Label, firstOf(with, "something this program does not know"))
	}
	return w.Flush()
}

// newSlot is what a new slot is to be opened with.
type newSlot struct {
	label, passwordFile, keyFile string
	work                         int
}

func (n *newSlot) add(c *cobra.Command) {
	c.Flags().StringVar(&n.passwordFile, "new-password-file", "", "read the new password from a `file`")
	c.Flags().IntVar(&n.work, "scrypt-work", crypt.DefaultWork, "what a guess at the password costs, as a power of two")
	_ = c.Flags().MarkHidden("scrypt-work")
}

func (p *program) keyAddCommand() *cobra.Command {
	var n newSlot
	c := &cobra.Command{
		Use: "add", Short: "Add a password or a key file", Args: words(0, 0),
		Example: `  shoebox key add --label mum
  shoebox key add --label nas --new-key-file /etc/shoebox.key`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.addSlot(cmd.Context(), n, false) },
	}
	n.add(c)
	c.Flags().StringVar(&n.label, "label", "", "a `name` for the slot")
	c.Flags().StringVar(&n.keyFile, "new-key-file", "", "make a key `file` instead of taking a password")
	_ = c.MarkFlagRequired("label")
	return c
}

func (p *program) keyPasswdCommand() *cobra.Command {
	n := newSlot{label: passwordSlot}
	c := &cobra.Command{
		Use: "passwd", Short: "Change the password", Args: words(0, 0),
		Example: `  shoebox key passwd
  shoebox key passwd --label mum`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.addSlot(cmd.Context(), n, true) },
	}
	n.add(c)
	c.Flags().StringVar(&n.label, "label", passwordSlot, "the `name` of the slot")
	return c
}

// addSlot adds a slot, or replaces one.
func (p *program) addSlot(ctx context.Context, n newSlot, replace bool) error {
	r, secrets, err := p.openWith(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	lock, secret, err := p.newLock(ctx, n)
	if err != nil {
		return err
	}
	// The key file is written before the slot that needs it: a slot nobody can open would be worse than a file of no use.
	if secret != "" {
		if err := writeSecret(n.keyFile, secret+"\n"); err != nil {
			return fmt.Errorf("write the key file: %w", err)
		}
	}
	if err := tryAll(secrets, func(s crypt.Secret) error { return r.AddSlot(ctx, s, n.label, lock, replace) }); err != nil {
		return err
	}
	if replace {
		p.tell("The password of slot %q is changed.", n.label)
	} else {
		p.tell("Slot %q opens the repository from now on.", n.label)
	}
	return nil
}

// tryAll tries secrets until one opens.
func tryAll(secrets []crypt.Secret, with func(crypt.Secret) error) error {
	err := error(crypt.ErrWrongKey)
	for _, s := range secrets {
		if err = with(s); !errors.Is(err, crypt.ErrWrongKey) {
			return err
		}
	}
	return err
}

// newLock gives the lock of a new slot, and the text of a new key file if there is to be one.
func (p *program) newLock(ctx context.Context, n newSlot) (lock crypt.Lock, secret string, err error) {
	if n.keyFile != "" {
		secret, lock, err = crypt.NewIdentity()
		return lock, secret, err
	}
	var password string
	switch {
	case n.passwordFile != "":
		password, err = readPasswordFile(n.passwordFile)
	case p.terminal:
		password, err = p.askNew(ctx, "New password: ")
	default:
		err = errors.New("a new password is needed: use --new-password-file, or run this in a terminal")
	}
	if err != nil {
		return lock, "", err
	}
	lock, err = crypt.Passphrase(password, n.work)
	return lock, "", err
}

func (p *program) keyRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "remove SLOT", Short: "Take a key slot away", Example: "  shoebox key remove mum", Args: words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer p.close(r)
			if err := r.RemoveSlot(cmd.Context(), args[0]); err != nil {
				return err
			}
			p.tell("Slot %q is gone.", args[0])
			return nil
		},
	}
}

func (p *program) keyRecoveryCommand() *cobra.Command {
	var s setup
	c := &cobra.Command{
		Use: "recovery", Short: "Make a new recovery sheet; the old one opens nothing any more", Args: words(0, 0),
		Example: "  shoebox key recovery --recovery-sheet ~/sheet.txt",
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.newRecovery(cmd.Context(), s) },
	}
	c.Flags().StringVar(&s.sheet, "recovery-sheet", "", "write the recovery sheet to this `file`; - prints it")
	return c
}

func (p *program) newRecovery(ctx context.Context, s setup) error {
	r, secrets, err := p.openWith(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	code, lock, err := crypt.NewIdentity()
	if err != nil {
		return err
	}
	path, err := p.saveSheet(ctx, r, s, code)
	if err != nil {
		return err
	}
	err = tryAll(secrets, func(with crypt.Secret) error { return r.AddSlot(ctx, with, recoverySlot, lock, true) })
	if err != nil {
		return errors.Join(err, removeIf(path))
	}
	if path != "" {
		p.tell("Recovery sheet: %s\nPrint it, keep it away from this computer, and delete the file.", path)
	}
	return nil
}

// removeIf takes back a sheet whose code opens nothing.
func removeIf(path string) error {
	if path == "" {
		return nil
	}
	return os.Remove(path)
}
