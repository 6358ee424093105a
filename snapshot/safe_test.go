package snapshot_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"shoebox/device"
	"shoebox/snapshot"
)

// held is a device that tells hashes; what mute names it cannot read.
type held struct {
	roll
	mute string
}

func (h held) Sum(_ context.Context, f device.File) ([32]byte, error) {
	if f.Path == h.mute {
		return [32]byte{}, errors.New("input/output error")
	}
	return sha256.Sum256(h.roll[f.Path]), nil
}

func (h held) Files(ctx context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for f, err := range h.roll.Files(ctx) {
			if !yield(f, err) {
				return
			}
		}
		if h.mute != "" {
			yield(device.File{Path: "Android/data"}, &device.Problem{Path: "Android/data", Err: errors.New("permission denied")})
		}
	}
}

func placesOf(files []device.File) (paths []string) {
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	return paths
}

// Yes is said only of a device all of whose bytes come back, wherever they are kept.
func TestCheckSafe(t *testing.T) {
	l := newLab(t)
	first := firstRoll()
	one := slices.Sorted(maps.Keys(first))[0]
	if _, err := l.backup(l.store, first, nil); err != nil {
		t.Fatal(err)
	}
	later := maps.Clone(first)
	delete(later, one) // only in the first snapshot from now on
	if _, err := l.backup(l.store, later, nil); err != nil {
		t.Fatal(err)
	}
	on := maps.Clone(first)
	on["moved/elsewhere.jpg"] = first[one]
	said := l.checkSafe(t, held{roll: on}, snapshot.SafeOptions{})
	if !said.Yes() || said.Files != int64(len(on)) {
		t.Errorf("all is safe, and it says %+v", said)
	}
	if said = l.checkSafe(t, held{roll: on}, snapshot.SafeOptions{Sample: 1}); said.Yes() || said.Alike == 0 || said.Alike+said.Proven != said.Files {
		t.Errorf("one was compared, and it says %+v", said)
	}
	on["new.jpg"] = []byte("taken a minute ago")
	on[one] = append(slices.Clone(first[one][1:]), first[one][0]^1)
	said = l.checkSafe(t, held{roll: on}, snapshot.SafeOptions{})
	if said.Yes() || !slices.Equal(placesOf(said.Missing), []string{"new.jpg"}) || !slices.Equal(placesOf(said.Different), []string{one}) {
		t.Errorf("one is new and one differs, and it says %+v", said)
	}
	said = l.checkSafe(t, held{first, one}, snapshot.SafeOptions{})
	if said.Yes() || len(said.Unread) != 2 || said.Proven != int64(len(first))-1 {
		t.Errorf("a file and a folder cannot be read, and it says %+v", said)
	}
}

// A picture that stands in a snapshot and does not come back is not safe.
func TestCheckSafeReadsTheRepository(t *testing.T) {
	l := newLab(t)
	if _, err := l.backup(l.store, firstRoll(), nil); err != nil {
		t.Fatal(err)
	}
	for o, err := range l.store.List(t.Context(), "packs/") {
		if err != nil {
			t.Fatal(err)
		}
		data, err := l.store.Get(t.Context(), o.Name, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 30_000 { // pictures, not pages
			data[20_000] ^= 1
			if err := l.store.Put(t.Context(), o.Name, data); err != nil {
				t.Fatal(err)
			}
		}
	}
	said := l.checkSafe(t, held{roll: firstRoll()}, snapshot.SafeOptions{})
	if said.Yes() || len(said.Lost) == 0 || !strings.Contains(said.Lost[0].Reason, "damaged") {
		t.Errorf("packs are damaged, and it says %+v", said)
	}
}

func (l *lab) checkSafe(t *testing.T, h held, o snapshot.SafeOptions) *snapshot.Safety {
	t.Helper()
	r, err := openStore(t, l.store)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	said, err := snapshot.CheckSafe(t.Context(), r, h, o)
	if err != nil {
		t.Fatal(err)
	}
	return said
}
