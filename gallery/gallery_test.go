package gallery_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/gallery"
	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/photo/phototest"
)

func TestTimelineAndSearch(t *testing.T) {
	w := newWorld(t)
	tour(w)
	w.serve()
	w.want("", "IMG_9.jpg", "MOTION.jpg", "VID_1.mp4", "beach.jpg", "drawing.svg", "IMG_3.jpg", "IMG_2.jpg", "IMG_1.jpg", "gone.jpg")
	w.want("?q=img_2", "IMG_2.jpg")
	w.want("?q=2024-08", "IMG_3.jpg", "IMG_2.jpg", "IMG_1.jpg")
	w.want("?q=2024-08-13", "IMG_3.jpg")
	w.want("?q=july", "MOTION.jpg", "VID_1.mp4", "beach.jpg")
	w.want("?q=type:video", "VID_1.mp4")
	w.want("?q=camera:fuji", "beach.jpg")
	w.want("?q=holiday+x-t5", "beach.jpg")
	w.want("?q=nothing")
	w.want("?q=type:other", "page.html")
	w.want("?asof=2026-11-01", "MOTION.jpg", "VID_1.mp4", "beach.jpg", "drawing.svg", "IMG_3.jpg", "IMG_2.jpg", "IMG_1.jpg", "gone.jpg")
	w.want("?asof=2026-11-02", "MOTION.jpg", "VID_1.mp4", "beach.jpg", "drawing.svg", "IMG_3.jpg", "IMG_2.jpg", "IMG_1.jpg")
	w.want("?asof=2026-10-01")
	w.want("?folder=Pictures", "beach.jpg", "drawing.svg")
	w.want("?attic=1")
	var days struct {
		Total int
		Days  [][2]int
	}
	w.json("/api/days", &days)
	if days.Total != 9 || len(days.Days) != 7 {
		t.Errorf("days: %+v", days)
	}
	_, before := w.items("?asof=2026-11-01")
	_, after := w.items("?asof=2026-11-02")
	if before["IMG_2.jpg"] == after["IMG_2.jpg"] {
		t.Error("the edited picture is the same before and after")
	}
	for _, path := range []string{"/", "/?q=beach", "/night", "/snapshots", "/albums", "/attic", "/search", "/picture/" + after["IMG_2.jpg"], "/picture/" + after["IMG_2.jpg"] + "/story"} {
		if r := w.get(path, "Accept", "text/html"); r.status != 200 || !strings.Contains(r.header.Get("Content-Type"), "text/html") || bytes.Contains(r.body, []byte("ZgotmplZ")) {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := w.get("/picture/0000000000000000", "Accept", "text/html"); r.status != 404 || !strings.Contains(string(r.body), "Back to the timeline") {
		t.Errorf("no picture: %d", r.status)
	}
	night := string(w.get("/night").body)
	if !strings.Contains(night, "Everything on this phone is safe as of 02:00") && !strings.Contains(night, "safe as of 3 November 2026, 02:00") || !strings.Contains(night, "1 new · 0 changed · 0 gone") {
		t.Errorf("the night says %s", night)
	}
	story := string(w.get("/picture/" + after["IMG_2.jpg"] + "/story").body)
	for _, want := range []string{"edited", "Another version", "This version", "Google Pixel 8", "b3sum"} {
		if !strings.Contains(story, want) {
			t.Errorf("the story does not say %q: %s", want, story)
		}
	}
	if !strings.Contains(story, "Not since it was stored") {
		t.Errorf("before a check the story says %s", story)
	}
	checked, err := w.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer checked.Close()
	if _, err := snapshot.Check(t.Context(), checked, snapshot.CheckOptions{Read: repo.Budget{All: true}}); err != nil {
		t.Fatal(err)
	}
	if story = string(w.get("/picture/" + after["IMG_2.jpg"] + "/story").body); strings.Contains(story, "Not since it was stored") {
		t.Errorf("after a check that read everything the story says %s", story)
	}
}

// Originals come back byte for byte, whole and in ranges; what could hold a script comes as a download of no type.
func TestOriginals(t *testing.T) {
	w := newWorld(t)
	originals := tour(w)
	w.serve()
	_, ids := w.items("")
	for path, want := range originals {
		name := filepath.Base(path)
		r := w.get("/original/" + ids[name])
		if r.status != 200 || !bytes.Equal(r.body, want) {
			t.Errorf("%s: %d, %d bytes of %d", path, r.status, len(r.body), len(want))
		}
		if !strings.Contains(r.header.Get("Content-Security-Policy"), "sandbox") || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, r.header)
		}
		for _, span := range [][2]int{{0, 0}, {1, 99}, {len(want) / 2, len(want) - 1}} {
			r := w.get("/original/"+ids[name], "Range", fmt.Sprintf("bytes=%d-%d", span[0], span[1]))
			if r.status != http.StatusPartialContent || !bytes.Equal(r.body, want[span[0]:span[1]+1]) {
				t.Errorf("%s, bytes %v: %d, %d bytes", path, span, r.status, len(r.body))
			}
		}
	}
	svg := w.get("/original/" + ids["drawing.svg"])
	if svg.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(svg.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("a drawing comes as %v", svg.header)
	}
	_, other := w.items("?q=type:other")
	page := w.get("/original/" + other["page.html"])
	if page.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(page.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("a page comes as %v", page.header)
	}
	film := w.get("/film/" + ids["MOTION.jpg"])
	if film.status != 200 || string(film.body[4:8]) != "ftyp" || !bytes.HasSuffix(originals["DCIM/Camera/MOTION.jpg"], film.body) {
		t.Errorf("the film of a motion photo: %d, %d bytes", film.status, len(film.body))
	}
	if r := w.get("/film/" + ids["IMG_1.jpg"]); r.status != 404 {
		t.Errorf("the film of a plain photo: %d", r.status)
	}
}

