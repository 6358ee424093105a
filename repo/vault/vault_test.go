package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/zeebo/blake3"

	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

var ctx = context.Background()

// noise is n bytes that look like sealed ones.
func noise(seed string, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(seed))).Read(b)
	return b
}

// record is a record as far as anybody without a key can tell.
func record(seed string, steps int) []byte {
	b := append([]byte(recordMagic), noise(seed, 40+512*steps+16)...)
	sum := blake3.Sum256(b)
	return append(b, sum[:]...)
}

func packName(data []byte) string {
	sum := blake3.Sum256(data)
	h := hex.EncodeToString(sum[:])
	return "packs/" + h[:2] + "/" + h
}

func segmentName(data []byte) string {
	sum := blake3.Sum256(data)
	return "segments/" + hex.EncodeToString(sum[:])
}

func slot(seed string) []byte {
	return append([]byte("age-encryption.org/v1\n-> X25519 "), noise(seed, 150)...)
}

const (
	slotName     = "keys/password.age"
	snapshotName = "snapshots/00112233445566778899aabbccddeeff"
)

// house are originals of every kind.
func house() map[string][]byte {
	all := map[string][]byte{
		"shoebox.json": []byte(`{"magic":"shoebox repository","version":1}`), "README.txt": []byte("a text"),
		slotName: slot("a"), "keys/recovery.age": slot("b"), "config/00000001": record("c", 1), snapshotName: record("s", 2),
		"tombstones/ff112233445566778899aabbccddeeff":           record("t", 1),
		"brakes/0123456789abcdef":                               record("b", 1),
		"sessions/00112233445566778899aabbccddeeff.done":        record("d", 1),
		"sessions/00112233445566778899aabbccddeef0.open":        record("o", 1),
		"sessions/00112233445566778899aabbccddeeff.000001.part": record("p", 1),
		"marks/00112233445566778899aabbccddeeff":                record("m", 1),
	}
	for i, n := range []int{4096, 12288, 5 * 4096} {
		data := noise(fmt.Sprint("pack", i), n)
		all[packName(data)] = data
	}
	segment := record("segment", 3)
	all[segmentName(segment)] = segment
	return all
}

// filled is a store with all of it, put through a vault.
func filled(t testing.TB, redundant bool) (*Vault, *storage.Memory) {
	t.Helper()
	m := new(storage.Memory)
	v := New(m, redundant)
	for name, data := range house() {
		must(t, v.Put(ctx, name, data))
	}
	return v, m
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// contents is all that a store holds.
func contents(t testing.TB, s storage.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for o, err := range s.List(ctx, "") {
		must(t, err)
		data, err := s.Get(ctx, o.Name, 0, -1)
		must(t, err)
		all[o.Name] = string(data)
	}
	return all
}

func wantContents(t testing.TB, s storage.Store, want map[string]string, what string) {
	t.Helper()
	got := contents(t, s)
	if maps.Equal(got, want) {
		return
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %s is not what it was (%d bytes, was %d)", what, name, len(got[name]), len(want[name]))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %s is too much", what, name)
		}
	}
	t.FailNow()
}

func names(of []Damage) (out []string) {
	for _, d := range of {
		out = append(out, d.Name)
	}
	return out
}

// change puts other bytes in the place of an object, as a disk would.
func change(t testing.TB, m storage.Store, name string, how func([]byte) []byte) {
	t.Helper()
	data, err := m.Get(ctx, name, 0, -1)
	must(t, err)
	must(t, m.Put(ctx, name, how(data)))
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[at%len(b)] ^= 1 << (at % 8); return b }
}

// A vault that is not redundant is a store like any other; one that is lists more than it was given.
func TestConforms(t *testing.T) {
	storagetest.Conform(t, func() storage.Store { return New(new(storage.Memory), false) })
}

