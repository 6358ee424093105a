package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/wire"
	"shoebox/snapshot/photo"
)

// The page as the codec reads it: slower, and what decodePage is held against.

func oraclePage(data []byte) (*readPage, error) {
	var form page
	if err := codec().Unmarshal(data, &form); err != nil {
		return nil, fmt.Errorf("%w: %w", crypt.ErrDamaged, err)
	}
	return form.check()
}

// check holds a page against its own promises: a level within bounds, entries or pages but not both, in order.
func (p *page) check() (*readPage, error) {
	if p.Level > maxLevel || (p.Level == 0) != (len(p.Children) == 0) || (len(p.Entries) == 0) == (p.Level == 0) {
		return nil, fmt.Errorf("%w: it is of no known form", crypt.ErrDamaged)
	}
	out := &readPage{level: int(p.Level), children: p.Children, entries: make([]Entry, len(p.Entries)), count: int64(len(p.Entries))}
	for i := range p.Entries {
		e, err := p.Entries[i].entry()
		if err != nil {
			return nil, err
		}
		if i > 0 && out.entries[i-1].Path >= e.Path {
			return nil, fmt.Errorf("%w: its entries are not in order", crypt.ErrDamaged)
		}
		out.entries[i] = e
	}
	for i, c := range p.Children {
		if i > 0 && p.Children[i-1].First >= c.First || c.Part.Kind != chunk.Page {
			return nil, fmt.Errorf("%w: its pages are not in order", crypt.ErrDamaged)
		}
		if c.Count < 1 || c.Count > 1<<48 {
			return nil, fmt.Errorf("%w: one of its pages holds %d entries", crypt.ErrDamaged, c.Count)
		}
		out.count += c.Count
	}
	return out, nil
}

// agree holds that both readers take the same pages for good, and read the same in them.
func agree(t fataler, data []byte) {
	t.Helper()
	whole := bytes.Clone(data)
	want, refused := oraclePage(data)
	got, err := decodePage(data)
	if (err == nil) != (refused == nil) {
		t.Fatalf("%x: decoded with %v, and by the codec with %v", whole, err, refused)
	}
	if err != nil {
		if !errors.Is(err, crypt.ErrDamaged) {
			t.Fatalf("%x: %v", whole, err)
		}
		return
	}
	if !bytes.Equal(whole, data) {
		t.Fatalf("reading changed %x to %x", whole, data)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%x: decoded as %+v, and by the codec as %+v", whole, got, want)
	}
}

