package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"testing"

	"shoebox/device"
	"shoebox/snapshot"
)

// odd lists some files beside those of a roll, as only a broken or hostile device does, and fails to open some with words of
// any bytes.
type odd struct {
	roll
	files []device.File
}

func (o odd) Files(ctx context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for _, f := range o.files {
			if !yield(f, nil) {
				return
			}
		}
		o.roll.Files(ctx)(yield)
	}
}

func (o odd) Open(ctx context.Context, f device.File) (io.ReadCloser, error) {
	if strings.HasSuffix(f.Path, "notes.txt") {
		return nil, fmt.Errorf("open \xff\xfe: %w", os.ErrPermission)
	}
	return o.roll.Open(ctx, f)
}

// Whatever a device lists, the snapshot can be read back, and what it cannot hold is named.
func TestWhatNoSnapshotCanHoldIsNamed(t *testing.T) {
	l := newLab(t)
	long := strings.Repeat(strings.Repeat("d", 250)+"/", 20) + "x"
	src := odd{roll: firstRoll(), files: []device.File{
		{Path: "", Size: 1}, {Path: "../up", Size: 1}, {Path: "/root", Size: 1}, {Path: "A/../../b", Size: 1}, {Path: "B\x00", Size: 1}, {Path: "C", Size: -1}, {Path: "C1", Mode: 1 << 20},
		{Path: "C2", Type: device.Symlink, Target: strings.Repeat("t", 5000), Size: 5000}, {Path: "C3/" + long, Size: 1},
	}}
	r, err := openStore(t, l.store)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	o := labOptions(r)
	o.Device.Name, o.Host, o.Tags = "\xff", "\xfe", []string{"\xfd"}
	s, err := snapshot.Backup(t.Context(), r, src, o)
	if err != nil || len(s.Failed) != len(src.files)+1 {
		t.Fatalf("%d failed: %v", len(s.Failed), err)
	}
	want := firstRoll()
	delete(want, "notes.txt")
	l.truth[s.Name] = want
	l.prove()
}

// Long paths make pages full before they have many entries, on every level.
func TestLongPaths(t *testing.T) {
	l := newLab(t)
	src := make(roll)
	for i := range 600 {
		src[fmt.Sprintf("%s/%05d", strings.Repeat(strings.Repeat("d", 250)+"/", 15)+"e", i)] = nil
	}
	s, err := l.backup(l.store, src, nil)
	if err != nil || s.Count.Files != 600 {
		t.Fatalf("%+v, %v", s.Count, err)
	}
	l.prove()
}

// A disorderly listing ends the backup and no snapshot comes of it.
func TestListingOutOfOrder(t *testing.T) {
	l := newLab(t)
	src := odd{roll: firstRoll(), files: []device.File{{Path: "zzz", Type: device.Symlink, Target: "x", Size: 1}}}
	r, err := openStore(t, l.store)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := snapshot.Backup(t.Context(), r, src, labOptions(r)); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	l.prove()
}
