package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// ask asks for a password on the terminal, without showing it. The question comes when the terminal hides what is typed, as some type fast.
func (p *program) ask(ctx context.Context, prompt string) (string, error) {
	terminal := int(os.Stdin.Fd())
	before, err := term.GetState(terminal)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	var asking sync.WaitGroup
	asking.Go(func() {
		awaitHidden(terminal, before)
		fmt.Fprint(p.err, prompt)
	})
	password, err := answer(ctx, func() (string, error) {
		password, err := term.ReadPassword(terminal)
		return string(password), err
	})
	asking.Wait()
	fmt.Fprintln(p.err)
	if ctx.Err() != nil {
		_ = term.Restore(terminal, before) // or what is typed from now on would stay invisible
	}
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return password, nil
}

// awaitHidden waits until a terminal is not as it was, but not for long: it may have hidden all before.
func awaitHidden(terminal int, before *term.State) {
	for range 200 {
		if now, err := term.GetState(terminal); err != nil || *now != *before {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// answer waits for what a person types, or for Ctrl-C. A read from a terminal cannot be called off: after Ctrl-C it is left
// behind, and ends with the program.
func answer(ctx context.Context, read func() (string, error)) (string, error) {
	type said struct {
		text string
		err  error
	}
	done := make(chan said, 1)
	go func() {
		text, err := read()
		done <- said{text, err}
	}()
	select {
	case s := <-done:
		return s.text, s.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// askNew asks for a new password, twice.
func (p *program) askNew(ctx context.Context, prompt string) (string, error) {
	for {
		first, err := p.ask(ctx, prompt)
		if err != nil {
			return "", err
		}
		if first == "" {
			p.tell("The password must not be empty.")
			continue
		}
		again, err := p.ask(ctx, "Again: ")
		if err != nil {
			return "", err
		}
		if first == again {
			return first, nil
		}
		p.tell("The two are not the same. Once more.")
	}
}

// askPath asks where to write a new file; an empty answer takes the proposal.
func (p *program) askPath(ctx context.Context, prompt, proposal string) (string, error) {
	lines := bufio.NewReader(p.in)
	for {
		fmt.Fprintf(p.err, "%s [%s]: ", prompt, proposal)
		line, err := answer(ctx, func() (string, error) { return lines.ReadString('\n') })
		if err != nil && line == "" {
			return "", fmt.Errorf("read the answer: %w", err)
		}
		path := atHome(firstOf(strings.TrimSpace(line), proposal))
		if _, err := os.Lstat(path); err != nil || path == "-" {
			return path, nil
		}
		p.tell("%s is there already. Name another file.", path)
	}
}

// atHome does what a shell would do with ~/.
func atHome(path string) string {
	rest, ok := strings.CutPrefix(path, "~/")
	if home, err := os.UserHomeDir(); ok && err == nil {
		return filepath.Join(home, rest)
	}
	return path
}
