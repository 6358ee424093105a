package gallery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"shoebox/chunk"
	"shoebox/device"
	"shoebox/gallery"
	"shoebox/gallery/gallerytest"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
	"shoebox/snapshot/photo/phototest"
)

// world is a folder of pictures, a repository of it on disk, and a gallery over that.
type world struct {
	t       testing.TB
	dir     string // the pictures
	store   string // the repository
	cache   string
	restore string
	repo    *repo.Repo // the backups' own
	now     time.Time
	secret  crypt.Secret
	gone    atomic.Bool // the repository cannot be opened
	phones  gallery.Phones
	idle    bool
	ffmpeg  string
	metrics gallery.MetricsFunc
	poll    time.Duration // between two looks for new snapshots

	server  *gallery.Server
	base    string
	visitor *gallerytest.Visitor
	closing func()
}

func newWorld(t testing.TB) *world {
	t.Helper()
	lock, err := crypt.Passphrase("p", 1)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := crypt.PassphraseSecret("p")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: t.TempDir(), store: filepath.Join(t.TempDir(), "repository"), cache: t.TempDir(), restore: filepath.Join(t.TempDir(), "restored"), secret: secret,
		now: time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC), poll: 200 * time.Millisecond}
	setup := repo.Setup{Slots: map[string]crypt.Lock{"p": lock}, Chunks: chunk.Sizes{Min: 64 << 10, Max: 256 << 10, Bits: 16}}
	store, err := storage.CreateFolder(w.store)
	if err != nil {
		t.Fatal(err)
	}
	if w.repo, err = repo.Create(t.Context(), store, setup, repo.Options{CacheDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.repo.Close() })
	return w
}

func (w *world) open(ctx context.Context) (*repo.Repo, error) {
	if w.gone.Load() {
		return nil, errAway
	}
	store, err := storage.OpenFolder(w.store)
	if err != nil {
		return nil, err
	}
	return repo.Open(ctx, away{store, &w.gone}, []crypt.Secret{w.secret}, repo.Options{CacheDir: filepath.Join(w.cache, "index")})
}

// away is a store on a disk that may be unplugged.
type away struct {
	storage.Store
	gone *atomic.Bool
}

var errAway = errors.New("the disk is not there")

func (a away) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	if a.gone.Load() {
		return nil, errAway
	}
	return a.Store.Get(ctx, name, off, n)
}

func (a away) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	if a.gone.Load() {
		return func(yield func(storage.Object, error) bool) { yield(storage.Object{}, errAway) }
	}
	return a.Store.List(ctx, prefix)
}

// spoil makes the picture data of a file unreadable: its chunk stands in a pack of its own bytes, which are overwritten.
func (w *world) spoil(name string) {
	w.t.Helper()
	all, _, err := snapshot.List(w.t.Context(), w.repo)
	if err != nil {
		w.t.Fatal(err)
	}
	for e, err := range snapshot.Entries(w.t.Context(), w.repo, all[0]) {
		if err != nil {
			w.t.Fatal(err)
		}
		if strings.HasSuffix(e.Path, name) {
			w.wreck(e)
			return
		}
	}
	w.t.Fatalf("there is no %s", name)
}

// wreck changes one byte of one pack after the other until the body of the entry cannot be read.
func (w *world) wreck(e snapshot.Entry) {
	w.t.Helper()
	packs, err := filepath.Glob(filepath.Join(w.store, "packs/*/*"))
	if err != nil {
		w.t.Fatal(err)
	}
	body := e.Content[len(e.Content)-1]
	for _, p := range packs {
		whole, err := os.ReadFile(p)
		if err != nil {
			w.t.Fatal(err)
		}
		for at := 100; at < len(whole); at += 2000 {
			changed := bytes.Clone(whole)
			changed[at] ^= 1
			if err := os.WriteFile(p, changed, 0o600); err != nil {
				w.t.Fatal(err)
			}
			if _, err := w.repo.Chunk(w.t.Context(), body); err != nil {
				return
			}
		}
		if err := os.WriteFile(p, whole, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Fatal("nothing could be damaged")
}

// write puts a file into the folder.
func (w *world) write(path string, data []byte, modified time.Time) {
	w.t.Helper()
	full := filepath.Join(w.dir, filepath.FromSlash(path))
	if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, data, 0o644), os.Chtimes(full, modified, modified)); err != nil {
		w.t.Fatal(err)
	}
}

