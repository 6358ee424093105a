package repo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"shoebox/chunk"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
)

// Each test here sees that one step of package guard is taken: see bench/proof/ablation.

// beside is a store as one computer sees it. meet is told of each get, put and delete before it happens: it may do what another
// computer does just then, let it fail, or change what is kept.
type beside struct {
	storage.Store
	mu   sync.Mutex
	meet func(verb, name string, data []byte) ([]byte, error)
}

func (s *beside) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	s.mu.Lock()
	_, err := s.meet("get", name, nil)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, name, off, n)
}

func (s *beside) Put(ctx context.Context, name string, data []byte) error {
	s.mu.Lock()
	data, err := s.meet("put", name, data)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.Store.Put(ctx, name, data)
}

func (s *beside) Delete(ctx context.Context, name string) error {
	s.mu.Lock()
	_, err := s.meet("delete", name, nil)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.Store.Delete(ctx, name)
}

// over opens the repository through a store laid over the stage.
func (p *play) over(meet func(verb, name string, data []byte) ([]byte, error)) *Repo {
	p.t.Helper()
	secret, err := crypt.PassphraseSecret("p")
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := Open(p.t.Context(), &beside{Store: p.stage, meet: meet}, []crypt.Secret{secret}, Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { r.Close() })
	return r
}

// A segment may tell only of packs that are there: it is written after them.
func TestSegmentTellsOfDurablePacks(t *testing.T) {
	p, seen := newPlay(t), 0
	r := p.over(func(verb, name string, data []byte) ([]byte, error) {
		if verb != "put" || !strings.HasPrefix(name, segmentsDir) {
			return data, nil
		}
		plain, err := p.repo.keys.OpenRecord(segmentKind, "", data)
		if err != nil {
			return nil, err
		}
		var s segment
		if err := p.repo.codec.Unmarshal(plain, &s); err != nil {
			return nil, err
		}
		for _, e := range s.Packs {
			seen++
			if !slices.Contains(p.names(packsDir), packPath(e.Name)) {
				t.Errorf("a segment tells of %s, which is not there yet", packPath(e.Name))
			}
		}
		return data, nil
	})
	b := p.begin(r)
	c, _ := p.put(b, noise(30, 400_000))
	if err := p.commit(b, c); err != nil {
		t.Fatal(err)
	}
	if seen < 3 {
		t.Errorf("segments told of %d packs", seen)
	}
}

// Everything a record needs can be read before the record is there, and so before the session is done.
func TestRecordNeedsWhatIsDurable(t *testing.T) {
	p := newPlay(t)
	data := noise(31, 60_000)
	b := p.begin(p.again())
	c, _ := p.put(b, data)
	told := false
	p.stage.after("snapshots", func() {
		told = true
		got, err := io.ReadAll(p.again().NewReader(t.Context(), c))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("when the record is there, %d of %d bytes come back: %v", len(got), len(data), err)
		}
	})
	if err := p.commit(b, c); err != nil || !told {
		t.Fatal(told, err)
	}
}

// No success without the .done of the session: what is not confirmed no reader lists and no prune keeps.
func TestSuccessIsToldAfterDone(t *testing.T) {
	p, torn := newPlay(t), errors.New("the cable is torn")
	r := p.over(func(verb, name string, data []byte) ([]byte, error) {
		if verb == "put" && strings.HasSuffix(name, doneSuffix) {
			return nil, torn
		}
		return data, nil
	})
	b := p.begin(r)
	c, _ := p.put(b, noise(32, 5_000))
	if err := p.commit(b, c); !errors.Is(err, torn) {
		confirmed, all := p.records()
		t.Errorf("success was told: %v; %d of %d records are confirmed", err, confirmed, all)
	}
}

// A whole backup runs while a prune deletes packs: between its first delete and the mark's. The mark is still there, so the backup relies
// on none of them.
func TestWriterWhilePacksAreDeleted(t *testing.T) {
	p := newPlay(t)
	data := noise(33, 4_000) // one chunk, so one pack
	p.stored(data)
	var again Content
	r := p.over(func(verb, name string, given []byte) ([]byte, error) {
		if again == nil && verb == "delete" && strings.HasPrefix(name, packsDir) {
			b := p.begin(p.again())
			again, _ = p.put(b, data)
			if err := p.commit(b, again); err != nil {
				t.Errorf("the backup beside the prune: %v", err)
			}
		}
		return given, nil
	})
	if _, err := r.Prune(t.Context(), &kept{}, PruneOptions{}); err != nil || again == nil {
		t.Fatal(again, err)
	}
	p.wantBack(again, data)
}

