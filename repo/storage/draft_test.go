package storage_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

// drafted writes abc and def, and names what that and the rest make.
func drafted(f *storage.Folder) error {
	d, err := f.Draft(ctx, "packs")
	if err != nil {
		return err
	}
	for _, piece := range []string{"abc", "def"} {
		if _, err := d.Write([]byte(piece)); err != nil {
			d.Discard()
			return err
		}
	}
	s, err := d.Stage(ctx, "packs/3f/x", []byte("abcdefghi"))
	if err != nil {
		return err
	}
	return s.Commit(ctx)
}

// What is drafted is written as it comes, synced once, and has a name when all of it is durable.
func TestOrderOfADraft(t *testing.T) {
	f, disk, log := watch(nil)
	if err := drafted(f); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(*log, "\n"), strings.Join(lines(`
		mkdir packs
		syncdir .
		create packs/.tmp-0000000000000000
		write packs/.tmp-0000000000000000 3
		write packs/.tmp-0000000000000000 3
		mkdir packs/3f
		syncdir packs
		write packs/.tmp-0000000000000000 3
		sync packs/.tmp-0000000000000000
		close packs/.tmp-0000000000000000
		rename packs/.tmp-0000000000000000 packs/3f/x
		syncdir packs/3f`), "\n"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := disk.Files(); !maps.Equal(got, map[string]string{"packs/3f/x": "abcdefghi"}) {
		t.Error(got)
	}
}

// Each call fails once: no temporary file stays unless removing it is what failed, and there is all of the object or none.
func TestEachCallOfADraftFails(t *testing.T) {
	f, _, log := watch(nil)
	if err := drafted(f); err != nil {
		t.Fatal(err)
	}
	calls := len(*log)
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
		for k := range calls {
			made := 0
			f, disk, log := watch(func(string) error {
				if made++; made-1 == k {
					return cause
				}
				return nil
			})
			if err := drafted(f); !errors.Is(err, cause) || errors.Is(err, storage.ErrFull) != (cause == syscall.ENOSPC) {
				t.Errorf("%s fails with %v: %v", (*log)[k], cause, err)
			}
			if left := disk.Leftovers(); len(left) > 0 {
				t.Errorf("%s leaves %v", (*log)[k], left)
			}
			if data, found := disk.Files()["packs/3f/x"]; found && (data != "abcdefghi" || k != calls-1) {
				t.Errorf("after %s there is %q", (*log)[k], data)
			}
			if syncs := slices.DeleteFunc(slices.Clone(*log), func(call string) bool { return !strings.HasPrefix(call, "sync packs/.tmp") }); len(syncs) > 1 {
				t.Errorf("%s: a sync was tried again", (*log)[k])
			}
		}
	}
}

// What is not named yet is in no list, and leaves nothing when it is discarded or cannot be what it is said to be.
func TestDraftThatEndsWithoutAName(t *testing.T) {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for what, end := range map[string]func(d storage.Draft) error{
		"discarded":    func(d storage.Draft) error { d.Discard(); return context.Canceled },
		"cancelled":    func(d storage.Draft) error { _, err := d.Stage(cancelled, "packs/3f/x", []byte("abcdef")); return err },
		"shorter":      func(d storage.Draft) error { _, err := d.Stage(ctx, "packs/3f/x", []byte("ab")); return err },
		"without name": func(d storage.Draft) error { _, err := d.Stage(ctx, "../x", []byte("abc")); return err },
		"staged": func(d storage.Draft) error {
			s, err := d.Stage(ctx, "packs/3f/x", []byte("abcdef"))
			if err == nil {
				s.Discard()
				err = context.Canceled
			}
			return err
		},
	} {
		f, disk, _ := watch(nil)
		d, err := f.Draft(ctx, "packs")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
		if got := storagetest.Names(t, f, ""); len(got) > 0 {
			t.Errorf("%s: there are %v", what, got)
		}
		if err := end(d); err == nil {
			t.Errorf("%s: no error", what)
		}
		if got := disk.Files(); len(got) > 0 {
			t.Errorf("%s: %v stay", what, got)
		}
	}
}

// On a real disk pieces that go past the page cache and such that do not follow each other in any order.
func TestDraftOnDisk(t *testing.T) {
	f := openFolder(t, t.TempDir())
	all := append(storage.AlignedBuffer(4<<20), make([]byte, 4<<20)...)
	random := rand.NewChaCha8([32]byte{2})
	_, _ = random.Read(all) // never fails
	for _, ends := range [][]int{{}, {1 << 20, 2 << 20}, {1 << 20, 1<<20 + 4096, 3 << 20}, {4096, 8192}, {7, 1<<20 + 7}, {4 << 20}} {
		for _, size := range []int{4 << 20, 4<<20 - 1, 4<<20 - 4096} {
			d, err := f.Draft(ctx, "packs")
			if err != nil {
				t.Fatal(err)
			}
			written := 0
			for _, end := range ends {
				end = min(end, size)
				if _, err := d.Write(all[written:end]); err != nil {
					t.Fatal(ends, size, err)
				}
				written = end
			}
			s, err := d.Stage(ctx, "packs/3f/x", all[:size])
			if err == nil {
				err = s.Commit(ctx)
			}
			if err != nil {
				t.Fatal(ends, size, err)
			}
			if got, err := f.Get(ctx, "packs/3f/x", 0, -1); err != nil || !bytes.Equal(got, all[:size]) {
				t.Fatal(ends, size, err)
			}
		}
	}
	if got := storagetest.Names(t, f, ""); len(got) != 1 {
		t.Error(got)
	}
}
