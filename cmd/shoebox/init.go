package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
)

// The labels of the key slots that init makes.
const (
	passwordSlot   = "password"
	keyFileSlot    = "key-file"
	recoverySlot   = "recovery"
	noPasswordSlot = "no-password"
)

// setup is what init was asked for.
type setup struct {
	sheet      string
	noPassword bool
	keyFile    bool
	work       int
}

func (p *program) initCommand() *cobra.Command {
	var s setup
	c := &cobra.Command{
		Use:   "init",
		Short: "Make a new repository",
		Long: `Make a new, empty repository: a folder, here, on another disk or on a NAS.

It is always encrypted. You choose a password; where nobody is there to be
asked, a key file is made that only you can read. Beside it a recovery code is
made: print the recovery sheet and keep it away from the computer. It opens the
repository when the password is forgotten. Without password, key file and
recovery sheet nobody can read the pictures.`,
		Example: `  shoebox init
  shoebox init -r /mnt/nas/pictures --recovery-sheet ~/sheet.txt
  shoebox init -r /mnt/disk/pictures --password-file ~/.pw`,
		Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := p.create(cmd.Context(), s)
			if err != nil {
				return err
			}
			p.close(r)
			return nil
		},
	}
	p.setupFlags(c, &s)
	return c
}

func (p *program) setupFlags(c *cobra.Command, s *setup) {
	c.Flags().StringVar(&s.sheet, "recovery-sheet", "", "write the recovery sheet to this `file`; - prints it")
	c.Flags().BoolVar(&s.noPassword, "no-password", false, "lock the repository with a password everybody knows: no protection at all")
	c.Flags().BoolVar(&s.keyFile, "new-key-file", false, "make a key file on this computer instead of asking for a password")
	c.Flags().IntVar(&s.work, "scrypt-work", crypt.DefaultWork, "what a guess at the password costs, as a power of two")
	_ = c.Flags().MarkHidden("scrypt-work")
}

// create makes the repository with its key slots, and says where everything is.
func (p *program) create(ctx context.Context, s setup) (*repo.Repo, error) {
	if _, err := os.Lstat(p.hintFile()); err == nil {
		return nil, fmt.Errorf("%w: %s", repo.ErrExists, p.flags.repository) // before anything is asked
	}
	store, err := storage.CreateFolder(p.flags.repository)
	if err != nil {
		return nil, fmt.Errorf("make the folder of the repository: %w", err)
	}
	slots := make(map[string]crypt.Lock)
	keyFile, err := p.firstSlot(ctx, s, slots)
	if err != nil {
		return nil, err
	}
	code, lock, err := crypt.NewIdentity()
	if err != nil {
		return nil, err
	}
	slots[recoverySlot] = lock
	r, err := repo.Create(ctx, store, repo.Setup{Slots: slots, Parity: true}, p.repoOptions())
	if err != nil {
		return nil, fmt.Errorf("make a repository in %s: %w", p.flags.repository, err)
	}
	return r, p.introduce(ctx, r, s, keyFile, code)
}

// firstSlot adds the slot the person will use every day. It gives the text of a new key file, if there is to be one.
func (p *program) firstSlot(ctx context.Context, s setup, slots map[string]crypt.Lock) (keyFile string, err error) {
	password, given, err := p.givenPassword(ctx)
	switch {
	case err != nil:
		return "", err
	case s.noPassword:
		p.tell("Without a password everybody who gets hold of the repository can look at the pictures.")
		slots[noPasswordSlot], err = crypt.Passphrase(crypt.PublishedPassphrase, 1)
		return "", err
	case given:
	case p.terminal && !s.keyFile:
		p.tell("A new repository: %s", p.flags.repository)
		if password, err = p.askNew(ctx, "Choose a password: "); err != nil {
			return "", err
		}
	default:
		keyFile, slots[keyFileSlot], err = crypt.NewIdentity()
		return keyFile, err
	}
	slots[passwordSlot], err = crypt.Passphrase(password, s.work)
	return "", err
}

// introduce writes key file and recovery sheet, and says what there is now.
func (p *program) introduce(ctx context.Context, r *repo.Repo, s setup, keyFile, code string) error {
	said := map[string]any{"message_type": "initialized", "id": r.ID().String(), "repository": p.flags.repository}
	p.tell("Repository made: %s", p.flags.repository)
	if keyFile != "" {
		path, err := p.saveKeyFile(r, keyFile)
		if err != nil {
			return p.undo(r, err)
		}
		said["key_file"] = path
		p.tell("Key file:        %s\n                 It opens the repository, so nobody else may read it.", path)
	}
	sheet, err := p.saveSheet(ctx, r, s, code)
	if err != nil {
		return p.undo(r, err)
	}
	said["recovery_sheet"] = sheet
	if sheet != "" {
		p.tell("Recovery sheet:  %s\n                 Print it, keep it away from this computer, and delete the file.", sheet)
	}
	if p.flags.json {
		return p.printJSON(said)
	}
	return nil
}

// hintFile is what makes a folder a repository.
func (p *program) hintFile() string { return filepath.Join(p.flags.repository, "shoebox.json") }

// undo is called when a key could not be handed over: a repository nobody can open is worse than none.
func (p *program) undo(r *repo.Repo, cause error) error {
	return errors.Join(cause, r.Close(), os.Remove(p.hintFile()),
		os.RemoveAll(filepath.Join(p.flags.repository, "keys")))
}

func (p *program) saveKeyFile(r *repo.Repo, secret string) (string, error) {
	path := p.flags.keyFile
	if path == "" {
		dir, err := keyDir()
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, r.ID().String()+".key")
	}
	text := "# shoebox key file of repository " + r.ID().String() + "\n# Who can read this file can read the pictures.\n" + secret + "\n"
	if err := writeSecret(path, text); err != nil {
		return "", fmt.Errorf("write the key file: %w", err)
	}
	return path, nil
}
