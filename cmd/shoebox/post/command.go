package post

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Command runs a program: the text on its standard input, the subject and the kind in its environment. No shell sees any of it.
type Command struct {
	Program   string
	Arguments []Secret // may hold secrets of that program
}

func (c Command) String() string { return "command " + oneLine(filepath.Base(c.Program), 60) }

// Send runs the program and waits for its end. What it prints is thrown away.
func (c Command) Send(ctx context.Context, m Message) error {
	if m.Kind == Start {
		return nil
	}
	args := make([]string, len(c.Arguments))
	for i, a := range c.Arguments {
		args[i] = string(a)
	}
	cmd := exec.CommandContext(ctx, c.Program, args...)
	cmd.Stdin = strings.NewReader(m.Text)
	cmd.Env = append(environment(), "SHOEBOX_SUBJECT="+oneLine(m.Subject, 1000), "SHOEBOX_KIND="+string(m.Kind))
	cmd.WaitDelay = 2 * time.Second // for what the program started and left behind
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		err = fmt.Errorf("it ended with %v; run it by hand to see what it says", exit.ProcessState)
	}
	return newError(ctx, c.String(), err, c.Arguments...)
}

// environment is ours without the password of the repository.
func environment() (kept []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "SHOEBOX_PASSWORD") {
			kept = append(kept, v)
		}
	}
	return kept
}
