package main

import (
	"os"
	"path/filepath"
)

// onePhoto measures giving one photo back, with a key file and with a passphrase. The others have passphrases both times: they
// know no key file that opens without one.
func (b *bench) onePhoto() error {
	l, err := b.lived()
	if err != nil {
		return err
	}
	photo := l.roll.made[len(l.roll.made)/2]
	commands, err := l.restores(photo)
	if err != nil {
		return err
	}
	err = b.compare(row{Warm: true, Work: "restore one photo, key file", Goals: []goal{faster("borg", 4, 0), faster("kopia", 1, 0), atMost(0, 0.04)}}, append(commands, b.start())...)
	if err != nil {
		return err
	}
	locked, err := l.withPassword()
	if err != nil {
		return err
	}
	if commands[0], err = locked.restore("shoebox", photo); err != nil {
		return err
	}
	return b.compare(row{Warm: true, Work: "restore one photo, passphrase", Goals: []goal{faster("borg", 1.5, 0)},
		Note: "turning a passphrase into a key is made slow on purpose, by each as it likes; kopia keeps it on the disk"}, append(commands, b.key())...)
}

// withPassword adds a password to shoebox's repository and gives back programs that open it with nothing else.
func (p *programs) withPassword() (*programs, error) {
	file := filepath.Join(p.home("shoebox"), "password")
	if err := os.WriteFile(file, []byte("bench"), 0o600); err != nil {
		return nil, err
	}
	if err := p.quietly("shoebox", []string{p.b.shoebox, "key", "add", "--label", "bench", "--new-password-file", file}); err != nil {
		return nil, err
	}
	locked := *p
	locked.more = append([]string{"SHOEBOX_PASSWORD=bench"}, p.more...)
	return &locked, os.Remove(file)
}
