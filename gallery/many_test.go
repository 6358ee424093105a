package gallery_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/gallery/gallerytest"
	"shoebox/snapshot"
)

// many is a camera roll that is read as it is made.
type many struct{ *gallerytest.Roll }

func (m many) Files(context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for i := range m.N {
			if !yield(device.File{Path: m.Path(i), Size: m.Size(i), ModTime: m.Taken(i), Mode: 0o644}, nil) {
				return
			}
		}
	}
}

func (m many) Open(_ context.Context, f device.File) (io.ReadCloser, error) {
	var i int
	if _, err := fmt.Sscanf(filepath.Base(f.Path), "IMG_%d.jpg", &i); err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(m.Picture(i))), nil
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
	m := many{gallerytest.NewRoll(n)}
	took(fmt.Sprintf("backup of %d pictures", n), func() {
		_, err := snapshot.Backup(t.Context(), w.repo, m, snapshot.BackupOptions{Device: snapshot.Device{Kind: "phone", Name: "anna", ID: snapshot.DeviceID(w.repo, "many")}, Host: "here", Now: func() time.Time { return w.now }})
		if err != nil {
			t.Fatal(err)
		}
	})
	took("catalog rebuilt from the repository, no cache", w.serve)
	w.closing()
	gallerytest.ResetPeak(os.Getpid())
	took("first page after start, warm cache", func() {
		w.serve()
		if r := w.get("/"); r.status != 200 {
			t.Fatal(r.status)
		}
		w.get("/api/days")
		w.items("")
	})
	items, err := w.visitor.Items(t.Context(), 0, 500)
	if err != nil {
		t.Fatal(err)
	}
	took("200 embedded previews, six at a time", func() {
		if err := w.visitor.Previews(t.Context(), items[:200]); err != nil {
			t.Error(err)
		}
	})
	var first []time.Duration
	for i := range 50 {
		d, err := w.visitor.FirstByte(t.Context(), items[i*10])
		if err != nil {
			t.Fatal(err)
		}
		first = append(first, d)
	}
	slices.Sort(first)
	t.Logf("%-60s %8.1f ms (median of 50), %.1f ms (worst)", "first byte of an original", ms(first[25]), ms(first[49]))
	took("search through all", func() { w.items("?q=pixel+2019-07") })
	w.scrollThrough(t, n)
	held, err := gallerytest.Peak(os.Getpid())
	t.Logf("%-60s %8d MB, %v", "memory of this process, server and tests, at most", held/1e6, err)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (w *world) scrollThrough(t *testing.T, n int) {
	b := gallerytest.Open(t)
	w.enter(b)
	b.Wait(`document.querySelectorAll(".tile img").length > 10`)
	for _, pixels := range []int{12, 120, 2000} {
		got := b.Scroll(pixels, 3*time.Second)
		t.Logf("%-60s %8.1f ms (95 %%), %.1f ms (median), %v frames, at most %v tiles, the script takes %.1f ms (95 %%)", fmt.Sprintf("a frame while scrolling %d pixels each", pixels),
			gallerytest.Below(got.Took, 0.95), gallerytest.Below(got.Took, 0.5), len(got.Took), got.Tiles, gallerytest.Below(got.Script, 0.95))
		if script := gallerytest.Below(got.Script, 0.5); script > 16 { // how long frames take depends on who else works here; what the script does of it is ours
			t.Errorf("the script takes %.1f ms of half the frames", script)
		}
		if got.Tiles > 400 {
			t.Errorf("%v tiles are drawn at once", got.Tiles)
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