func TestThumbnails(t *testing.T) {
	w := newWorld(t)
	tour(w)
	w.serve()
	_, ids := w.items("")
	preview := w.get("/preview/" + ids["IMG_3.jpg"])
	if m, err := jpeg.Decode(bytes.NewReader(preview.body)); err != nil || m.Bounds().Dx() != 160 {
		t.Errorf("preview: %d %v", preview.status, err)
	}
	small := w.get("/thumb/" + ids["IMG_3.jpg"]) // stored upright of 480x640 and to be turned
	if m, err := jpeg.Decode(bytes.NewReader(small.body)); err != nil || m.Bounds().Dy() != 320 || m.Bounds().Dx() <= 320 {
		t.Errorf("thumbnail: %d %v", small.status, err)
	}
	for path, status := range map[string]int{"/preview/" + ids["MOTION.jpg"]: 415, "/thumb/" + ids["VID_1.mp4"]: 415, "/thumb/" + ids["drawing.svg"]: 415, "/thumb/" + ids["MOTION.jpg"]: 200, "/large/" + ids["IMG_1.jpg"]: 200, "/thumb/x": 404} {
		if r := w.get(path); r.status != status {
			t.Errorf("%s: %d, want %d", path, r.status, status)
		}
	}
	// What was made is kept, sealed, and may be deleted at any time.
	again := w.get("/thumb/" + ids["IMG_3.jpg"])
	if !bytes.Equal(again.body, small.body) {
		t.Error("another thumbnail the second time")
	}
	if err := os.RemoveAll(filepath.Join(w.cache, "gallery")); err != nil {
		t.Fatal(err)
	}
	if r := w.get("/thumb/" + ids["IMG_3.jpg"]); !bytes.Equal(r.body, small.body) {
		t.Errorf("after the cache was deleted: %d", r.status)
	}
	w.closing()
	if err := os.RemoveAll(w.cache); err != nil {
		t.Fatal(err)
	}
	w.serve()
	if names, _ := w.items(""); len(names) != 9 {
		t.Errorf("after all caches were deleted: %q", names)
	}
	w.closing()
	w.serve() // from the compact catalog
	if names, _ := w.items(""); len(names) != 9 {
		t.Errorf("from the kept catalog: %q", names)
	}
}

