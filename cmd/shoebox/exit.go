package main

import (
	"context"
	"errors"
	"fmt"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// The exit codes. 2 is left to Go, whose panics end with it.
const (
	exitDone         = 0
	exitFailed       = 1
	exitSome         = 3 // some files could not be read, or given back
	exitPhone        = 4 // the phone is missing, not authorized, or went away midway
	exitDamage       = 5
	exitNoRepository = 10
	exitPassword     = 12
	exitInterrupted  = 130
)

// exitError ends a command with a code of its own. Everything there was to say has been said when err is nil.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// finish says what went wrong, once, and gives the exit code.
func (p *program) finish(ctx context.Context, err error) int {
	switch {
	case err == nil && p.damaged:
		return exitDamage
	case err == nil:
		return exitDone
	}
	code := codeOf(ctx, err)
	var exit *exitError
	if errors.As(err, &exit) && exit.err == nil {
		return code
	}
	text := err.Error() + p.hint(err)
	if code == exitInterrupted {
		text = "interrupted" + p.kept
	}
	if p.flags.json {
		p.printJSONError(map[string]any{"message_type": "exit_error", "code": code, "message": text})
	} else {
		fmt.Fprintf(p.err, "shoebox: %s\n", text)
	}
	return code
}

func codeOf(ctx context.Context, err error) int {
	var exit *exitError
	var phone *device.PhoneError
	switch {
	case errors.As(err, &exit):
		return exit.code
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.Is(err, repo.ErrNoRepository):
		return exitNoRepository
	case errors.Is(err, crypt.ErrWrongKey), errors.Is(err, crypt.ErrNoPassword), errors.Is(err, errNoSecret):
		return exitPassword
	case errors.As(err, &phone), errors.Is(err, snapshot.ErrLost):
		return exitPhone
	case isDamage(err):
		return exitDamage
	}
	return exitFailed
}

// isDamage tells whether the repository is not as it should be.
func isDamage(err error) bool {
	return errors.Is(err, crypt.ErrDamaged) || errors.Is(err, repo.ErrMissing)
}

// hint is the next step, for errors that do not name one themselves.
func (p *program) hint(err error) string {
	switch {
	case errors.Is(err, repo.ErrNoRepository) && p.named:
		return fmt.Sprintf("\nIs the disk or the NAS connected? `shoebox init -r %s` makes a new repository", p.flags.repository)
	case errors.Is(err, repo.ErrNoRepository):
		return "\n`shoebox backup` makes one, or say where it is with -r"
	case errors.Is(err, crypt.ErrWrongKey):
		return "\nThe recovery code on the recovery sheet works in place of the password"
	case errors.Is(err, storage.ErrFull):
		return "\nThe disk is full. Nothing that was stored is lost; make room and run the command again"
	case isDamage(err):
		return "\n`shoebox check --read-data` tells how far the damage goes"
	}
	return ""
}
