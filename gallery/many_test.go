package gallery_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/gallery/gallerytest"
	"shoebox/snapshot"
	"shoebox/snapshot/photo/phototest"
)

// many is a camera roll of any size, made as it is read: each picture has a head of its own, with a preview, and shares its picture data with others.
type many struct {
	n        int
	whole    []byte
	previews [][]byte
	sizes    []int64 // of a picture with each preview
}

func newMany(n int) *many {
	m := &many{n: n}
	m.whole, _ = gallerytest.Photo(1, 96, 72)
	for i := range uint64(64) {
		_, preview := gallerytest.Photo(i, 160, 120)
		m.previews = append(m.previews, preview)
	}
	for i := range m.previews {
		m.sizes = append(m.sizes, int64(len(m.picture(i))))
	}
	return m
}

// taken spreads the pictures over twelve years, some days with one and some with many.
func (m *many) taken(i int) time.Time {
	span := 12 * 365 * 24 * time.Hour
	day := time.Duration(float64(span) * float64(i) / float64(m.n)).Truncate(24 * time.Hour)
	return time.Date(2014, 11, 2, 8, 0, 0, 0, time.UTC).Add(day + time.Duration(i%600)*time.Minute)
}

func (m *many) picture(i int) []byte {
	return phototest.Retag(m.whole, phototest.Tags{Taken: m.taken(i), Make: "Google", Model: fmt.Sprintf("Pixel %d", i%7), Description: fmt.Sprintf("%07d", i), Preview: m.previews[i%len(m.previews)]}, phototest.Rand(1))
}

func (m *many) Files(context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for i := range m.n {
			if !yield(device.File{Path: fmt.Sprintf("DCIM/Camera/IMG_%07d.jpg", i), Size: m.sizes[i%len(m.sizes)], ModTime: m.taken(i), Mode: 0o644}, nil) {
				return
			}
		}
	}
}

func (m *many) Open(_ context.Context, f device.File) (io.ReadCloser, error) {
	var i int
	if _, err := fmt.Sscanf(filepath.Base(f.Path), "IMG_%d.jpg", &i); err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(m.picture(i))), nil
}

// counts is how many pictures a run has: all with SHOEBOX_PROOF or SHOEBOX_LONG.
func counts() int {
	if os.Getenv("SHOEBOX_PROOF") != "" || os.Getenv("SHOEBOX_LONG") != "" {
		return 100_000
	}
	return 2_000
}

// TestMany is a library of 100,000 pictures: it prints what the speeds of docs/decisions/0012-gallery.md are, and holds the page to drawing only what is seen.
func TestMany(t *testing.T) {
	w, n := newWorld(t), counts()
	took := func(what string, do func()) time.Duration {
		start := time.Now()
		do()
		d := time.Since(start)
		t.Logf("%-60s %8.0f ms", what, float64(d.Microseconds())/1000)
		return d
	}
	m := newMany(n)
	took(fmt.Sprintf("backup of %d pictures", n), func() {
		_, err := snapshot.Backup(t.Context(), w.repo, m, snapshot.BackupOptions{Device: snapshot.Device{Kind: "phone", Name: "anna", ID: snapshot.DeviceID(w.repo, "many")}, Host: "here", Now: func() time.Time { return w.now }})
		if err != nil {
			t.Fatal(err)
		}
	})
	took("catalog rebuilt from the repository, no cache", w.serve)
	w.closing()
	resetPeak()
	took("first page after start, warm cache", func() {
		w.serve()
		if r := w.get("/"); r.status != 200 {
			t.Fatal(r.status)
		}
		w.get("/api/days")
		w.items("")
	})
	_, ids := w.items("")
	took("200 embedded previews, six at a time", func() { w.previews(ids, 200) })
	var first []time.Duration
	for _, id := range slices.Collect(mapsValues(ids))[:50] {
		start := time.Now()
		r, err := w.client.Get(w.base + "/original/" + id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Body.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		first = append(first, time.Since(start))
		r.Body.Close()
	}
	slices.Sort(first)
	t.Logf("%-60s %8.1f ms (median of 50), %.1f ms (worst)", "first byte of an original", ms(first[25]), ms(first[49]))
	took("search through all", func() { w.items("?q=pixel+2019-07") })
	w.scrollThrough(t, n)
	t.Logf("%-60s %8d MB", "memory of this process, server and tests, at most", peakMegabytes())
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func mapsValues(m map[string]string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

func (w *world) previews(ids map[string]string, n int) {
	work := make(chan string)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for id := range work {
				r, err := w.client.Get(w.base + "/preview/" + id)
				if err != nil {
					w.t.Error(err)
					continue
				}
				data, err := io.ReadAll(r.Body)
				r.Body.Close()
				if err != nil || r.StatusCode != http.StatusOK || len(data) < 500 {
					w.t.Errorf("preview: %d, %d bytes, %v", r.StatusCode, len(data), err)
				}
			}
		})
	}
	for id := range mapsValues(ids) {
		if n--; n < 0 {
			break
		}
		work <- id
	}
	close(work)
	wg.Wait()
}

