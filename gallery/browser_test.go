package gallery_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shoebox/gallery/gallerytest"
	"shoebox/snapshot/photo/phototest"
)

// enter opens the gallery as a person does: with the address that was printed.
func (w *world) enter(b *gallerytest.Browser) {
	w.t.Helper()
	b.Go(w.base + "/#" + w.server.Token())
	b.Wait(`document.querySelector("#grid[data-ready]")`)
}

// album fills a library that is worth looking at.
func album(w *world) {
	cameras := [][2]string{{"Google", "Pixel 8"}, {"FUJIFILM", "X-T5"}, {"Apple", "iPhone 14"}}
	seed := uint64(100)
	day := time.Date(2026, 10, 31, 9, 12, 0, 0, time.UTC)
	for i := range 40 {
		for range 1 + (i*7)%6 {
			seed++
			folder := []string{"DCIM/Camera", "DCIM/Camera", "Pictures/Lisbon", "Pictures/Walks"}[int(seed)%4]
			c := cameras[int(seed)%3]
			w.photo(fmt.Sprintf("%s/IMG_%s_%03d.jpg", folder, day.Format("20060102"), seed), seed, day.Add(time.Duration(seed%9)*47*time.Minute), phototest.Tags{Make: c[0], Model: c[1]})
		}
		day = day.AddDate(0, 0, -1-(i*i)%60)
	}
	w.write("DCIM/Camera/VID_20261030_0001.mp4", phototest.MP4(phototest.Rand(9), phototest.Video{Bytes: 300_000, Taken: day}), time.Date(2026, 10, 30, 12, 0, 0, 0, time.UTC))
	w.backup()
	edited := time.Date(2026, 10, 31, 9, 59, 0, 0, time.UTC)
	w.photo("DCIM/Camera/IMG_20261031_101.jpg", 101, edited, phototest.Tags{})
	w.backup()
	w.photo("DCIM/Camera/IMG_20261031_101.jpg", 201, edited.Add(time.Hour), phototest.Tags{Description: "edited"})
	for i := range uint64(7) {
		w.photo(fmt.Sprintf("DCIM/Camera/IMG_20261102_%d.jpg", i), 300+i, time.Date(2026, 11, 2, 10+int(i), 4, 0, 0, time.UTC), phototest.Tags{})
	}
	w.backup()
}

// fine holds a page against what every page must be: usable by keyboard and screen reader, and content with what its policy allows.
func fine(t *testing.T, b *gallerytest.Browser, page string) {
	t.Helper()
	for _, wrong := range b.Accessible() {
		t.Errorf("%s: %s", page, wrong)
	}
	for _, refused := range b.Refused() {
		t.Errorf("%s wanted what its policy forbids: %s", page, refused)
	}
}

// TestBrowser is what a person does, in one Chromium that all of it shares.
func TestBrowser(t *testing.T) {
	b := gallerytest.Open(t)
	for name, test := range map[string]func(*testing.T, *gallerytest.Browser){"door": door, "keyboard": keyboard, "films": films, "new": newSnapshotAppears, "damage": damageShows, "pages": pages} {
		t.Run(name, func(t *testing.T) { test(t, b.For(t)) })
	}
}

// Every page, light and dark, on a screen and on a phone. The pictures of the pages that docs/gallery shows are made here.
func pages(t *testing.T, b *gallerytest.Browser) {
	w := newWorld(t)
	album(w)
	w.serve()
	w.enter(b)
	b.Size(1120, 720)
	b.Wait(`document.querySelectorAll(".tile img").length > 10`)
	b.Wait(`!document.querySelector(".tile img[src^='/preview']")`)
	fine(t, b, "timeline")
	b.Picture("timeline")
	b.Dark(true)
	fine(t, b, "timeline, dark")
	b.Picture("timeline-dark")
	b.Size(380, 800)
	b.Wait(`document.querySelectorAll(".tile img").length > 10`)
	fine(t, b, "timeline, small")
	if wide := gallerytest.Eval[int](b, "document.documentElement.scrollWidth"); wide > 380 {
		t.Errorf("the timeline is %d pixels wide on a screen of 380", wide)
	}
	b.Picture("timeline-phone")
	b.Size(1120, 720)
	_, ids := w.items("")
	for page, ready := range map[string]string{"night": ".mini img", "snapshots": ".calendar a", "albums": ".cover img", "search": ".chip", "attic": ".empty", "?q=nothing": ".empty", "?asof=2026-11-01": ".tile img",
		"picture/" + ids["IMG_20261031_101.jpg"]: "#full", "picture/0000000000000000": ".empty"} {
		b.Dark(len(page)%2 == 1 && os.Getenv("SHOEBOX_SCREENSHOTS") == "")
		b.Go(w.base + "/" + page)
		b.Wait(fmt.Sprintf("document.querySelector(%q)", ready))
		fine(t, b, page)
		if len(page) < 10 {
			time.Sleep(300 * time.Millisecond) // for the pictures to be drawn
			b.Picture(page)
		}
	}
	b.Go(w.base + "/picture/" + ids["IMG_20261031_101.jpg"])
	b.Wait(`document.body.dataset.ready && document.getElementById("full").naturalWidth > 0`)
	b.Key("i")
	b.Wait(`document.getElementById("verify")`)
	fine(t, b, "facts")
	b.Picture("picture")
	b.Click("#verify")
	b.Wait(`document.getElementById("verified").textContent.startsWith("Every byte is as it was on the device")`)
	b.Click("#compare")
	b.Wait(`document.querySelectorAll("#comparing img").length == 3 && [...document.querySelectorAll("#comparing img")].every(i => i.naturalWidth > 0)`)
	fine(t, b, "side by side")
	b.Picture("versions")
}

