package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"shoebox/repo/crypt"
)

// errNoSecret says that nothing was given to open the repository with, and nobody is there to be asked.
var errNoSecret = errors.New("a password is needed: set SHOEBOX_PASSWORD_FILE, use --password-file or --key-file, or run this in a terminal")

// secrets are what may open the repository, given by flags, environment or configuration; without any, the key files
// that init made on this machine. asked is false when all of them were given on purpose, so that a wrong one is an error
// and not a reason to ask.
func (p *program) secrets(ctx context.Context) (all []crypt.Secret, onPurpose bool, err error) {
	if path := firstOf(p.flags.keyFile, os.Getenv("SHOEBOX_KEY_FILE"), p.config.KeyFile); path != "" {
		s, err := readKeyFile(path)
		return []crypt.Secret{s}, true, err
	}
	password, given, err := p.givenPassword(ctx)
	if err != nil {
		return nil, true, err
	}
	if given {
		s, err := crypt.PassphraseSecret(password)
		return []crypt.Secret{s}, true, err
	}
	return ownKeyFiles(), false, nil
}

// givenPassword looks where a password may be given: never in the arguments, which everybody on the machine can read.
func (p *program) givenPassword(ctx context.Context) (password string, given bool, err error) {
	if path := firstOf(p.flags.passwordFile, os.Getenv("SHOEBOX_PASSWORD_FILE")); path != "" {
		password, err = readPasswordFile(path)
		return password, true, err
	}
	if command := firstOf(p.flags.passwordCommand, os.Getenv("SHOEBOX_PASSWORD_COMMAND")); command != "" {
		password, err = runPasswordCommand(ctx, command)
		return password, true, err
	}
	if password, given = os.LookupEnv("SHOEBOX_PASSWORD"); given {
		return password, true, nil
	}
	if p.config.PasswordFile != "" {
		password, err = readPasswordFile(p.config.PasswordFile)
		return password, true, err
	}
	if p.config.PasswordCommand != "" {
		password, err = runPasswordCommand(ctx, p.config.PasswordCommand)
		return password, true, err
	}
	return "", false, nil
}

func readPasswordFile(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return firstLine(data), nil
}

func firstLine(data []byte) string {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	return strings.TrimSuffix(string(line), "\r")
}

func runPasswordCommand(ctx context.Context, command string) (string, error) {
	shell := []string{"/bin/sh", "-c"}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd", "/C"}
	}
	c := exec.CommandContext(ctx, shell[0], shell[1], command)
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("run the password command: %w", err)
	}
	return firstLine(out), nil
}

func readKeyFile(path string) (crypt.Secret, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return crypt.Secret{}, fmt.Errorf("read the key file: %w", err)
	}
	s, err := crypt.IdentitySecret(string(data))
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// keyDir is where init leaves key files of repositories made without anybody to ask.
func keyDir() (string, error) {
	dir, err := configDir()
	return filepath.Join(dir, "keys"), err
}

func ownKeyFiles() (all []crypt.Secret) {
	dir, err := keyDir()
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if s, err := readKeyFile(filepath.Join(dir, e.Name())); err == nil && strings.HasSuffix(e.Name(), ".key") {
			all = append(all, s)
		}
	}
	return all
}

// writeSecret writes a file only its owner can read, and that was not there before.
func writeSecret(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; name another file", path)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}
