package post

import (
	"testing"

	"shoebox/cmd/shoebox/post/posttest"
)

// startBus runs the bus of a session.
func startBus(t *testing.T) *posttest.Bus {
	t.Helper()
	b, err := posttest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// startDesktop shows notifications on a bus.
func startDesktop(t *testing.T, b *posttest.Bus) *posttest.Desktop {
	t.Helper()
	d, err := b.Desktop()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}