// The door: without the key there is nothing to see, and the key works once.
func door(t *testing.T, b *gallerytest.Browser) {
	w := newWorld(t)
	tour(w)
	w.serve()
	b.Go(w.base + "/night")
	b.Wait(`document.querySelector(".door")`)
	fine(t, b, "door")
	token := w.server.Token()
	page := filepath.Join(t.TempDir(), "open.html") // as serve has the browser opened
	if err := os.WriteFile(page, []byte(fmt.Sprintf(`<meta http-equiv="refresh" content="0; url=%s/#%s">`, w.base, token)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Go("file://" + page)
	b.Wait(`document.querySelector("#grid[data-ready]")`)
	if left := gallerytest.Eval[string](b, "location.href + document.cookie"); left != w.base+"/" {
		t.Errorf("the key, or the cookie, lies open: %s", left)
	}
	if r := w.ask("POST", "/enter", "application/x-www-form-urlencoded", "token="+token); r.status != 403 {
		t.Errorf("the key opened a second time: %d", r.status)
	}
	old := w.base
	w.closing()
	w.serve() // another run, another cookie
	b.Go(strings.Replace(w.base, old, w.base, 1) + "/#" + token)
	b.Wait(`document.getElementById("door-said").textContent.includes("used before")`)
}

// With nothing but the keyboard: move, open, look at the next, come back, select, restore, search.
func keyboard(t *testing.T, b *gallerytest.Browser) {
	w := newWorld(t)
	originals := tour(w)
	w.serve()
	w.enter(b)
	b.Wait(`document.querySelectorAll(".tile img").length >= 5`)
	for range 30 { // the tab key comes to the first picture
		b.Key("Tab")
		if gallerytest.Eval[bool](b, `document.activeElement.classList.contains("tile")`) {
			break
		}
	}
	label := func() string { return gallerytest.Eval[string](b, `document.activeElement.getAttribute("aria-label")`) }
	if got := label(); got != "IMG_9.jpg, Monday 2 November 2026" && got != "IMG_9.jpg, Monday, 2 November 2026" {
		t.Fatalf("the first picture is %q", got)
	}
	b.Key("ArrowRight")
	b.Key("ArrowRight")
	b.Key("End")
	b.Key("ArrowLeft")
	b.Key("Enter")
	b.Wait(`document.querySelector(".viewer h1")?.textContent == "IMG_1.jpg" && document.body.dataset.ready`)
	b.Key("ArrowLeft")
	b.Wait(`document.querySelector(".viewer h1")?.textContent == "IMG_2.jpg"`)
	b.Wait(`document.getElementById("full").naturalWidth > 0`)
	b.Key("+")
	b.Wait(`document.getElementById("full").style.transform.includes("scale(1.4)")`)
	b.Key("0")
	b.Wait(`document.getElementById("full").style.transform == ""`)
	b.Key("Escape")
	b.Wait(`document.activeElement?.getAttribute("aria-label")?.startsWith("IMG_2.jpg")`)
	b.Key(" ")
	b.Wait(`document.getElementById("selected").textContent == "1 selected"`)
	b.Key("ArrowRight")
	b.Key(" ")
	b.Wait(`document.getElementById("selected").textContent == "2 selected"`)
	fine(t, b, "selection")
	gallerytest.Eval[bool](b, `document.getElementById("restore").focus(), true`)
	b.Key("Enter")
	b.Wait(`document.getElementById("restoring").open`)
	fine(t, b, "restoring")
	gallerytest.Eval[bool](b, `document.getElementById("folder").focus(), true`)
	b.Type("Back")
	b.Key("Enter")
	b.Wait(`document.getElementById("restored").textContent.startsWith("2 restored")`)
	for _, path := range []string{"DCIM/Camera/IMG_1.jpg", "DCIM/Camera/IMG_2.jpg"} {
		got, err := os.ReadFile(filepath.Join(w.restore, "Back", path))
		if err != nil || !bytes.Equal(got, originals[path]) {
			t.Errorf("%s came back as %d bytes, %v", path, len(got), err)
		}
	}
	b.Key("Escape")
	down := t.TempDir()
	b.Downloads(down)
	b.Click("#zip")
	w.until(func() bool { _, err := os.Stat(filepath.Join(down, "pictures.zip")); return err == nil })
	if z, err := zip.OpenReader(filepath.Join(down, "pictures.zip")); err != nil || len(z.File) != 2 {
		t.Errorf("the zip: %v", err)
	} else {
		z.Close()
	}
	b.Key("Escape")
	b.Wait(`document.getElementById("selection").hidden`)
	gallerytest.Eval[bool](b, `document.activeElement.blur(), true`)
	b.Key("/")
	b.Type("beach")
	b.Key("Enter")
	b.Wait(`document.querySelectorAll(".tile").length == 1 && document.querySelector(".tile").getAttribute("aria-label").startsWith("beach.jpg")`)
}

// A film asks for ranges and plays its beginning as far as it can be decoded; a motion photo moves.
func films(t *testing.T, b *gallerytest.Browser) {
	w := newWorld(t)
	tour(w)
	w.write("DCIM/Camera/film.webm", b.Film(), time.Date(2026, 11, 3, 1, 0, 0, 0, time.UTC))
	w.backup()
	w.serve()
	_, ids := w.items("")
	w.enter(b)
	b.Go(w.base + "/picture/" + ids["film.webm"])
	b.Wait(`document.getElementById("full").readyState >= 2`)
	gallerytest.Eval[bool](b, `(async () => { const v = document.getElementById("full"); v.muted = true; await v.play(); return true })()`)
	b.Wait(`document.getElementById("full").currentTime > 0.1`)
	fine(t, b, "film")
	b.Go(w.base + "/picture/" + ids["MOTION.jpg"])
	b.Wait(`document.getElementById("film")`)
	asked := gallerytest.Eval[string](b, `(async () => { document.getElementById("film").click(); const r = await fetch(document.getElementById("motion").src, {headers: {Range: "bytes=0-11"}}); return r.status + " " + (await r.text()).slice(4, 8) })()`)
	if asked != "206 ftyp" {
		t.Errorf("the film of a motion photo: %s", asked)
	}
	b.Go(w.base + "/picture/" + ids["VID_1.mp4"]) // noise that no browser decodes
	b.Wait(`!document.getElementById("wrong").hidden && document.getElementById("wrong").textContent.includes("download it")`)
}

// A new snapshot appears on the page that is open.
func newSnapshotAppears(t *testing.T, b *gallerytest.Browser) {
	w := newWorld(t)
	tour(w)
	w.serve()
	w.enter(b)
	b.Wait(`document.querySelectorAll(".tile").length == 9`)
	w.photo("DCIM/Camera/NEW.jpg", 50, time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC), phototest.Tags{})
	w.backup()
	b.Wait(`document.querySelectorAll(".tile").length == 10 && document.querySelector("[aria-label^='NEW.jpg'] img")`)
	w.gone.Store(true)
	b.Wait(`!document.getElementById("notice").hidden && document.getElementById("notice").textContent.includes("cannot be reached")`)
	fine(t, b, "repository gone")
	w.gone.Store(false)
	b.Wait(`document.getElementById("notice").hidden`)
	b.Wait(`document.querySelectorAll(".tile img").length >= 7`)
}

// A damaged chunk: its tile says so and what to run, and everything else works.
func damageShows(t *testing.T, b *gallerytest.Browser) {
	w := newWorld(t)
	tour(w)
	w.spoil("IMG_1.jpg")
	w.serve()
	w.enter(b)
	b.Wait(`document.querySelector(".tile.broken")?.title.includes("shoebox check --read-data")`)
	fine(t, b, "damage")
	if broken := gallerytest.Eval[int](b, `document.querySelectorAll(".tile.broken").length`); broken != 1 {
		t.Errorf("%d tiles are broken", broken)
	}
	_, ids := w.items("")
	b.Go(w.base + "/picture/" + ids["IMG_1.jpg"])
	b.Wait(`document.getElementById("wrong").textContent.includes("shoebox heal")`)
	b.Go(w.base + "/picture/" + ids["IMG_2.jpg"])
	b.Wait(`document.getElementById("full").naturalWidth > 0`)
}
