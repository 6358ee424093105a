package repo

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// gets counts the reads of segments by a repository over the stage.
func (p *play) gets(n *int) *Repo {
	return p.over(func(verb, name string, data []byte) ([]byte, error) {
		if verb == "get" && strings.HasPrefix(name, segmentsDir) {
			*n++
		}
		return data, nil
	})
}

// halfDead stores what fills two packs, of which half is needed, in a session of its own.
func (p *play) halfDead(seed uint64) (alive Content, data []byte) {
	p.t.Helper()
	b := p.begin(p.repo)
	data = noise(seed, 120_000)
	alive, _ = p.put(b, data)
	dead, _ := p.put(b, noise(1_000+seed, 120_000))
	if err := p.commit(b, slices.Concat(alive, dead)); err != nil {
		p.t.Fatal(err)
	}
	return alive, data
}

// Each round of a prune reads the segments that tell of its packs, and no others: rounds times segments would be a square.
func TestPruneReadsFewSegments(t *testing.T) {
	const sessions, aRound = 14, 12
	p := newPlay(t)
	var contents []Content
	var whole [][]byte
	for i := range uint64(sessions) {
		alive, data := p.halfDead(i)
		contents, whole = append(contents, alive), append(whole, data)
	}
	reads, rounds := 0, 0
	o := PruneOptions{RoundBytes: 1, Batch: BatchOptions{DataPack: 128 << 10, MetaPack: 64 << 10}, Watch: func(stage PruneStage, done, total int64) {
		if stage == StageDelete && done == total {
			rounds++
		}
	}}
	segments := len(p.names(segmentsDir))
	report, err := p.gets(&reads).Prune(t.Context(), &kept{contents: contents}, o)
	if err != nil || rounds < sessions {
		t.Fatalf("%d rounds, %+v, %v", rounds, report, err)
	}
	t.Logf("%d reads in %d rounds over %d segments", reads, rounds, segments)
	if most := 2*segments + aRound*rounds; reads > most {
		t.Errorf("%d reads of segments in %d rounds over %d segments, more than %d", reads, rounds, segments, most)
	}
	for i, c := range contents {
		p.wantBack(c, whole[i])
	}
}

// What is needed since the survey is looked for in every segment, before its pack is spared.
func TestPruneFindsAnyHome(t *testing.T) {
	p := newPlay(t)
	data := noise(1, 12_000)
	one, two := p.begin(p.repo), p.begin(p.again())
	late, _ := p.put(one, data)
	_, _ = p.put(two, data)
	alive, _ := p.put(two, noise(2, 400_000)) // so much that some of it lies in every pack
	if err := errors.Join(p.commit(one, late), p.commit(two, slices.Concat(late, alive))); err != nil {
		t.Fatal(err)
	}
	report := p.prune(&kept{contents: []Content{alive}, later: []Content{late}}, PruneOptions{MaxDead: 0.99})
	if report.Deleted == 0 || report.Spared > 0 {
		t.Errorf("%+v", report)
	}
	p.wantBack(late, data)
}

// Who has an index from before a prune learns once where everything is now.
func TestReaderFollowsAPrune(t *testing.T) {
	p, reads := newPlay(t), 0
	alive, data := p.halfDead(1)
	r := p.gets(&reads)
	if _, err := r.Chunk(t.Context(), alive[0]); err != nil {
		t.Fatal(err)
	}
	if report := p.prune(&kept{contents: []Content{alive}}, PruneOptions{}); report.MovedPacks == 0 {
		t.Fatalf("%+v", report)
	}
	reads = 0
	got, err := io.ReadAll(r.NewReader(t.Context(), alive))
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d of %d bytes came back: %v", len(got), len(data), err)
	}
	if segments := len(p.names(segmentsDir)); reads > segments {
		t.Errorf("%d reads of %d segments for %d parts", reads, segments, len(alive))
	}
}
