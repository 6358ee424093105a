package post

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// played is what a program that Command ran has seen.
type played struct {
	Args          []string
	Text          string
	Subject, Kind string
	Password      bool
}

// play is that program: it writes down what it sees, or does what it is told.
func play() int {
	switch os.Getenv("POST_PLAY") {
	case "fail":
		fmt.Fprintln(os.Stderr, strings.Join(os.Args, " "))
		return 3
	case "hang":
		time.Sleep(time.Minute)
	case "deaf":
		return 0 // reads nothing
	case "loud":
		forever(os.Stdout, strings.Repeat("loud ", 100))
	}
	text, _ := io.ReadAll(os.Stdin)
	_, leaked := os.LookupEnv("SHOEBOX_PASSWORD")
	seen, _ := json.Marshal(played{os.Args[2:], string(text), os.Getenv("SHOEBOX_SUBJECT"), os.Getenv("SHOEBOX_KIND"), leaked})
	if err := os.WriteFile(os.Args[1], seen, 0o600); err != nil {
		return 1
	}
	return 0
}

// ourselves is the test program as a command.
func ourselves(t *testing.T, args ...Secret) Command {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Command{program, args}
}

func TestCommand(t *testing.T) {
	t.Setenv("POST_PLAY", "write")
	t.Setenv("SHOEBOX_PASSWORD", password)
	out := write(t, "seen", "")
	s := ourselves(t, Secret(out), "; touch /tmp/x", "$HOME `id`", "")
	if err := s.Send(t.Context(), news(Start)); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(out); len(data) > 0 {
		t.Error("it is run for a start")
	}
	if err := s.Send(t.Context(), news(Warning)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var seen played
	if err := json.Unmarshal(data, &seen); err != nil {
		t.Fatal(err)
	}
	if strings.Join(seen.Args, "|") != "; touch /tmp/x|$HOME `id`|" || seen.Text != news(Warning).Text || seen.Kind != "warning" || seen.Password ||
		seen.Subject != "1,204 Bilder von 2 Handys sind sicher – größer  Bcc: evil@example.org" {
		t.Errorf("%+v", seen)
	}
	noSecrets(t, Command{Program: "tell", Arguments: []Secret{token, password}}, nil)
}

func TestCommandsThatFail(t *testing.T) {
	long := news(Failure)
	long.Text = strings.Repeat("long ", 1<<20)
	for how, want := range map[string]error{"fail": nil, "hang": context.DeadlineExceeded, "loud": context.DeadlineExceeded} {
		t.Setenv("POST_PLAY", how)
		s := ourselves(t, token, password, topic)
		start := time.Now()
		err := s.Send(soon(t), long)
		if err == nil || want != nil && !errors.Is(err, want) || time.Since(start) > 10*time.Second {
			t.Errorf("%s: %v", how, err)
		}
		noSecrets(t, s, err)
	}
	t.Setenv("POST_PLAY", "deaf")
	if err := ourselves(t).Send(t.Context(), long); err != nil {
		t.Errorf("a program that does not read: %v", err)
	}
	s := Command{Program: "/nowhere/no-such-program", Arguments: []Secret{topic}}
	err := s.Send(t.Context(), news(Success))
	if err == nil {
		t.Error("a program that is not there was run")
	}
	noSecrets(t, s, err)
}
