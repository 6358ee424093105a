package repo

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"shoebox/repo/crypt"
)

// The writer's side of the protocol in docs/format.md. The tests write marks and revokes, and delete packs, as a pruner would.

func TestCondemnedPacksAreNotReliedOn(t *testing.T) {
	p := newPlay(t)
	data := noise(1, 60_000)
	p.stored(data)
	old := p.names(packsDir)
	p.condemn(old...)
	b := p.begin(p.repo)
	if b.Quiet() {
		t.Error("quiet beside a mark")
	}
	c, fresh := p.put(b, data)
	if fresh != int64(len(data)) {
		t.Errorf("%d of %d bytes were stored again", fresh, len(data))
	}
	if err := p.commit(b, c); err != nil {
		t.Fatal(err)
	}
	p.finishPrune(old...)
	p.wantBack(c, data)
}

func TestMarkBetweenBeginAndCommit(t *testing.T) {
	p := newPlay(t)
	data := noise(2, 60_000)
	kept := p.stored(data)
	old := p.names(packsDir)
	b := p.begin(p.repo)
	if c, fresh := p.put(b, data); fresh != 0 || len(c) != len(kept) {
		t.Fatalf("%d bytes were new", fresh)
	}
	p.condemn(old...)
	if err := p.commit(b, kept); err != nil {
		t.Fatal(err)
	}
	p.finishPrune(old...)
	p.wantBack(kept, data)
}

// What a record takes over without putting it, such as a page of its parent, is re-homed too when the mark stood before Begin.
func TestMarkBeforeBeginAndContentTakenOver(t *testing.T) {
	p := newPlay(t)
	data := noise(3, 60_000)
	kept := p.stored(data)
	old := p.names(packsDir)
	p.condemn(old...)
	b := p.begin(p.repo)
	if err := p.commit(b, kept); err != nil {
		t.Fatal(err)
	}
	p.finishPrune(old...)
	p.wantBack(kept, data)
}

func TestPackVanishesBeforeCommit(t *testing.T) {
	p := newPlay(t)
	data := noise(4, 60_000)
	kept := p.stored(data)
	old := p.names(packsDir)
	b := p.begin(p.repo)
	p.delete(old...)
	if err := p.commit(b, kept); !errors.Is(err, ErrPruned) {
		t.Errorf("relied on packs that are gone: %v", err)
	}
	if confirmed, all := p.records(); confirmed != 1 || all != 1 {
		t.Errorf("%d confirmed of %d", confirmed, all)
	}
}

func TestPackVanishesAndItsChunksLiveElsewhere(t *testing.T) {
	p := newPlay(t)
	data := noise(5, 60_000)
	p.stored(data)
	old := p.names(packsDir)
	b := p.begin(p.again()) // knows the old packs only
	p.condemn(old...)
	second := p.stored(data) // by another writer, into packs of its own
	p.finishPrune(old...)
	if err := p.commit(b, second); err != nil {
		t.Fatal(err)
	}
	p.wantBack(second, data)
}

func TestRevokeAfterTheRecordIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		risk      func(p *play, old []string)
		confirmed bool
	}{
		"nothing at risk":       {func(*play, []string) {}, true},
		"packs condemned":       {func(p *play, old []string) { p.condemn(old...) }, true},
		"all packs condemned":   {func(p *play, _ []string) { p.condemn(p.names(packsDir)...) }, true},
		"packs deleted":         {func(p *play, old []string) { p.delete(old...) }, false},
		"the batch's deleted":   {func(p *play, old []string) { p.delete(except(p.names(packsDir), old)...) }, false},
		"deleted and condemned": {func(p *play, old []string) { p.delete(old[0]); p.condemn(p.names(packsDir)...) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t)
			data, more := noise(6, 60_000), noise(7, 30_000)
			kept := p.stored(data)
			old := p.names(packsDir)
			b := p.begin(p.repo)
			added, _ := p.put(b, more)
			needs := append(append(Content(nil), kept...), added...)
			var doomed []string
			p.stage.after("snapshots", func() {
				p.revoke(b.Session())
				c.risk(p, old)
				if c.confirmed {
					if len(p.names(marksDir)) > 1 {
						doomed = old
					}
					if name == "all packs condemned" {
						doomed = p.names(packsDir)
					}
				}
			})
			err := p.commit(b, needs)
			confirmed, all := p.records()
			if !c.confirmed {
				if !errors.Is(err, ErrPruned) || confirmed != 1 || all != 1 {
					t.Fatalf("%v; %d confirmed of %d", err, confirmed, all)
				}
				return
			}
			if err != nil || confirmed != 2 {
				t.Fatalf("%v; %d confirmed of %d", err, confirmed, all)
			}
			p.finishPrune(doomed...)
			p.wantBack(needs, append(data, more...))
		})
	}
}