// What is written beside what, and in which order.
func TestOrderOfWrites(t *testing.T) {
	log := &storagetest.Logged{Store: new(storage.Memory)}
	v := New(log, true)
	pack := noise("p", 5000)
	segment := record("x", 1)
	for _, name := range []string{packName(pack), segmentName(segment), slotName, "config/00000001", snapshotName, "sessions/a.open", "README.txt"} {
		data := map[string][]byte{packName(pack): pack, segmentName(segment): segment}[name]
		if data == nil {
			data = []byte("x")
		}
		must(t, v.Put(ctx, name, data))
		must(t, v.Delete(ctx, name))
	}
	var got []string
	for _, line := range log.Lines() {
		parts := strings.Fields(line)
		name := parts[1]
		if len(name) > 64 {
			name = name[:len(name)-64] + "HASH"
		}
		if dir, _, ok := strings.Cut(name, "/"); ok && (dir == "packs" || dir == "parity") {
			name = dir + "/HASH"
		}
		got = append(got, parts[0]+" "+name)
	}
	want := []string{
		"put packs/HASH", "put parity/HASH", "delete parity/HASH", "delete packs/HASH", "delete parity/HASH",
		"put segments/HASH", "put copies/segments/HASH", "delete copies/segments/HASH", "delete segments/HASH", "delete copies/segments/HASH",
		"delete copies/" + slotName, "put " + slotName, "put copies/" + slotName, "delete copies/" + slotName, "delete " + slotName, "delete copies/" + slotName,
		"delete copies/config/00000001", "put config/00000001", "put copies/config/00000001",
		"delete copies/config/00000001", "delete config/00000001", "delete copies/config/00000001",
		"put " + snapshotName, "put copies/" + snapshotName, "delete copies/" + snapshotName, "delete " + snapshotName, "delete copies/" + snapshotName,
		"put sessions/a.open", "delete sessions/a.open", "put README.txt", "delete README.txt",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A pack that is staged has neither name nor sidecar; the sidecar comes after it, and of what is discarded there is neither.
func TestStage(t *testing.T) {
	inner := storage.NewFolder(new(storagetest.Disk), bytes.NewReader(make([]byte, 1<<16)))
	v, data := New(inner, true), noise("staged", 100_000)
	name, memory := packName(data), bytes.Clone(data)
	for _, commit := range []bool{false, true} {
		copy(memory, data)
		s, err := v.Stage(ctx, name, memory)
		must(t, err)
		clear(memory)
		if got := storagetest.Names(t, inner, ""); len(got) > 0 {
			t.Fatalf("while it was staged there were %v", got)
		}
		if !commit {
			s.Discard()
			continue
		}
		must(t, s.Commit(ctx))
	}
	wantPackAlone(t, v, inner, name, data)
}

// wantPackAlone wants a pack and the sidecar that heals it in a store, and nothing else.
func wantPackAlone(t *testing.T, v *Vault, inner storage.Store, name string, data []byte) {
	t.Helper()
	if got := storagetest.Names(t, inner, ""); len(got) != 2 || got[name] != int64(len(data)) || got[SidecarName(name)] == 0 {
		t.Fatal(got)
	}
	damaged := bytes.Clone(data)
	damaged[77] ^= 1
	must(t, inner.Put(ctx, name, damaged))
	if healed, err := v.Restored(ctx, name); err != nil || !bytes.Equal(healed, data) {
		t.Fatal("its sidecar does not heal it:", err)
	}
}

// Not redundant, a vault writes what it is given and nothing else, and still deletes what lies there from before.
func TestNotRedundant(t *testing.T) {
	_, bare := filled(t, false)
	if got, want := len(contents(t, bare)), len(house()); got != want {
		t.Errorf("%d objects, want %d", got, want)
	}
	v, m := filled(t, true)
	v.SetRedundant(false)
	for name := range house() {
		must(t, v.Delete(ctx, name))
	}
	wantContents(t, m, map[string]string{}, "after deleting all")
	must(t, New(m, true).Put(ctx, slotName, slot("old")))
	must(t, v.Put(ctx, slotName, slot("new")))
	if _, err := v.Copy(ctx, slotName); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the copy of an old password survived its replacement:", err)
	}
}

// A password that was replaced leaves no copy behind, wherever the replacement stops.
func TestNoCopyOfAnOldPassword(t *testing.T) {
	for k := range 4 {
		m := new(storage.Memory)
		must(t, New(m, true).Put(ctx, slotName, slot("old")))
		_ = New(&stopping{Store: m, left: k}, true).Put(ctx, slotName, slot("new"))
		all := contents(t, m)
		for name, data := range all {
			if strings.HasPrefix(name, CopiesDir) && strings.Contains(data, string(slot("old"))) && all[slotName] != string(slot("old")) {
				t.Errorf("stopped after %d calls: %s holds the old slot, and the slot is new", k, name)
			}
		}
		must(t, ignore(New(m, true).Heal(ctx, Options{})))
		if got := contents(t, m)[slotName]; k >= 2 && got != string(slot("new")) {
			t.Errorf("stopped after %d calls: healing took the new password away", k)
		}
	}
}

func ignore[T any](_ T, err error) error { return err }

// Whatever happens to a small object, reading it whole gives what was written; and the good path costs one call.
func TestReadThroughDamage(t *testing.T) {
	v, m := filled(t, true)
	for name, data := range house() {
		if !kindOf(name).copied() {
			continue
		}
		faulty := &storagetest.Faulty{Store: m}
		if got, err := New(faulty, true).Get(ctx, name, 0, -1); err != nil || !bytes.Equal(got, data) || faulty.Calls() != 1 {
			t.Errorf("%s: %d calls on the good path, %v", name, faulty.Calls(), err)
		}
		hurts := map[string]func(){
			"gone":  func() { must(t, m.Delete(ctx, name)) },
			"empty": func() { must(t, m.Put(ctx, name, nil)) },
			"other": func() { must(t, m.Put(ctx, name, []byte("something else"))) },
		}
		if k := kindOf(name); k != slotKind && k != hintKind {
			hurts["flipped"] = func() { change(t, m, name, flip(77)) }
			hurts["cut"] = func() { change(t, m, name, func(b []byte) []byte { return b[:len(b)-512] }) }
		}
		for how, hurt := range hurts {
			hurt()
			if got, err := v.Get(ctx, name, 0, -1); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s, %s: %v", name, how, err)
			}
			must(t, m.Put(ctx, name, data))
		}
	}
}

