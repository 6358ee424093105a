package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/device/adb/adbtest"
	"shoebox/snapshot/photo/phototest"
)

// TestCameraRoll is what a person does: a phone with a camera roll on the cable, a backup every night, and now and then a look
// back. The program is the built one, adb's server is the real one, the phone is simulated.
func TestCameraRoll(t *testing.T) {
	r := newRoll(t)
	r.fill()
	nights := []night{r.backup("first")}
	r.phone.ResetCounters()

	nights = append(nights, r.backup("nothing new"))
	if n, pulls := r.phone.Bytes(), r.phone.Pulls(); n != 0 || len(pulls) > 0 {
		t.Errorf("nothing was new, and yet %d bytes were read from the phone: %v", n, pulls)
	}
	if s := nights[1].summary; s.New+s.Changed+s.Gone != 0 || s.Unmodified != len(nights[0].tree) || s.Added != 0 {
		t.Errorf("nothing was new: %+v", s)
	}

	read, fresh := r.live()
	nights = append(nights, r.backup("a night of changes"))
	if got := slices.Sorted(maps.Keys(r.phone.Pulls())); !slices.Equal(got, read) {
		t.Errorf("read from the phone:\n%q\nwant:\n%q", got, read)
	}
	if s := nights[2].summary; s.New != 15+6 || s.Changed != 7 || s.Gone != 5+6 || s.Added > fresh+200_000 {
		t.Errorf("a night of changes: %+v, with %d bytes of new pictures", s, fresh)
	}

	r.lookBack(nights)
	r.giveBackOne(nights)
	r.giveBackAll(nights)
	r.run("check", "--read-data")
	if err := os.RemoveAll(filepath.Join(r.home, ".cache")); err != nil {
		t.Fatal(err)
	}
	r.giveBackAll(nights[2:]) // the index can be made again
}

// roll is a phone's camera roll, with the program beside it.
type roll struct {
	*testing.T
	program    string
	home, dir  string
	env        []string
	phone      *adbtest.Phone
	deleted    string // a picture that is not there any more in the end
	retagged   string // one that has other tags in the end
	renamed    [2]string
	made, real int
}

// night is a backup, and what the phone held.
type night struct {
	summary summary
	tree    map[string]kept
}

// summary is the program's last line of JSON.
type summary struct {
	Type       string `json:"message_type"`
	Snapshot   string `json:"snapshot_id"`
	New        int    `json:"files_new"`
	Changed    int    `json:"files_changed"`
	Unmodified int    `json:"files_unmodified"`
	Gone       int    `json:"files_gone"`
	Files      int    `json:"total_files_processed"`
	Added      int64  `json:"data_added"`
}

func newRoll(t *testing.T) *roll {
	bin := t.TempDir()
	r := &roll{T: t, program: filepath.Join(bin, "shoebox"), home: t.TempDir(), dir: t.TempDir()}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", r.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	server, err := adbtest.StartServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	daemon := adbtest.New(adbtest.Config{Storage: adbtest.DirTree(r.dir), Model: "Pixel_8"})
	t.Cleanup(func() { daemon.Close() })
	if r.phone, err = adbtest.Listen(daemon, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.phone.Close() })
	if _, err := server.Connect(t.Context(), r.phone); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	r.env = []string{"HOME=" + r.home, "PATH=" + os.Getenv("PATH"), "TZ=UTC", "ANDROID_ADB_SERVER_PORT=" + port}
	return r
}

// run runs the program and gives what it said; it must end well.
func (r *roll) run(args ...string) string {
	r.Helper()
	cmd := exec.CommandContext(r.Context(), r.program, args...)
	cmd.Env = r.env
	var said, complained bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &complained
	if err := cmd.Run(); err != nil {
		r.Fatalf("shoebox %s: %v\n%s%s", strings.Join(args, " "), err, said.String(), complained.String())
	}
	return said.String()
}

