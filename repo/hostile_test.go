package repo

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"testing"

	"github.com/zeebo/blake3"

	"shoebox/bench/proof/tried"
	"shoebox/chunk"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
)

// Here the attacker has the key: everything is sealed as it should be, and lies.

// sealedAs puts anything where a segment, a mark or a configuration should be.
func (p *play) sealedAs(kind, name string, plain []byte) string {
	p.t.Helper()
	sealed, err := p.repo.keys.SealRecord(kind, name, plain)
	if err != nil {
		p.t.Fatal(err)
	}
	if kind == segmentKind {
		sum := blake3.Sum256(sealed)
		name = hex.EncodeToString(sum[:])
	}
	if err := p.stage.Put(p.t.Context(), kind+"/"+name, sealed); err != nil {
		p.t.Fatal(err)
	}
	return kind + "/" + name
}

func (p *play) encoded(v any) []byte {
	p.t.Helper()
	data, err := p.repo.codec.Marshal(v)
	if err != nil {
		p.t.Fatal(err)
	}
	return data
}

func line(kind, encoding byte, stored, plain uint32) []byte {
	b := append([]byte{kind, encoding}, make([]byte, 32)...)
	b = binary.LittleEndian.AppendUint32(b, stored)
	return binary.LittleEndian.AppendUint32(b, plain)
}

// A hostile segment is named by check and passed over by all else.
func TestHostileSegments(t *testing.T) {
	one := func(e packEntry) any { return segment{Packs: []packEntry{e}} }
	cases := map[string]any{
		"nothing":             []byte{},
		"not CBOR":            []byte("segment"),
		"an array of 2^32":    []byte{0xa1, 0x01, 0x9a, 0xff, 0xff, 0xff, 0xff},
		"bytes after it":      []byte{0xa1, 0x01, 0x80, 0x00},
		"too many packs":      append([]byte{0xa1, 0x01, 0x9a, 0, 4, 0, 1}, bytes.Repeat([]byte{0xa0}, 1<<18+1)...),
		"a short pack name":   []byte{0xa1, 0x01, 0x81, 0xa4, 0x01, 0x41, 0x07, 0x02, 0x00, 0x03, 0x01, 0x04, 0x40},
		"a line cut off":      one(packEntry{Size: 1 << 20, Class: pack.Data, Lines: line(1, 0x10, 42, 10)[:41]}),
		"a negative size":     one(packEntry{Size: -1, Class: pack.Data, Lines: line(1, 0x10, 42, 10)}),
		"beyond the pack":     one(packEntry{Size: 4096, Class: pack.Data, Lines: line(1, 0x10, 1<<20, 1<<20)}),
		"beyond 4 GiB":        one(packEntry{Size: math.MaxInt64, Class: pack.Data, Lines: bytes.Repeat(line(1, 0x10, 32<<20, 32<<20), 200)}),
		"a chunk of 2 GiB":    one(packEntry{Size: 1 << 20, Class: pack.Data, Lines: line(1, 0x11, 100, 1<<31)}),
		"a chunk of no bytes": one(packEntry{Size: 1 << 20, Class: pack.Data, Lines: line(1, 0x10, 32, 0)}),
	}
	for name, v := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t)
			data := noise(20, 20_000)
			kept := p.stored(data)
			plain, ok := v.([]byte)
			if !ok {
				plain = p.encoded(v)
			}
			path := p.sealedAs(segmentKind, "", plain)
			r := p.again()
			if _, err := r.readSegmentWhole(t.Context(), path); !errors.Is(err, crypt.ErrDamaged) {
				t.Errorf("read: %v", err)
			}
			a, err := r.Audit(t.Context())
			if err != nil || len(a.Damage) != 1 || a.Damage[0].Name != path {
				t.Errorf("audit: %+v, %v", a, err)
			}
			b := p.begin(p.again())
			if _, fresh := p.put(b, data); fresh != 0 {
				t.Errorf("%d bytes were stored again", fresh)
			}
			if err := p.commit(b, kept); err != nil {
				t.Error(err)
			}
		})
	}
	tried.Cases(t, 12, len(cases))
}

// readSegmentWhole reads a segment and its lines.
func (r *Repo) readSegmentWhole(ctx context.Context, path string) (n int, err error) {
	s, err := r.readSegment(ctx, path)
	if err != nil {
		return 0, err
	}
	for range indexEntries(s.Packs, &err) {
		n++
	}
	return n, err
}

