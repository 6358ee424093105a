package clearance_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/snapshot/clearance"
)

func placesOf(files []device.File) (paths []string) {
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	return paths
}

// Yes is said only of a device all of whose bytes come back, wherever they are kept.
func TestCompare(t *testing.T) {
	l := newLab(t)
	first := pictures(8, 40)
	one := slices.Sorted(maps.Keys(first))[0]
	l.backup(newPhone(first), nil)
	later := maps.Clone(first)
	delete(later, one) // only in the first snapshot from now on
	l.backup(newPhone(later), nil)
	on := newPhone(first)
	on.files["moved/elsewhere.jpg"] = first[one]
	said := l.compare(on, clearance.CompareOptions{})
	if !said.Yes() || said.Files != int64(len(on.files)) {
		t.Errorf("all is safe, and it says %+v", said)
	}
	if said = l.compare(on, clearance.CompareOptions{Sample: 1}); said.Yes() || said.Alike == 0 || said.Alike+said.Proven != said.Files {
		t.Errorf("one was compared, and it says %+v", said)
	}
	on.files["new.jpg"] = onPhone{[]byte("taken a minute ago"), today}
	on.files[one] = onPhone{append(slices.Clone(first[one].data[1:]), first[one].data[0]^1), first[one].modified}
	said = l.compare(on, clearance.CompareOptions{})
	if said.Yes() || !slices.Equal(placesOf(said.Missing), []string{"new.jpg"}) || !slices.Equal(placesOf(said.Different), []string{one}) {
		t.Errorf("one is new and one differs, and it says %+v", said)
	}
	on = newPhone(first)
	on.mute, on.unread = map[string]bool{one: true}, []string{"Android/data"}
	said = l.compare(on, clearance.CompareOptions{})
	if said.Yes() || len(said.Unread) != 2 || said.Proven != int64(len(first))-1 {
		t.Errorf("a file and a folder cannot be read, and it says %+v", said)
	}
}

// A picture that stands in a snapshot and does not come back is not safe.
func TestCompareReadsTheRepository(t *testing.T) {
	l := newLab(t)
	on := newPhone(pictures(8, 40))
	l.backup(on, nil)
	l.damage()
	said := l.compare(on, clearance.CompareOptions{})
	if said.Yes() || len(said.Lost) == 0 || !strings.Contains(said.Lost[0].Reason, "damaged") {
		t.Errorf("packs are damaged, and it says %+v", said)
	}
}

// What was said of a phone stays in the repository, with its date.
func TestKeepAnswer(t *testing.T) {
	l := newLab(t)
	on := newPhone(pictures(8, 40))
	l.backup(on, nil)
	on.files["new.jpg"] = onPhone{[]byte("taken a minute ago"), today}
	said := l.compare(on, clearance.CompareOptions{})
	r := l.open(l.store)
	defer r.Close()
	if _, err := said.Keep(t.Context(), r, labDevice(r), today.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	all, damaged, err := clearance.Receipts(t.Context(), r)
	if err != nil || len(damaged) > 0 || len(all) != 1 {
		t.Fatalf("%d receipts, %v, %v", len(all), damaged, err)
	}
	got, want := all[0], clearance.Answer{Name: "anna", Files: 9, Bytes: said.Bytes, Proven: 8, Missing: 1}
	if got.Stage != clearance.Checked || !got.When.Equal(today.Add(time.Hour)) || got.Answer == nil || *got.Answer != want {
		t.Errorf("kept %+v, %+v", got, got.Answer)
	}
}

func (l *lab) compare(h *phone, o clearance.CompareOptions) *clearance.Safety {
	l.t.Helper()
	r := l.open(l.store)
	defer r.Close()
	said, err := clearance.Compare(l.t.Context(), r, h, o)
	if err != nil {
		l.t.Fatal(err)
	}
	return said
}