// Where the copy does not help, the answer is that of the store.
func TestAnswerWithoutACopy(t *testing.T) {
	v, m := filled(t, true)
	change(t, m, snapshotName, flip(50))
	change(t, m, "copies/"+snapshotName, flip(200))
	want, err := m.Get(ctx, snapshotName, 0, -1)
	must(t, err)
	if got, err := v.Get(ctx, snapshotName, 0, -1); err != nil || !bytes.Equal(got, want) {
		t.Error("damaged, with a damaged copy:", err)
	}
	must(t, m.Delete(ctx, snapshotName))
	if _, err := v.Get(ctx, snapshotName, 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Error("gone, with a damaged copy:", err)
	}
	if _, err := v.Copy(ctx, snapshotName); !errors.Is(err, ErrDamaged) {
		t.Error("a damaged copy:", err)
	}
	if _, err := v.Copy(ctx, "packs/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("no copy:", err)
	}
	// A copy that was moved to another name is no copy.
	must(t, m.Put(ctx, "copies/keys/recovery.age", sealCopy(slotName, slot("a"))))
	if _, err := v.Copy(ctx, "keys/recovery.age"); !errors.Is(err, ErrDamaged) {
		t.Error("the copy of another slot:", err)
	}
}

func TestVerifyFindsAll(t *testing.T) {
	v, m := filled(t, true)
	progress := new(Progress)
	rep, err := v.Verify(ctx, Options{Progress: progress})
	must(t, err)
	if len(rep.Damage) > 0 || rep.Bare > 0 || rep.Lone > 0 || len(rep.Strange) > 0 || rep.Packs != 3 || rep.Small != len(house())-4 {
		t.Errorf("%+v", rep)
	}
	if progress.Objects.Load() != progress.AllObjects.Load() || progress.Bytes.Load() != rep.Bytes || progress.Objects.Load() == 0 {
		t.Errorf("progress %d of %d objects, %d of %d bytes", progress.Objects.Load(), progress.AllObjects.Load(), progress.Bytes.Load(), rep.Bytes)
	}
	whole := contents(t, m)
	// Each object alone, flipped: exactly it is found.
	for name, data := range whole {
		if kindOf(name) == plainKind || data == "" {
			continue
		}
		change(t, m, name, flip(len(data)/2))
		rep, err := v.Verify(ctx, Options{})
		must(t, err)
		if got := names(rep.Damage); !slices.Equal(got, []string{name}) {
			t.Errorf("%s is damaged, and found is %v", name, got)
		}
		if healable := kindOf(name) != momentKind; len(rep.Damage) == 1 && rep.Damage[0].Heals != healable {
			t.Errorf("%s: heals %v", name, rep.Damage[0].Heals)
		}
		must(t, m.Put(ctx, name, []byte(data)))
	}
	for _, strange := range []string{"packs/00/x", "holiday.jpg", "segments/x", "copies/x", "copies/packs/x", "parity/x", "keys/a/b"} {
		must(t, m.Put(ctx, strange, []byte("x")))
	}
	must(t, m.Put(ctx, "parity/00/"+strings.Repeat("0", 64), []byte("x")))
	must(t, m.Put(ctx, QuarantineDir+strings.Repeat("0", 64), []byte("x")))
	rep, err = v.Verify(ctx, Options{})
	must(t, err)
	if len(rep.Strange) != 7 || rep.Lone != 1 || len(rep.Quarantine) != 1 || len(rep.Damage) != 0 {
		t.Errorf("%+v", rep)
	}
}

// stopping is a store that stands still after some calls, as when the program is killed.
type stopping struct {
	storage.Store
	left int
	made int
}

var errStopped = errors.New("stopped")

func (s *stopping) stop() bool {
	s.made++
	s.left--
	return s.left < 0
}

func (s *stopping) Put(ctx context.Context, name string, data []byte) error {
	if s.stop() {
		return errStopped
	}
	return s.Store.Put(ctx, name, data)
}

func (s *stopping) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	if s.stop() {
		return nil, errStopped
	}
	return s.Store.Get(ctx, name, off, n)
}

func (s *stopping) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	if s.stop() {
		return func(yield func(storage.Object, error) bool) { yield(storage.Object{}, errStopped) }
	}
	return s.Store.List(ctx, prefix)
}

func (s *stopping) Delete(ctx context.Context, name string) error {
	if s.stop() {
		return errStopped
	}
	return s.Store.Delete(ctx, name)
}