// photo puts a made-up photo into the folder.
func (w *world) photo(path string, seed uint64, taken time.Time, tags phototest.Tags) []byte {
	w.t.Helper()
	width, height := 426, 320 // to draw takes long under the race detector
	if os.Getenv("SHOEBOX_SCREENSHOTS") != "" {
		width, height = 640, 480
	}
	if seed%4 == 3 {
		width, height = height, width
	}
	whole, preview := gallerytest.Photo(seed, width, height)
	tags.Taken, tags.Preview = taken, preview
	if tags.Make == "" {
		tags.Make, tags.Model = "Google", "Pixel 8"
	}
	data := phototest.Retag(whole, tags, phototest.Rand(seed))
	w.write(path, data, taken)
	return data
}

func (w *world) remove(path string) {
	w.t.Helper()
	if err := os.Remove(filepath.Join(w.dir, path)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) backup() snapshot.Snapshot {
	w.t.Helper()
	src, err := device.NewDir(w.dir, device.DirOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer src.Close()
	s, err := snapshot.Backup(w.t.Context(), w.repo, src, snapshot.BackupOptions{Device: snapshot.Device{Kind: "phone", Name: "anna", ID: snapshot.DeviceID(w.repo, w.dir)}, Host: "here",
		Now: func() time.Time { return w.now }, Batch: repo.BatchOptions{DataPack: 1 << 20, MetaPack: 4 << 20}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.now = w.now.AddDate(0, 0, 1)
	return s
}

// serve starts the gallery on a port of its own and waits until it shows something.
func (w *world) serve() {
	w.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	o := gallery.Options{Open: w.open, CacheDir: filepath.Join(w.cache, "gallery"), Zone: time.UTC, Now: func() time.Time { return w.now }, Poll: w.poll, Hosts: []string{listener.Addr().String()},
		RestoreTo: w.restore, Restore: w.restoreBelow, Phones: w.phones, Idle: w.idle, FFmpeg: w.ffmpeg, Metrics: w.metrics, Log: func(line string) { w.t.Log(line) }}
	if w.server, err = gallery.New(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
	server := &http.Server{Handler: w.server}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(listener) }()
	w.base = "http://" + listener.Addr().String()
	closed := false
	w.closing = func() {
		if closed {
			return
		}
		closed = true
		if err := server.Close(); err != nil {
			w.t.Error(err)
		}
		<-ended
		if err := w.server.Close(); err != nil {
			w.t.Error(err)
		}
	}
	w.t.Cleanup(w.closing)
	if w.visitor, err = gallerytest.Enter(w.t.Context(), w.base+"/#"+w.server.Token()); err != nil {
		w.t.Fatal(err)
	}
	w.until(func() bool {
		var state struct{ Ready bool }
		w.json("/api/state", &state)
		return state.Ready
	})
}

func (w *world) restoreBelow(ctx context.Context, r *repo.Repo, folder string, entries []snapshot.Entry) (did gallery.Restored, err error) {
	if err := os.MkdirAll(w.restore, 0o755); err != nil {
		return did, err
	}
	to, err := device.NewDir(w.restore, device.DirOptions{})
	if err != nil {
		return did, err
	}
	defer to.Close()
	did.Folder = filepath.Join(w.restore, folder)
	for _, e := range entries {
		e.Path = strings.TrimPrefix(folder+"/"+e.Path, "/")
		if err := to.Write(ctx, e.File, snapshot.Open(ctx, r, e)); err != nil {
			did.Failed = append(did.Failed, snapshot.Failure{Path: e.Path, Reason: err.Error()})
			continue
		}
		did.Files++
	}
	return did, to.Flush(ctx)
}

func (w *world) until(done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if done() {
			return
		}
	}
	w.t.Fatal("waited in vain")
}

// response is what came back.
type response struct {
	status int
	header http.Header
	body   []byte
}

// ask asks as a page of the gallery would.
func (w *world) ask(method, path, kind, body string, header ...string) response {
	w.t.Helper()
	got, err := w.visitor.Ask(w.t.Context(), method, path, kind, body, header...)
	if err != nil {
		w.t.Fatal(err)
	}
	defer got.Body.Close()
	data, err := io.ReadAll(got.Body)
	if err != nil {
		w.t.Logf("%s: %v", path, err)
	}
	return response{got.StatusCode, got.Header, data}
}

func (w *world) get(path string, header ...string) response {
	w.t.Helper()
	return w.ask("GET", path, "", "", header...)
}

func (w *world) json(path string, v any) int {
	w.t.Helper()
	r := w.get(path)
	if err := json.Unmarshal(r.body, v); err != nil {
		w.t.Fatalf("%s: %d %s", path, r.status, r.body)
	}
	return r.status
}

// items lists the pictures of a query: name -> id, in order.
func (w *world) items(query string) (names []string, ids map[string]string) {
	w.t.Helper()
	var told struct{ Items [][4]any }
	join := "?"
	if query != "" {
		join = query + "&"
	}
	if status := w.json("/api/items"+join+"from=0&n=500", &told); status != 200 {
		w.t.Fatalf("items%s: %d", query, status)
	}
	ids = make(map[string]string)
	for _, i := range told.Items {
		name := fmt.Sprint(i[3])
		names = append(names, name)
		ids[name] = fmt.Sprint(i[0])
	}
	return names, ids
}

func (w *world) want(query string, want ...string) {
	w.t.Helper()
	names, _ := w.items(query)
	if strings.Join(names, " ") != strings.Join(want, " ") {
		w.t.Errorf("%q shows %q, want %q", query, names, want)
	}
}

// tour is a small library with something of everything: 3 nights, a changed picture, one that is gone, a film, a motion photo, odd names.
func tour(w *world) (originals map[string][]byte) {
	originals = make(map[string][]byte)
	day := func(y, m, d, h int) time.Time { return time.Date(y, time.Month(m), d, h, 4, 5, 0, time.UTC) }
	put := func(path string, seed uint64, taken time.Time, tags phototest.Tags) {
		originals[path] = w.photo(path, seed, taken, tags)
	}
	put("DCIM/Camera/IMG_1.jpg", 1, day(2024, 8, 12, 9), phototest.Tags{Description: "two boats"})
	put("DCIM/Camera/IMG_2.jpg", 2, day(2024, 8, 12, 15), phototest.Tags{})
	put("DCIM/Camera/IMG_3.jpg", 3, day(2024, 8, 13, 10), phototest.Tags{Orientation: 6})
	put("DCIM/Camera/gone.jpg", 4, day(2023, 5, 1, 10), phototest.Tags{})
	put("Pictures/Holiday/beach.jpg", 5, day(2025, 7, 2, 12), phototest.Tags{Make: "FUJIFILM", Model: "X-T5"})
	film := phototest.MP4(phototest.Rand(9), phototest.Video{Bytes: 300_000, Taken: day(2025, 7, 2, 13)})
	w.write("DCIM/Camera/VID_1.mp4", film, day(2025, 7, 2, 13))
	originals["DCIM/Camera/VID_1.mp4"] = film
	motion := phototest.MotionPhoto(phototest.Rand(10), phototest.Picture{Bytes: 60_000, Tags: phototest.Tags{Taken: day(2025, 7, 3, 9)}}, phototest.Video{Bytes: 40_000})
	w.write("DCIM/Camera/MOTION.jpg", motion, day(2025, 7, 3, 9))
	originals["DCIM/Camera/MOTION.jpg"] = motion
	w.write("Documents/page.html", []byte("<script>alert(1)</script>"), day(2025, 1, 1, 1))
	w.write("Pictures/drawing.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), day(2025, 1, 1, 1))
	w.backup()
	w.remove("DCIM/Camera/gone.jpg")
	put("DCIM/Camera/IMG_2.jpg", 22, day(2024, 8, 12, 15).Add(time.Minute), phototest.Tags{Description: "edited"})
	w.backup()
	put("DCIM/Camera/IMG_9.jpg", 6, day(2026, 11, 2, 18), phototest.Tags{})
	w.backup()
	return originals
}
