package vault

import (
	"bytes"
	"testing"

	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

// A pack that was drafted has its sidecar, which heals it; nothing else is drafted, and a store that takes no drafts gives none.
func TestDraft(t *testing.T) {
	disk := new(storagetest.Disk)
	inner := storage.NewFolder(disk, bytes.NewReader(make([]byte, 1<<16)))
	v, data := New(inner, true), noise("drafted", 100_000)
	name, memory := packName(data), bytes.Clone(data)
	d, err := v.Draft(ctx, "packs")
	must(t, err)
	_, err = d.Write(memory[:60_000])
	must(t, err)
	s, err := d.Stage(ctx, name, memory)
	must(t, err)
	clear(memory)
	must(t, s.Commit(ctx))
	wantPackAlone(t, v, inner, name, data)

	d, err = v.Draft(ctx, "packs")
	must(t, err)
	if _, err := d.Stage(ctx, "config/00000001", data); err == nil {
		t.Error("something else was drafted")
	}
	if left := disk.Leftovers(); len(left) > 0 {
		t.Error(left)
	}
	if d, err := New(new(storage.Memory), true).Draft(ctx, "packs"); d != nil || err != nil {
		t.Error(d, err)
	}
}
