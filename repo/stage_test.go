package repo

import (
	"bytes"
	"context"
	"io"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"shoebox/chunk"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
)

// stage is a store on which something happens, once, right after an object of a folder is put.
type stage struct {
	*storage.Memory
	mu   sync.Mutex
	cues map[string]func()
}

func (s *stage) after(dir string, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cues == nil {
		s.cues = make(map[string]func())
	}
	s.cues[dir] = do
}

func (s *stage) Put(ctx context.Context, name string, data []byte) error {
	if err := s.Memory.Put(ctx, name, data); err != nil {
		return err
	}
	dir, _, _ := strings.Cut(name, "/")
	s.mu.Lock()
	do := s.cues[dir]
	delete(s.cues, dir)
	s.mu.Unlock()
	if do != nil {
		do()
	}
	return nil
}

// play is one repository on a stage.
type play struct {
	t     *testing.T
	stage *stage
	repo  *Repo
}

func newPlay(t *testing.T) *play {
	t.Helper()
	p := &play{t: t, stage: &stage{Memory: new(storage.Memory)}}
	p.repo = createdIn(t, p.stage)
	return p
}

// createdIn makes a repository of small chunks.
func createdIn(t *testing.T, s storage.Store) *Repo {
	t.Helper()
	return createdWith(t, s, chunk.Sizes{Min: 4 << 10, Max: 16 << 10, Bits: 12})
}

// createdWith makes a repository of chunks of some sizes.
func createdWith(t *testing.T, s storage.Store, sizes chunk.Sizes) *Repo {
	t.Helper()
	lock, err := crypt.Passphrase("p", 1)
	if err != nil {
		t.Fatal(err)
	}
	setup := Setup{Slots: map[string]crypt.Lock{"p": lock}, Chunks: sizes}
	r, err := Create(t.Context(), s, setup, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// again opens the repository as another process does.
func (p *play) again() *Repo {
	p.t.Helper()
	secret, err := crypt.PassphraseSecret("p")
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := Open(p.t.Context(), p.stage, []crypt.Secret{secret}, Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { r.Close() })
	return r
}

func (p *play) begin(r *Repo) *Batch {
	p.t.Helper()
	b, err := r.Begin(p.t.Context(), BatchOptions{DataPack: 128 << 10, MetaPack: 64 << 10})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(b.Abort)
	return b
}

func (p *play) put(b *Batch, data []byte) (c Content, fresh int64) {
	p.t.Helper()
	c, fresh, err := b.Put(p.t.Context(), bytes.NewReader(data))
	if err != nil {
		p.t.Fatal(err)
	}
	return c, fresh
}

func (p *play) commit(b *Batch, needs Content) error {
	_, err := b.Commit(p.t.Context(), "snapshots", []byte("x"), func(context.Context) iter.Seq2[Part, error] {
		return func(yield func(Part, error) bool) {
			for _, part := range needs {
				if !yield(part, nil) {
					return
				}
			}
		}
	})
	return err
}

func (p *play) stored(data []byte) Content {
	p.t.Helper()
	b := p.begin(p.repo)
	c, _ := p.put(b, data)
	if err := p.commit(b, c); err != nil {
		p.t.Fatal(err)
	}
	return c
}

func (p *play) names(dir string) []string {
	p.t.Helper()
	names, err := listNames(p.t.Context(), p.stage, dir)
	if err != nil {
		p.t.Fatal(err)
	}
	return names
}

// condemn writes a mark for packs.
func (p *play) condemn(packs ...string) {
	p.t.Helper()
	var m mark
	for _, path := range packs {
		name, err := parseHash(path)
		if err != nil {
			p.t.Fatal(err)
		}
		m.Packs = append(m.Packs, name)
	}
	name, err := p.repo.newName()
	if err == nil {
		err = p.repo.putSealed(p.t.Context(), markKind, name, m)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// revoke presumes a session dead.
func (p *play) revoke(sid string) {
	p.t.Helper()
	name, err := p.repo.newName()
	if err == nil {
		err = p.repo.putSealed(p.t.Context(), markKind, sid+"."+name+revokeSuffix, nil)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *play) delete(names ...string) {
	p.t.Helper()
	for _, name := range names {
		if err := p.stage.Delete(p.t.Context(), name); err != nil {
			p.t.Fatal(err)
		}
	}
}

// finishPrune deletes packs and then the marks.
func (p *play) finishPrune(packs ...string) {
	p.t.Helper()
	p.delete(packs...)
	p.delete(p.names(marksDir)...)
}

// wantBack reads a content from repositories that know nothing yet, and asks the audit; the order of segments is random.
func (p *play) wantBack(c Content, want []byte) {
	p.t.Helper()
	for range 8 {
		r := p.again()
		got, err := io.ReadAll(r.NewReader(p.t.Context(), c))
		if err != nil || !bytes.Equal(got, want) {
			p.t.Fatalf("%d of %d bytes came back: %v", len(got), len(want), err)
		}
		a, err := r.Audit(p.t.Context())
		if err != nil || len(a.Damage) > 0 {
			p.t.Fatalf("audit: %v, %v", a, err)
		}
		for _, part := range c {
			if err := a.Holds(p.t.Context(), part); err != nil {
				p.t.Fatalf("audit: %v", err)
			}
		}
	}
}

func (p *play) records() (confirmed, all int) {
	p.t.Helper()
	for rec, err := range p.again().Records(p.t.Context(), "snapshots") {
		if err != nil {
			p.t.Fatal(err)
		}
		if all++; rec.Confirmed {
			confirmed++
		}
	}
	return confirmed, all
}

func noise(seed uint64, n int) []byte {
	rng := rand.NewChaCha8([32]byte{byte(seed), 9})
	b := make([]byte, n)
	_, _ = rng.Read(b)
	return b
}