func TestZipAndRestore(t *testing.T) {
	w := newWorld(t)
	originals := tour(w)
	w.serve()
	_, ids := w.items("")
	_, before := w.items("?asof=2026-11-01")
	chosen := []string{ids["IMG_1.jpg"], ids["IMG_2.jpg"], before["IMG_2.jpg"], ids["VID_1.mp4"]}
	r := w.ask("POST", "/zip", "application/x-www-form-urlencoded", url.Values{"ids": {strings.Join(chosen, " ")}}.Encode())
	z, err := zip.NewReader(bytes.NewReader(r.body), int64(len(r.body)))
	if err != nil || len(z.File) != 4 {
		t.Fatalf("zip: %d %v", r.status, err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		if want, ok := originals[f.Name]; ok {
			in, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if _, err := got.ReadFrom(in); err != nil || !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s in the zip: %d bytes, %v", f.Name, got.Len(), err)
			}
		}
	}
	if names[2] != "DCIM/Camera/IMG_2 (2).jpg" {
		t.Errorf("in the zip: %q", names)
	}
	body, _ := json.Marshal(map[string]any{"ids": chosen[:2], "folder": "Holidays/2024"})
	r = w.ask("POST", "/restore", "application/json", string(body))
	var did gallery.Restored
	if err := json.Unmarshal(r.body, &did); err != nil || did.Files != 2 || len(did.Failed) != 0 {
		t.Fatalf("restore: %d %s", r.status, r.body)
	}
	got, err := os.ReadFile(filepath.Join(w.restore, "Holidays/2024/DCIM/Camera/IMG_1.jpg"))
	if err != nil || !bytes.Equal(got, originals["DCIM/Camera/IMG_1.jpg"]) {
		t.Errorf("what was restored: %d bytes, %v", len(got), err)
	}
	for _, bad := range []string{"../out", "a/../../b", "C:\\x", "a\x00b", ".", "a/..", strings.Repeat("x", 300)} {
		body, _ := json.Marshal(map[string]any{"ids": chosen[:1], "folder": bad})
		if r := w.ask("POST", "/restore", "application/json", string(body)); r.status != 400 {
			t.Errorf("folder %q: %d %s", bad, r.status, r.body)
		}
	}
	for _, body := range []string{"", "{", `{"ids":[]}`, `{"ids":["zz"]}`, `{"ids":["0000000000000000"]}`} {
		if r := w.ask("POST", "/restore", "application/json", body); r.status != 400 && r.status != 404 {
			t.Errorf("%s: %d", body, r.status)
		}
	}
}

// While nobody asks for anything, thumbnails are made ahead.
func TestAhead(t *testing.T) {
	w := newWorld(t)
	tour(w)
	w.idle = true
	w.serve()
	w.until(func() bool { // looking at the folder is no request
		kept, err := filepath.Glob(filepath.Join(w.cache, "gallery", "*", "[^.]*")) // and not what is being written
		return err == nil && len(kept) >= 1+7
	})
	w.until(func() bool { // it is told a moment after its file is there
		var told struct{ Items [][4]any }
		w.json("/api/items?from=0&n=10", &told)
		return len(told.Items) > 0 && !slices.ContainsFunc(told.Items, func(i [4]any) bool {
			flags := int(i[1].(float64))
			return flags&2 == 0 && flags&1 == 0 && i[3] != "drawing.svg"
		})
	})
}

// Whatever is asked without the key, or by the name of another site, is refused, with all headers that keep a browser safe.
func TestNothingWithoutTheKey(t *testing.T) {
	w := newWorld(t)
	tour(w)
	w.serve()
	_, ids := w.items("")
	id := ids["IMG_1.jpg"]
	paths := []string{"/", "/attic", "/snapshots", "/night", "/albums", "/search", "/picture/" + id, "/picture/" + id + "/story", "/api/state", "/api/days", "/api/items?from=0&n=1", "/api/where?id=" + id,
		"/preview/" + id, "/thumb/" + id, "/large/" + id, "/film/" + id, "/original/" + id, "/phone", "/api/phones", "/api/waiting", "/waiting/x", "/api/job", "/nothing"}
	for _, path := range paths {
		for _, host := range []string{"", "evil.example", "localhost.evil.example:80"} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", w.base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := http.StatusUnauthorized
			if host != "" {
				r.Host, want = host, http.StatusMisdirectedRequest
			}
			got, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			got.Body.Close()
			if got.StatusCode != want || !strings.Contains(got.Header.Get("Content-Security-Policy"), "default-src 'none'") || got.Header.Get("X-Content-Type-Options") != "nosniff" ||
				got.Header.Get("Referrer-Policy") != "no-referrer" || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s by the name %q: %d %v", path, host, got.StatusCode, got.Header)
			}
		}
	}
	for _, path := range []string{"/zip", "/restore", "/picture/" + id + "/verify", "/phone/backup"} {
		r, err := http.Post(w.base+path, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusForbidden {
			t.Errorf("POST %s from nowhere: %d", path, r.StatusCode)
		}
	}
}