func FuzzPageDecoders(f *testing.F) {
	for _, p := range samplePages() {
		f.Add(mustMarshal(p))
	}
	for _, v := range hostileEntries() {
		if data, ok := v.([]byte); ok && len(data) < 1<<16 {
			f.Add(data)
		} else if !ok {
			f.Add(mustMarshal(v))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { agree(t, data) })
}

func samplePages() []page {
	link := good("z/link")
	link.Type, link.Target, link.Size, link.Hash = 1, "../there", 8, nil
	old := sampleEntry().form()
	old.ModTime, old.Taken, old.Zone, old.Path, old.Camera = -70_000, -1, -570, "E", "M\u00fcller \u2603"
	child := func(first string, count int64) childForm {
		return childForm{First: wire.Bytes(first), Part: part(chunk.Page, 1<<20), Count: count}
	}
	return []page{
		leaf(sampleEntry().form(), old, good("z"), link),
		{Level: 1, Children: []childForm{child("a", 1), child("b", 1<<40)}},
		{Level: 8, Children: []childForm{child("", 23), child("\xff", 24), child("\xff\x00", 256)}},
	}
}

// Every byte of good pages is changed in each bit, made the beginning of another item, left out, and doubled: the two readers agree on each.
func TestPageDecodersAgreeOnDamage(t *testing.T) {
	for _, p := range samplePages() {
		data := mustMarshal(p)
		agree(t, data)
		for at := range data {
			for _, value := range []byte{0x00, 0x17, 0x18, 0x1f, 0x38, 0x40, 0x5f, 0x60, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xe0, 0xf6, 0xfb, 0xff} {
				agree(t, slices.Concat(data[:at], []byte{value}, data[at+1:]))
			}
			for bit := range 8 {
				agree(t, slices.Concat(data[:at], []byte{data[at] ^ 1<<bit}, data[at+1:]))
			}
			agree(t, data[:at])
			agree(t, slices.Concat(data[:at], data[at+1:]))
			agree(t, slices.Concat(data[:at+1], data[at:]))
		}
	}
}

// A number in more bytes than it needs, wherever it stands, is refused by both.
func TestPageDecodersAgreeOnLongNumbers(t *testing.T) {
	for _, p := range samplePages() {
		data := mustMarshal(p)
		for at, b := range data {
			if b&31 < 24 {
				agree(t, slices.Concat(data[:at], []byte{b&0xe0 | 24, b & 31}, data[at+1:]))
			}
			for width := 1; width <= 8; width *= 2 { // zeros before what is taken for a number
				agree(t, slices.Concat(data[:at], []byte{b&0xe0 | byte(23+bits.Len(uint(width)))}, make([]byte, width), data[at+1:]))
			}
		}
	}
}

// Any fields in any order of magnitude: what the codec writes both read, or both refuse.
func TestPageDecodersAgreeOnAnyEntry(t *testing.T) {
	number := rapid.OneOf(rapid.SampledFrom([]int64{0, 1, 23, 24, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32, -1, -24, -25, -257, 1<<63 - 1, -1 << 63}), rapid.Int64())
	text := rapid.OneOf(rapid.SampledFrom([]string{"", ".", "a", "a//b", "a/../b", "/a", "a/", "image/jpeg", "\xff", "a\x00"}), rapid.StringN(0, 40, 300))
	parts := rapid.Custom(func(t *rapid.T) repo.Part {
		return repo.Part{Kind: chunk.Kind(rapid.Uint8().Draw(t, "kind")), ID: chunk.ID{rapid.Byte().Draw(t, "id")}, Size: uint32(number.Draw(t, "size"))}
	})
	entry := rapid.Custom(func(t *rapid.T) entryForm {
		f := sampleEntry().form()
		f.Path = wire.Bytes(rapid.StringMatching(`[a-z]{1,4}(/[a-z.]{1,4})?`).Draw(t, "path"))
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			n, s := number.Draw(t, "number"), text.Draw(t, "text")
			changes := []func(){func() { f.Path = wire.Bytes(s) }, func() { f.Type = uint8(n) }, func() { f.Size = n }, func() { f.ModTime = n }, func() { f.ModNano = uint32(n) },
				func() { f.Mode = uint32(n) }, func() { f.Target = wire.Bytes(s) }, func() { f.Hash = []byte(s) }, func() { f.Taken = n }, func() { f.TakenBy = uint8(n) }, func() { f.Zone = int(n) },
				func() { f.Media = s }, func() { f.Orientation = uint8(n) }, func() { f.Width = uint32(n) }, func() { f.Height = uint32(n) }, func() { f.Camera = s },
				func() { f.Parts = rapid.SliceOfN(parts, 0, 3).Draw(t, "parts"); f.Size = f.Parts.Size() }, func() { f.Parts, f.Size = nil, 0 }, func() { f.Type, f.Parts = 1, nil }}
			rapid.SampledFrom(changes).Draw(t, "change")()
		}
		return f
	})
	rapid.Check(t, func(t *rapid.T) {
		p := page{Level: uint8(rapid.SampledFrom([]int{0, 0, 0, 1, 9}).Draw(t, "level")), Entries: rapid.SliceOfN(entry, 0, 3).Draw(t, "entries")}
		slices.SortFunc(p.Entries, func(a, b entryForm) int { return strings.Compare(string(a.Path), string(b.Path)) })
		data, err := codec().Marshal(p)
		if err != nil {
			return // text that is no UTF-8 is not written
		}
		agree(t, data)
		if len(data) > 0 {
			data[rapid.IntRange(0, len(data)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		}
		agree(t, data)
	})
}

// benchPage is a page as a camera fills it.
func benchPage() page {
	var p page
	for i := range 128 {
		e := sampleEntry()
		e.Path = fmt.Sprintf("DCIM/Camera/IMG_%08d.jpg", i)
		e.ModTime = time.Unix(1723475045+int64(i)*420, 0)
		e.Photo = photo.Info{Taken: e.ModTime.UTC(), Zoned: true, Source: photo.ExifOffset, Type: "image/jpeg", Orientation: 1, Width: 4000, Height: 3000, Camera: "Google Pixel 8"}
		e.Hash[0], e.Hash[31] = byte(i), 7
		p.Entries = append(p.Entries, e.form())
	}
	return p
}

// BenchmarkPageDecode reads a page of 128 entries: by hand, and as the codec does.
func BenchmarkPageDecode(b *testing.B) {
	data := mustMarshal(benchPage())
	for name, decode := range map[string]func([]byte) (*readPage, error){"hand": decodePage, "codec": oraclePage} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := decode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPageEncode writes it.
func BenchmarkPageEncode(b *testing.B) {
	p, c := benchPage(), codec()
	b.ReportAllocs()
	for b.Loop() {
		data, err := c.Marshal(p)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(data)))
	}
}