// dropping are roots during whose Drop, after the plan and before any mark, something happens.
type dropping struct {
	kept
	do func()
}

func (d *dropping) Drop(context.Context) error { d.do(); return nil }

// A chunk lies in two packs. One prune plans to delete the one, another is already about to delete the other: then the first must
// let its pack be.
func TestPruneTrustsNoHomeThatAnotherDeletes(t *testing.T) {
	p := newPlay(t)
	data := noise(34, 4_000)
	one, two := p.begin(p.repo), p.begin(p.again())
	c, _ := p.put(one, data)
	_, _ = p.put(two, data)
	if err := errors.Join(p.commit(one, c), p.commit(two, c)); err != nil {
		t.Fatal(err)
	}
	homes := p.names(packsDir)
	slices.Sort(homes)
	if len(homes) != 2 {
		t.Fatalf("the chunk lies in %v", homes)
	}
	roots := &dropping{kept: kept{contents: []Content{c}}, do: func() { p.condemn(homes[0]) }} // which the plan keeps: settleShared
	if report := p.prune(roots, PruneOptions{}); report.DeadPacks != 1 || report.Spared != 1 {
		t.Errorf("%+v", report)
	}
	p.finishPrune(homes[0])
	p.wantBack(c, data)
}

// A store that keeps other bytes than it was given is found out before what was copied is deleted.
func TestPruneReadsBackWhatItMoved(t *testing.T) {
	p := newPlay(t)
	data := noise(35, 12_000)
	b := p.begin(p.repo)
	alive, _ := p.put(b, data)
	dead, _ := p.put(b, noise(36, 90_000))
	if err := p.commit(b, slices.Concat(alive, dead)); err != nil {
		t.Fatal(err)
	}
	spoiled := 0
	r := p.over(func(verb, name string, given []byte) ([]byte, error) {
		if verb == "put" && strings.HasPrefix(name, packsDir) {
			spoiled++
			given = bytes.Clone(given)
			given[200] ^= 4
		}
		return given, nil
	})
	_, err := r.Prune(t.Context(), &kept{contents: []Content{alive}}, PruneOptions{MaxDead: 0.01})
	if !errors.Is(err, crypt.ErrDamaged) || spoiled == 0 {
		t.Errorf("after %d spoiled packs the prune said %v", spoiled, err)
	}
	got, err := io.ReadAll(p.again().NewReader(t.Context(), alive))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d of %d bytes came back: %v", len(got), len(data), err)
	}
}

// Bytes sealed under the name of others, as a writer with failing memory might, or an attacker who has the key.
func TestChunkUnderAnotherName(t *testing.T) {
	p := newPlay(t)
	part, other := p.repo.Part(chunk.Body, noise(37, 9_000)), noise(38, 9_000)
	b := pack.NewBuilder(p.repo.keys, pack.Data, make([]byte, 64<<10))
	if ok, err := b.Add(part.Kind, part.ID, other, pack.None, len(other)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	done, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.stage.Put(t.Context(), packPath(done.Name), done.Bytes); err != nil {
		t.Fatal(err)
	}
	r := p.again()
	begun := p.begin(r) // adopts the pack
	if data, err := r.Chunk(t.Context(), part); !errors.Is(err, crypt.ErrDamaged) {
		t.Errorf("%d other bytes came back: %v", len(data), err)
	}
	begun.Abort()
	if damage := p.scrubbed(); len(damage) != 1 || damage[0].Name != packPath(done.Name) {
		t.Errorf("check says %v", damage)
	}
}

func (p *play) scrubbed() []Damage {
	p.t.Helper()
	a, err := p.again().Audit(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := a.Scrub(p.t.Context(), Budget{All: true}, nil); err != nil {
		p.t.Fatal(err)
	}
	return a.Damage
}

// The header of a pack is needed by nobody, and sealed by nothing: its name alone speaks for it.
func TestHeaderOfAPackIsChecked(t *testing.T) {
	p := newPlay(t)
	p.stored(noise(39, 4_000))
	path := p.names(packsDir)[0]
	whole, err := p.stage.Get(t.Context(), path, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	for at := range 16 {
		bad := bytes.Clone(whole)
		bad[at] ^= 1
		if err := p.stage.Put(t.Context(), path, bad); err != nil {
			t.Fatal(err)
		}
		if damage := p.scrubbed(); len(damage) != 1 || damage[0].Name != path {
			t.Errorf("byte %d is wrong and check says %v", at, damage)
		}
	}
}
