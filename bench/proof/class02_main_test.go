package proof_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"shoebox/bench/proof"
	"shoebox/device"
	"shoebox/snapshot"
)

// roleVariable makes the test binary another program: the one that a test needs as a process of its own, to kill it or to see how much
// memory it takes.
const roleVariable = "SHOEBOX_PROOF_ROLE"

// roles are those programs. Each prints lines of JSON as shoebox does.
var roles = map[string]func(args []string) error{
	"backup":   backupOften,
	"measured": measured,
}

func TestMain(m *testing.M) {
	role, ok := roles[os.Getenv(roleVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := role(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// say prints a line of JSON.
func say(line map[string]any) error { return json.NewEncoder(os.Stdout).Encode(line) }

// backupOften backs a folder up in small packs and leaves a note after each few files: REPOSITORY FOLDER.
func backupOften(args []string) error {
	w, err := proof.At(args[0])
	if err != nil {
		return err
	}
	r, err := w.Open(w.Store)
	if err != nil {
		return err
	}
	defer r.Close()
	dir, err := device.NewDir(args[1], device.DirOptions{})
	if err != nil {
		return err
	}
	defer dir.Close()
	o := w.Options(r)
	o.CheckpointBytes = 100_000
	s, err := snapshot.Backup(context.Background(), r, dir, o)
	if err != nil {
		return err
	}
	return say(map[string]any{"message_type": "summary", "snapshot_id": s.Name})
}