func (r *roll) backup(tag string) night {
	r.Helper()
	tree, err := treeOf(r.dir)
	if err != nil {
		r.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(r.run("backup", "--json", "--tag", tag)), "\n")
	n := night{tree: tree}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &n.summary); err != nil || n.summary.Type != "summary" {
		r.Fatalf("last line %q: %v", lines[len(lines)-1], err)
	}
	if n.summary.Files != len(tree) {
		r.Errorf("%s: %d files in the snapshot, %d on the phone", tag, n.summary.Files, len(tree))
	}
	return n
}

// day is when the i-th picture was taken: three a day.
func day(i int) time.Time {
	return time.Date(2024, 5, 1, 9, 0, 0, 0, time.UTC).AddDate(0, 0, i/3).Add(time.Duration(i%3)*time.Hour + time.Duration(i)*time.Second)
}

// fill makes the camera roll: photos, screenshots, videos, a chat's pictures, and real files of real cameras.
func (r *roll) fill() {
	for i := range 200 {
		r.make(photoName(i), i, 40_000+i%7*20_000)
	}
	for i := range 60 {
		r.make("Pictures/Screenshots/Screenshot_"+day(i).Format("20060102-150405")+".png", 1000+i, 30_000)
	}
	for i := range 25 {
		r.make("DCIM/Camera/PXL_"+day(i).Format("20060102_150405")+"000.mp4", 2000+i, 400_000)
	}
	for i := range 40 {
		r.make(fmt.Sprintf("Android/media/com.whatsapp/WhatsApp/Media/WhatsApp Images/IMG-%s-WA%04d.jpg", day(i).Format("20060102"), i), 3000+i, 50_000)
	}
	r.addReal()
	if r.made < 300 {
		r.Fatalf("only %d pictures", r.made)
	}
	r.Logf("%d pictures made up, %d of real cameras", r.made, r.real)
}

func photoName(i int) string {
	return "DCIM/Camera/PXL_" + day(i).Format("20060102_150405") + "123.jpg"
}

func (r *roll) path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

// make makes one picture; its time of change is a few odd seconds after it was taken.
func (r *roll) make(name string, i, size int) {
	r.Helper()
	p := picture{seed: uint64(i), size: size, taken: day(i % 1000)}
	if err := p.write(r.path(name), p.taken.Add(3*time.Second)); err != nil {
		r.Fatal(err)
	}
	r.made++
}

// addReal adds the files of real cameras that come with the module that reads their tags, where it was downloaded whole.
func (r *roll) addReal() {
	out, err := exec.CommandContext(r.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/bep/imagemeta").Output()
	if err != nil {
		r.Fatal("go list:", err)
	}
	images := filepath.Join(strings.TrimSpace(string(out)), "testdata", "images")
	err = filepath.WalkDir(images, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(images, path)
		if err != nil {
			return err
		}
		to := r.path("DCIM/Cameras of others/" + filepath.ToSlash(name))
		when := day(r.real)
		r.real++
		return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, data, 0o644), os.Chtimes(to, when, when))
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.Fatal(err)
	}
}

// live is what happens on the phone in a day: 15 new pictures, 5 deleted ones, 6 with another name, 7 with other tags. It tells
// what has to be read because of it, and how many bytes were never seen before.
func (r *roll) live() (read []string, fresh int64) {
	r.phone.ResetCounters()
	reads := func(name string) { read = append(read, "/sdcard/"+name) }
	for i := 300; i < 315; i++ {
		r.make(photoName(i), i, 60_000)
		reads(photoName(i))
		info, err := os.Stat(r.path(photoName(i)))
		if err != nil {
			r.Fatal(err)
		}
		fresh += info.Size()
	}
	r.deleted = photoName(10)
	for i := 10; i < 15; i++ {
		if err := os.Remove(r.path(photoName(i))); err != nil {
			r.Fatal(err)
		}
	}
	for i := 20; i < 26; i++ {
		r.renamed = [2]string{photoName(i), fmt.Sprintf("Pictures/Grandma/birthday %d.jpg", i)}
		if err := errors.Join(os.MkdirAll(r.path("Pictures/Grandma"), 0o755), os.Rename(r.path(r.renamed[0]), r.path(r.renamed[1]))); err != nil {
			r.Fatal(err)
		}
	}
	for i := 30; i < 37; i++ {
		r.retagged = photoName(i)
		r.retag(r.retagged, i)
		reads(r.retagged)
	}
	slices.Sort(read)
	return read, fresh
}