// What left the device since, as it does when a person makes room on it, is told of as safe, and in no word of alarm.
func TestNightOfWhatLeft(t *testing.T) {
	w := newWorld(t)
	w.photo("DCIM/stays.jpg", 1, w.now, phototest.Tags{})
	w.photo("DCIM/leaves.jpg", 2, w.now, phototest.Tags{})
	w.backup()
	w.remove("DCIM/leaves.jpg")
	w.backup()
	w.serve()
	_, ids := w.items("")
	for path, want := range map[string]string{"/night": "No longer on the device, and safe here", "/picture/" + ids["leaves.jpg"]: "No longer on the device: this is the copy that is safe"} {
		page := string(w.get(path, "Accept", "text/html").body)
		if alarm := regexp.MustCompile(`(?i)\b(lost|missing|vanished|deleted)\b`).FindString(page); alarm != "" || !strings.Contains(page, want) {
			t.Errorf("%s says %q: %s", path, alarm, page)
		}
	}
}

// A picture that went and came again is shown on the days it was there, and on no other; and what only forgotten snapshots held is in the attic.
func TestGapsAndAttic(t *testing.T) {
	w := newWorld(t)
	day := func(d int) time.Time { return time.Date(2026, 10, d, 9, 0, 0, 0, time.UTC) }
	w.photo("DCIM/stays.jpg", 1, day(1), phototest.Tags{})
	comes := w.photo("DCIM/comes.jpg", 2, day(2), phototest.Tags{})
	w.photo("DCIM/old.jpg", 3, day(3), phototest.Tags{})
	first := w.backup()
	w.remove("DCIM/comes.jpg")
	w.remove("DCIM/old.jpg")
	w.backup()
	w.write("DCIM/comes.jpg", comes, day(2))
	w.backup()
	w.serve()
	w.want("", "old.jpg", "comes.jpg", "stays.jpg")
	w.want("?asof=2026-11-01", "old.jpg", "comes.jpg", "stays.jpg")
	w.want("?asof=2026-11-02", "stays.jpg")
	w.want("?asof=2026-11-03", "comes.jpg", "stays.jpg")
	_, ids := w.items("")
	if story := string(w.get("/picture/" + ids["comes.jpg"] + "/story").body); !strings.Contains(story, "Not there") {
		t.Errorf("the story does not tell of the gap: %s", story)
	}
	if _, err := snapshot.Forget(t.Context(), w.repo, []string{first.Name}, snapshot.ForgetOptions{Now: func() time.Time { return w.now }}); err != nil {
		t.Fatal(err)
	}
	w.until(func() bool { names, _ := w.items("?attic=1"); return len(names) == 1 })
	w.want("?attic=1", "old.jpg")
	w.want("", "old.jpg", "comes.jpg", "stays.jpg")
	w.want("?asof=2026-11-02", "stays.jpg")
	_, ids = w.items("?attic=1")
	if r := w.get("/thumb/" + ids["old.jpg"]); r.status != 200 {
		t.Errorf("a picture of the attic: %d", r.status)
	}
	if story := string(w.get("/picture/" + ids["old.jpg"] + "/story?attic=1").body); !strings.Contains(story, "Only the attic holds it") {
		t.Errorf("the story of a last copy: %s", story)
	}
	if page := string(w.get("/attic", "Accept", "text/html").body); !strings.Contains(page, "1 picture") {
		t.Error("the attic's page does not say how many there are")
	}
}

// A picture of a snapshot that another computer forgets and prunes is missing, and not damaged; and the gallery looks anew at once.
func TestForgottenWhileShown(t *testing.T) {
	w := newWorld(t)
	w.poll = time.Hour
	w.photo("DCIM/stays.jpg", 1, w.now, phototest.Tags{})
	w.photo("DCIM/leaves.jpg", 2, w.now, phototest.Tags{})
	first := w.backup()
	w.remove("DCIM/leaves.jpg")
	w.backup()
	w.serve()
	_, ids := w.items("")
	_, err := snapshot.Forget(t.Context(), w.repo, []string{first.Name}, snapshot.ForgetOptions{LastCopies: true, Now: func() time.Time { return w.now }})
	if err == nil {
		_, err = snapshot.Prune(t.Context(), w.repo, snapshot.PruneOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	if r := w.get("/original/" + ids["leaves.jpg"]); r.status != http.StatusNotFound || !strings.Contains(string(r.body), `"state":"missing"`) {
		t.Errorf("what left: %d %.300s", r.status, r.body)
	}
	w.until(func() bool { names, _ := w.items(""); return len(names) == 1 })
	w.want("", "stays.jpg")
}
