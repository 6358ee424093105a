package repo

import (
	"testing"
	"time"

	"shoebox/repo/crypt"
)

// What a check has read is verified since then; what was stored later is not yet.
func TestVerified(t *testing.T) {
	p := newPlay(t)
	secret, err := crypt.PassphraseSecret("p")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_700_000_000, 0)
	r, err := Open(t.Context(), p.stage, []crypt.Secret{secret}, Options{CacheDir: t.TempDir(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	since := func(c Content) time.Time {
		t.Helper()
		at, err := r.Verified(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	first := p.stored(noise(1, 9_000))
	if at := since(first); !at.IsZero() {
		t.Error("verified before anything was read:", at)
	}
	a, err := r.Audit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Scrub(t.Context(), Budget{All: true}, nil); err != nil {
		t.Fatal(err)
	}
	if at := since(first); !at.Equal(now) {
		t.Error("read, and verified since", at)
	}
	second := p.stored(noise(2, 9_000))
	if at := since(append(first[:len(first):len(first)], second...)); !at.IsZero() {
		t.Error("some of it was never read:", at)
	}
	if at := since(nil); !at.IsZero() {
		t.Error("nothing was verified:", at)
	}
}