// retag writes a description into a picture, as a gallery does.
func (r *roll) retag(name string, i int) {
	data, err := os.ReadFile(r.path(name))
	if err != nil {
		r.Fatal(err)
	}
	tags := picture{seed: uint64(i), taken: day(i), text: strings.Repeat("grandma at the beach ", i)}.tags()
	when := day(400)
	if err := errors.Join(os.WriteFile(r.path(name), phototest.Retag(data, tags, phototest.Rand(uint64(i))), 0o644), os.Chtimes(r.path(name), when, when)); err != nil {
		r.Fatal(err)
	}
}

// lookBack lists the snapshots by date, and what is in each.
func (r *roll) lookBack(nights []night) {
	var list []struct {
		ID    string
		Time  time.Time
		Tags  []string
		Model string
	}
	if err := json.Unmarshal([]byte(r.run("snapshots", "--json")), &list); err != nil {
		r.Fatal(err)
	}
	if len(list) != len(nights) {
		r.Fatalf("%d snapshots, want %d", len(list), len(nights))
	}
	for i, one := range list {
		if one.ID != nights[i].summary.Snapshot || one.Model != "Pixel 8" || i > 0 && !one.Time.After(list[i-1].Time) {
			r.Errorf("snapshot %d: %+v", i, one)
		}
		files := strings.Split(strings.TrimSpace(r.run("ls", one.ID[:8])), "\n")
		if want := slices.Sorted(maps.Keys(nights[i].tree)); !slices.Equal(files, want) {
			r.Errorf("ls of night %d lists %d files, want %d", i, len(files), len(want))
		}
	}
	if text := r.run("snapshots", list[2].Time.Format(time.DateOnly)); !strings.Contains(text, list[2].ID[:8]) {
		r.Errorf("by its date:\n%s", text)
	}
	days := r.run("ls", "latest", "--by-date", "--taken", "2024-05-01", "-i", "PXL_*.jpg")
	if !strings.HasPrefix(days, "Wednesday, 1 May 2024  3 files\n  09:00 ") || strings.Count(days, "\n") != 4 {
		r.Errorf("by the day they were taken:\n%s", days)
	}
	if text := r.run("history", r.deleted); strings.Count(text, "\n") != 2 || !strings.HasSuffix(text, "not there\n") {
		r.Errorf("history of a deleted picture:\n%s", text)
	}
	diff := r.run("diff", "latest~1", "latest")
	for _, line := range []string{"M  " + r.retagged, "-  " + r.deleted, "-  " + r.renamed[0], "+  " + r.renamed[1], "21 new, 11 gone, 7 changed, 0 touched"} {
		if !strings.Contains(diff, line) {
			r.Errorf("diff does not say %q:\n%s", line, diff)
		}
	}
}

// giveBackOne restores single pictures, from each night in which they were there.
func (r *roll) giveBackOne(nights []night) {
	for i, n := range nights {
		for _, name := range []string{r.deleted, r.retagged, r.renamed[0], r.renamed[1]} {
			want, there := n.tree[name]
			if !there {
				continue
			}
			target := r.TempDir()
			r.run("restore", n.summary.Snapshot[:10]+":"+name, "--target", target)
			got, err := treeOf(target)
			if err != nil || len(got) != 1 || got[name] != want {
				r.Errorf("%s of night %d is not what it was: %v", name, i, err)
			}
		}
	}
	if nights[0].tree[r.retagged] == nights[2].tree[r.retagged] {
		r.Error("the picture was never retagged")
	}
}

// giveBackAll restores whole snapshots and holds them against what was on the phone.
func (r *roll) giveBackAll(nights []night) {
	for _, n := range nights {
		target := filepath.Join(r.TempDir(), "back")
		r.run("restore", n.summary.Snapshot, "--target", target)
		got, err := treeOf(target)
		if err != nil {
			r.Fatal(err)
		}
		if text := differs(n.tree, got); text != "" {
			r.Errorf("snapshot %s is not what was on the phone: %s", n.summary.Snapshot, text)
		}
	}
}