func except(all, without []string) (rest []string) {
	for _, name := range all {
		if !strings.Contains(strings.Join(without, " "), name) {
			rest = append(rest, name)
		}
	}
	return rest
}

func TestRevokeOfAnotherSessionIsNotOurs(t *testing.T) {
	p := newPlay(t)
	b := p.begin(p.repo)
	c, _ := p.put(b, noise(8, 1000))
	p.revoke(strings.Repeat("0", 32))
	if revoked, err := p.repo.revoked(t.Context(), b.Session()); revoked || err != nil {
		t.Errorf("revoked: %v", err)
	}
	if err := p.commit(b, c); err != nil {
		t.Fatal(err)
	}
}

// Who could not read a mark must not go on as if there were none.
func TestDamagedMarkStopsTheWriter(t *testing.T) {
	p := newPlay(t)
	p.stored(noise(9, 1000))
	p.condemn(p.names(packsDir)...)
	name := p.names(marksDir)[0]
	data, err := p.stage.Get(t.Context(), name, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	data[60] ^= 1
	if err := p.stage.Memory.Put(t.Context(), name, data); err != nil {
		t.Fatal(err)
	}
	if _, err := p.repo.Begin(t.Context(), BatchOptions{}); !errors.Is(err, crypt.ErrDamaged) {
		t.Errorf("began beside a mark that cannot be read: %v", err)
	}
}

// Readers that meet a missing pack look for other homes, whatever their index said.
func TestMissingPackOnRead(t *testing.T) {
	p := newPlay(t)
	data := noise(10, 60_000)
	c := p.stored(data)
	old := p.names(packsDir)
	stale := p.again()
	if _, err := stale.Chunk(t.Context(), c[0]); err != nil {
		t.Fatal(err)
	}
	p.condemn(old...)
	p.stored(data)
	p.finishPrune(old...)
	got, err := io.ReadAll(stale.NewReader(t.Context(), c))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d of %d bytes: %v", len(got), len(data), err)
	}
	p.delete(p.names(packsDir)...)
	if _, err := io.ReadAll(p.again().NewReader(t.Context(), c)); err == nil || !strings.Contains(err.Error(), "packs/") {
		t.Errorf("read from nowhere: %v", err)
	}
}

// A damaged copy of a chunk is passed over while another is whole.
func TestDamagedCopyIsPassedOver(t *testing.T) {
	p := newPlay(t)
	data := noise(11, 12_000)
	p.stored(data)
	first := p.names(packsDir)
	p.condemn(first...)
	c := p.stored(data)
	p.delete(p.names(marksDir)...)
	for _, bad := range [][]string{first, except(p.names(packsDir), first)} {
		whole := make(map[string][]byte)
		for _, name := range bad {
			sealed, err := p.stage.Get(t.Context(), name, 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			whole[name] = bytes.Clone(sealed)
			sealed[100] ^= 1
			if err := p.stage.Put(t.Context(), name, sealed); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := io.ReadAll(p.again().NewReader(t.Context(), c)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: %v", len(got), err)
		}
		for name, sealed := range whole {
			if err := p.stage.Put(t.Context(), name, sealed); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Two batches of one Repo: the second knows what another process stored in between, and writes no segment anew.
func TestSecondBatchKnowsWhatOthersStored(t *testing.T) {
	p := newPlay(t)
	p.stored(noise(12, 1000))
	b := p.begin(p.again())
	c, _ := p.put(b, noise(13, 5000))
	if err := p.commit(b, c); err != nil {
		t.Fatal(err)
	}
	before := len(p.names(segmentsDir))
	if b := p.begin(p.repo); b.Count().Packs != 0 || len(p.names(segmentsDir)) != before {
		t.Errorf("%d segments became %d", before, len(p.names(segmentsDir)))
	}
}

// A pack that is gone before the batch begins makes it look at everything it takes over.
func TestMissingPackIsNotQuiet(t *testing.T) {
	p := newPlay(t)
	kept := p.stored(noise(14, 60_000))
	p.delete(p.names(packsDir)[0])
	b := p.begin(p.again())
	if b.Quiet() {
		t.Error("quiet although a pack is missing")
	}
	if err := p.commit(b, kept); !errors.Is(err, ErrPruned) {
		t.Errorf("relied on a pack that is gone: %v", err)
	}
}