// frames scrolls for some seconds and gives how long frames took, in milliseconds: the median, and what 95 % stay below.
const frames = `(async (pixels, seconds) => {
	const all = [], drawn = [], draw = Object.getPrototypeOf(grid).draw;
	grid.draw = function() { const t = performance.now(); draw.call(this); drawn.push(performance.now() - t); };
	let last = 0, most = 0; const end = performance.now() + seconds * 1000;
	await new Promise(done => { const step = now => {
		if (last) all.push(now - last);
		last = now; most = Math.max(most, document.querySelectorAll(".tile").length);
		scrollBy(0, pixels);
		now < end ? requestAnimationFrame(step) : done();
	}; requestAnimationFrame(step); });
	delete grid.draw;
	all.sort((a, b) => a - b); drawn.sort((a, b) => a - b);
	return [all.length, all[all.length >> 1], all[Math.floor(all.length * .95)], most, drawn[Math.floor(drawn.length * .95)] ?? 0, drawn[drawn.length >> 1] ?? 0];
})`

func (w *world) scrollThrough(t *testing.T, n int) {
	b := gallerytest.Open(t)
	w.enter(b)
	b.Wait(`document.querySelectorAll(".tile img").length > 10`)
	for _, pixels := range []int{12, 120, 2000} {
		got := gallerytest.Eval[[]float64](b, fmt.Sprintf("%s(%d, 3)", frames, pixels))
		t.Logf("%-60s %8.1f ms (95 %%), %.1f ms (median), %v frames, at most %v tiles, the script takes %.1f ms (95 %%)", fmt.Sprintf("a frame while scrolling %d pixels each", pixels), got[2], got[1], got[0], got[3], got[4])
		if got[5] > 16 { // how long frames take depends on who else works here; what the script does of it is ours
			t.Errorf("the script takes %.1f ms of half the frames", got[5])
		}
		if got[3] > 400 {
			t.Errorf("%v tiles are drawn at once", got[3])
		}
	}
	// To the very end, and to a year in the middle.
	gallerytest.Eval[bool](b, "scrollTo(0, 1e9), true")
	b.Wait(`document.querySelector("[aria-label^='IMG_0000000.jpg'] img")`)
	gallerytest.Eval[bool](b, `[...document.querySelectorAll("#scrubber button")].find(b => b.textContent == "2019").click(), true`)
	b.Wait(`document.querySelector("#month").innerText.includes("December 2019") && document.querySelectorAll(".tile img").length > 10`)
	if total := gallerytest.Eval[int](b, "grid.layout.total"); total != n {
		t.Errorf("the timeline has %d places, want %d", total, n)
	}
	b.Picture("many")
	if bad := strings.Join(b.Refused(), " "); bad != "" {
		t.Error(bad)
	}
}
