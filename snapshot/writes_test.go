package snapshot_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
	"shoebox/snapshot"
)

var update = flag.Bool("update", false, "write testdata anew: repositories made before may be read differently then")

// names that are random stand in the golden log for what they are.
var names = regexp.MustCompile(`[0-9a-f]{2}/[0-9a-f]{64}|[0-9a-f]{64}|[0-9a-f]{32}`)

// story is the log of a job in words that do not change: names as stars, lengths and reads left out, repeated lines as one.
func story(lines []string) string {
	var told []string
	for _, line := range lines {
		if words := append(strings.Fields(names.ReplaceAllString(line, "*")), "everything"); words[0] != "get" {
			told = append(told, words[0]+" "+words[1])
		}
	}
	return strings.Join(slices.Compact(told), "\n") + "\n"
}

// The order of writes is the law: packs, then segment, then snapshot, then done. Listings stand with it, as
// each is a step of the protocol.
func TestGoldenOrderOfWrites(t *testing.T) {
	l := newLabOf(t, rand.NewChaCha8([32]byte{1})) // or the attic might by chance need no page of its own
	var got strings.Builder
	for i, night := range []struct {
		name string
		src  roll
		note bool
	}{{"first backup", firstRoll(), false}, {"nothing new", firstRoll(), false}, {"a night", nightRoll(), false}, {"a night with a checkpoint", roll{"new.jpg": jpeg(300, 9_000)}, true}} {
		log := &storagetest.Logged{Store: l.store}
		opened, err := openStore(t, log)
		if err != nil {
			t.Fatal(err)
		}
		from := len(log.Lines())
		o := labOptions(opened)
		o.Workers, o.Batch.Uploads = 1, 1
		o.Now = func() time.Time { return someday.AddDate(0, 0, i) } // never two in the same millisecond
		if night.note {
			o.CheckpointBytes = 1
		}
		s, err := snapshot.Backup(t.Context(), opened, night.src, o)
		if err != nil {
			t.Fatal(err)
		}
		l.truth[s.Name] = night.src
		fmt.Fprintf(&got, "%s:\n%s\n", night.name, story(log.Lines()[from:]))
		opened.Close()
	}
	for _, name := range slices.Sorted(maps.Keys(l.truth)) {
		if snapshotHolds(t, l, name, "DCIM/IMG_0002.jpg") {
			delete(l.truth, name) // the two that were taken before the night
		}
	}
	for _, one := range []struct {
		name string
		do   func(*lab, storage.Store) error
	}{{"a forget", forgetFirst}, {"another", forgetFirst}, {"an undo", undoForget}} {
		log := &storagetest.Logged{Store: l.store}
		if err := one.do(l, log); err != nil {
			t.Fatal(err)
		}
		_, did, _ := strings.Cut(story(log.Lines()), "list tombstones/\n") // behind the opening
		fmt.Fprintf(&got, "%s:\nlist tombstones/\n%s\n", one.name, did)
	}
	golden(t, "testdata/writes.txt", got.String())
	l.prove(firstRoll(), atticRoll())
}

func snapshotHolds(t *testing.T, l *lab, name, path string) bool {
	t.Helper()
	all, _, err := snapshot.List(t.Context(), l.repo)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Name == name {
			_, err := snapshot.Lookup(t.Context(), l.repo, s, path)
			return err == nil
		}
	}
	return false
}

func TestGoldenOrderOfSetUp(t *testing.T) {
	log := &storagetest.Logged{Store: new(storage.Memory)}
	r, err := repo.Create(t.Context(), log, repo.Setup{Slots: map[string]crypt.Lock{"p": labLock(t, "p")}}, repo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	golden(t, "testdata/setup.txt", story(log.Lines()))
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s, got:\n%s", file, got)
	}
}