// A mark nobody can read stops writers: it may condemn what they rely on.
func TestHostileMarks(t *testing.T) {
	tried.Cases(t, 12, 1)
	for name, plain := range map[string][]byte{
		"nothing": {}, "not CBOR": []byte("mark"), "an array of 2^32": {0xa1, 0x01, 0x9a, 0xff, 0xff, 0xff, 0xff}, "a short name": {0xa1, 0x01, 0x81, 0x41, 0x07},
	} {
		p := newPlay(t)
		p.sealedAs(markKind, strings.Repeat("0", 32), plain)
		if _, err := p.repo.Begin(t.Context(), BatchOptions{}); !errors.Is(err, crypt.ErrDamaged) || !strings.Contains(err.Error(), "marks/") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHostileConfigurations(t *testing.T) {
	p := newPlay(t)
	change := func(do func(*Config)) []byte {
		c := p.repo.config
		do(&c)
		return p.encoded(c)
	}
	for name, c := range map[string]struct {
		plain []byte
		opens bool // an older generation serves
		says  string
	}{
		"nothing":                {[]byte{}, true, ""},
		"not CBOR":               {[]byte("config"), true, ""},
		"another repository":     {change(func(c *Config) { c.Repository[0]++ }), true, ""},
		"a newer version":        {change(func(c *Config) { c.Version = 2 }), false, "newer"},
		"an unknown feature":     {change(func(c *Config) { c.Features.Incompat = []string{"x"} }), false, "newer"},
		"a reducible polynomial": {change(func(c *Config) { c.Polynomial = 4 }), false, "polynomial"},
		"chunks of 4 GiB":        {change(func(c *Config) { c.ChunkMax = math.MaxUint32 }), false, "bounds"},
		"chunks of nothing":      {change(func(c *Config) { c.ChunkMin = 0 }), false, "least size"},
		"pages of 2^200 entries": {change(func(c *Config) { c.PageBits = 200 }), false, "bounds"},
		"pages of no entries":    {change(func(c *Config) { c.PageBits = 0 }), false, "bounds"},
	} {
		path := p.sealedAs("config", "00000002", c.plain)
		secret, _ := crypt.PassphraseSecret("p")
		r, err := Open(t.Context(), p.stage, []crypt.Secret{secret}, Options{})
		if (err == nil) != c.opens || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			r.Close()
		}
		p.delete(path)
	}
}

// Features decide who may do what.
func TestFeatures(t *testing.T) {
	p := newPlay(t)
	c := p.repo.config
	c.Features = Features{ReadOnly: []string{"parity-of-tomorrow"}, Compat: []string{"anything"}}
	p.sealedAs("config", "00000002", p.encoded(c))
	r := p.again()
	if _, err := r.Begin(t.Context(), BatchOptions{}); err == nil || !strings.Contains(err.Error(), "parity-of-tomorrow") {
		t.Errorf("wrote to a repository that may only be read: %v", err)
	}
	if _, err := r.Audit(t.Context()); err != nil {
		t.Error(err)
	}
}

// An older configuration does not win because the newest could not be fetched.
func TestConfigurationThatCannotBeFetched(t *testing.T) {
	p := newPlay(t)
	path := p.sealedAs("config", "00000002", p.encoded(p.repo.config))
	secret, _ := crypt.PassphraseSecret("p")
	_, err := Open(t.Context(), &unreadable{p.stage, path, errStutter}, []crypt.Secret{secret}, Options{})
	if !errors.Is(err, errStutter) {
		t.Errorf("got %v", err)
	}
}

// A record that is taken back or forgotten between the listing and the reading is left out; one that cannot be fetched is not.
func TestRecordThatVanishesMeanwhile(t *testing.T) {
	p := newPlay(t)
	p.stored(noise(30, 1000))
	p.stored(noise(31, 1000))
	for cause, want := range map[error]string{fs.ErrNotExist: "1 records, 0 errors", errStutter: ""} {
		r := p.again()
		r.store = &unreadable{p.stage, p.names("snapshots/")[0], cause}
		records, failed := 0, 0
		for _, err := range r.Records(t.Context(), "snapshots") {
			if err != nil {
				failed++
			} else {
				records++
			}
		}
		if got := fmt.Sprintf("%d records, %d errors", records, failed); got != want && (cause == fs.ErrNotExist || failed != 1) {
			t.Errorf("%v: %s", cause, got)
		}
	}
}

// unreadable cannot give one object.
type unreadable struct {
	storage.Store
	path string
	err  error
}

var errStutter = errors.New("connection reset")

func (u *unreadable) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	if name == u.path {
		return nil, u.err
	}
	return u.Store.Get(ctx, name, off, n)
}

func FuzzSegment(f *testing.F) {
	codec := newRepo(nil, Options{}).codec
	add := func(s segment) {
		data, err := codec.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	add(segment{})
	add(segment{Packs: []packEntry{{Name: pack.Name{1}, Size: 8192, Class: pack.Meta, Lines: line(3, 0x11, 99, 200)}}, Supersedes: [][32]byte{{2}}})
	f.Fuzz(func(t *testing.T, data []byte) {
		var s segment
		if codec.Unmarshal(data, &s) != nil {
			return
		}
		first, err := codec.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back segment
		if err := codec.Unmarshal(first, &back); err != nil {
			t.Fatal(err)
		}
		if second, err := codec.Marshal(back); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%x and then %x: %v", first, second, err)
		}
		var damaged error
		for e := range indexEntries(s.Packs, &damaged) {
			if e.Place.Plain == 0 || e.Place.Plain > pack.MaxChunk || int64(e.Place.Stored) > int64(pack.MaxChunk+crypt.Overhead) {
				t.Fatalf("%+v was accepted", e)
			}
		}
	})
}

// FuzzSmallRecords feeds the decoders of all other records.
func FuzzSmallRecords(f *testing.F) {
	codec := newRepo(nil, Options{}).codec
	for _, v := range []any{Config{Version: 1}, writer{Host: "h"}, mark{Packs: [][32]byte{{1}}}, recordBody{"s", []byte("b")}} {
		data, err := codec.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, v := range []any{new(Config), new(writer), new(mark), new(recordBody)} {
			if codec.Unmarshal(data, v) != nil {
				continue
			}
			first, err := codec.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if c, ok := v.(*Config); ok && c.check() == nil {
				_, _ = chunk.NewCutter(c.Polynomial, c.Sizes(), nil)
			}
			if err := codec.Unmarshal(first, v); err != nil {
				t.Fatalf("%T: %v", v, err)
			}
			if second, err := codec.Marshal(v); err != nil || fmt.Sprintf("%x", first) != fmt.Sprintf("%x", second) {
				t.Fatalf("%T: %x and then %x: %v", v, first, second, err)
			}
		}
	})
}
