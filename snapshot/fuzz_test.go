package snapshot

import (
	"bytes"
	"math"
	"testing"
	"time"

	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/snapshot/photo"
)

// again decodes data into a V, and holds that what was accepted is written the same way ever after.
func again[V any](t *testing.T, data []byte) (v V, ok bool) {
	if codec().Unmarshal(data, &v) != nil {
		return v, false
	}
	first, err := codec().Marshal(v)
	if err != nil {
		return v, false // text that is no UTF-8 was refused on the way in, so this is a bound
	}
	var back V
	if err := codec().Unmarshal(first, &back); err != nil {
		t.Fatalf("what was written cannot be read: %v", err)
	}
	second, err := codec().Marshal(back)
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("written as %x and then as %x: %v", first, second, err)
	}
	return v, true
}

func sampleEntry() Entry {
	return Entry{File: device.File{Path: "DCIM/\xff.jpg", Size: 5, ModTime: time.Unix(1723475045, 123456789), Mode: 0o644}, Hash: [32]byte{1, 2},
		Content: repo.Content{{Kind: chunk.Head, ID: chunk.ID{3}, Size: 2}, {Kind: chunk.Body, ID: chunk.ID{4}, Size: 3}},
		Photo: photo.Info{Taken: time.UnixMilli(1723467845123).In(time.FixedZone("", 7200)), Zoned: true, Source: photo.ExifOffset, Type: "image/jpeg",
			Orientation: 6, Width: 4000, Height: 3000, Camera: "Maker One"}}
}

func FuzzPage(f *testing.F) {
	f.Add(mustMarshal(leaf(sampleEntry().form(), good("z"))))
	f.Add(mustMarshal(page{Level: 1, Children: []childForm{{First: "a", Part: part(chunk.Page, 1), Count: 1}}}))
	for _, v := range hostileEntries() {
		if data, ok := v.([]byte); ok && len(data) < 1<<16 {
			f.Add(data)
		} else if !ok {
			f.Add(mustMarshal(v))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, ok := again[page](t, data)
		if !ok {
			return
		}
		read, err := p.check()
		if err != nil {
			return
		}
		for _, e := range read.entries {
			form := e.form()
			if back, err := form.entry(); err != nil || !cleanPath(back.Path) || back.Path != e.Path || !back.ModTime.Equal(e.ModTime) {
				t.Fatalf("%q became %q: %v", e.Path, back.Path, err)
			}
		}
	})
}

func FuzzSnapshotRecord(f *testing.F) {
	body, err := Snapshot{Device: Device{Kind: "phone", Name: "Pixel", ID: "x"}, Roots: []string{"\xff"}, Start: time.UnixMilli(5), End: time.UnixMilli(9), Tags: []string{"t"},
		Failed: []Failure{{"p", "r"}}, Writer: Writer{ID: "w", Seq: 2, Prev: "00000000000000000000000000000000"}, root: part(chunk.Page, 9)}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte{0xa1, 0x05, 0x1b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		again[form](t, data)
		s, err := decode(repo.Record{Name: "0123456789abcdef0123456789abcdef", Body: data})
		if err != nil {
			return
		}
		if _, err := s.Start.MarshalJSON(); err != nil {
			t.Errorf("a start that cannot be shown: %v", err)
		}
		body, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decode(repo.Record{Name: s.Name, Body: body}); err != nil || !back.Start.Equal(s.Start) || back.root != s.root {
			t.Errorf("%+v became %+v: %v", s, back, err)
		}
	})
}

func FuzzNote(f *testing.F) {
	f.Add(mustMarshal(note{Device: "d", Entries: []entryForm{sampleEntry().form()}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, ok := again[note](t, data)
		if !ok {
			return
		}
		for _, form := range n.Entries {
			if e, err := form.entry(); err == nil && (!cleanPath(e.Path) || e.Size < 0) {
				t.Errorf("%q of %d bytes was accepted", e.Path, e.Size)
			}
		}
	})
}

// An entry is what it was before it was written.
func TestEntryComesBack(t *testing.T) {
	for name, change := range map[string]func(*Entry){
		"as it is":         func(*Entry) {},
		"before 1970":      func(e *Entry) { e.ModTime = time.Unix(-5, 999_999_999) },
		"a far future":     func(e *Entry) { e.ModTime = time.Unix(math.MaxInt32*1000, 1) },
		"a wall time":      func(e *Entry) { e.Photo.Taken, e.Photo.Zoned = e.Photo.Taken.In(time.UTC), false },
		"west of UTC":      func(e *Entry) { e.Photo.Taken = e.Photo.Taken.In(time.FixedZone("", -9*3600-1800)) },
		"no picture":       func(e *Entry) { e.Photo = photo.Info{Taken: time.UnixMilli(0).UTC()} },
		"empty":            func(e *Entry) { e.Size, e.Content = 0, nil },
		"beyond 4 GiB":     func(e *Entry) { e.Size = 1<<33 - 2; e.Content = repo.Content{part(1, 1<<32-1), part(1, 1<<32-1)} },
		"longest path":     func(e *Entry) { e.Path = string(bytes.Repeat([]byte("p"), maxPath)) },
		"no right to read": func(e *Entry) { e.Mode = 0 },
	} {
		e := sampleEntry()
		change(&e)
		data := mustMarshal(leaf(e.form()))
		var p page
		if err := codec().Unmarshal(data, &p); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		read, err := p.check()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		back := read.entries[0]
		same := sameFile(back.File, e.File) && back.Path == e.Path && back.Hash == e.Hash && len(back.Content) == len(e.Content) &&
			back.Photo.Taken.Equal(e.Photo.Taken) && back.Photo.Zoned == e.Photo.Zoned && back.Photo.Source == e.Photo.Source
		_, offset := e.Photo.Taken.Zone()
		if _, now := back.Photo.Taken.Zone(); !same || now != offset {
			t.Errorf("%s: %+v became %+v", name, e, back)
		}
		if !bytes.Equal(mustMarshal(leaf(back.form())), data) {
			t.Errorf("%s: it is not written as it was", name)
		}
	}
}

func FuzzTombstone(f *testing.F) {
	name := "0123456789abcdef0123456789abcdef"
	f.Add(mustMarshal(tombstoneForm{Version: tombstoneVersion, When: 1795219200000, LastCopies: true, Reason: "asked for"}))
	f.Add(mustMarshal(tombstoneForm{Version: tombstoneVersion, When: math.MaxInt64}))
	f.Add(mustMarshal(tombstoneForm{Version: 2}))
	f.Add(mustMarshal(map[int]any{1: tombstoneVersion, 2: 0, 5: []string{"../../etc/passwd"}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		stone, err := decodeTombstone(repo.Record{Name: name, Body: data})
		if err != nil {
			return
		}
		if ms := stone.When.UnixMilli(); ms < firstMoment || ms > lastMoment {
			t.Fatalf("a tombstone of %v was read", stone.When)
		}
		again[tombstoneForm](t, data)
	})
}
