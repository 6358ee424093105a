package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/snapshot"
	"shoebox/snapshot/photo"
	"shoebox/snapshot/report"
)

func tally(r roll, paths ...string) (t report.Tally) {
	for _, p := range paths {
		t.Files++
		t.Bytes += int64(len(r[p].data))
	}
	return t
}

// lab of two nights: on the second everything happens that a report tells of.
func twoNights(t testing.TB) (*lab, roll, roll) {
	l := newLab(t)
	first := phone(12)
	l.backup("anna", "phone", first)
	l.backup("/home/x/secretname folder", "folder", roll{"notes.txt": {data: []byte("milk"), time: someday}})
	night := phone(12)
	delete(night, picture(0))
	delete(night, picture(1))
	night["DCIM/secretname_new.jpg"] = file{data: jpeg(100), time: someday}
	night["DCIM/secretname_empty.jpg"] = file{time: someday}
	night["DCIM/secretname_cut.jpg"] = file{data: jpeg(101)[:1500], time: someday}
	night["DCIM/secretname_film.mp4"] = file{data: movie(1), time: someday}
	night["DCIM/secretname_unfinished.mp4"] = file{data: movie(2)[:5036], time: someday}
	spoiled := jpeg(102)
	copy(spoiled[len(spoiled)/2:], bytes.Repeat([]byte{0xff, 0}, 300))
	night["DCIM/secretname_spoiled.jpg"] = file{data: spoiled, time: someday}
	night[picture(2)] = file{data: jpeg(103), time: someday}
	night[picture(3)] = file{data: first[picture(3)].data, time: someday, broken: true}
	touched := night[picture(4)]
	touched.time = someday
	night[picture(4)] = touched
	l.now = l.now.AddDate(0, 0, 1)
	l.backup("anna", "phone", night)
	return l, first, night
}

// Bytes that changed without a trace are told of on the night they are found, and with Since for longer.
func TestSilentChanges(t *testing.T) {
	l := newLab(t)
	all := phone(5)
	l.backup("anna", "phone", all)
	rotten := all[picture(2)]
	rotten.data = slices.Clone(rotten.data)
	rotten.data[len(rotten.data)/2] ^= 1
	all[picture(2)] = rotten
	l.recheck = 1
	for day := range 2 {
		l.now = l.now.AddDate(0, 0, 1)
		l.backup("anna", "phone", all)
		r, since := l.read(report.Options{}), l.read(report.Options{Since: someday.Add(time.Hour)})
		if d := of(t, r, "anna"); d.Silent != int64(1-day) || (r.Worst() == report.Failure) != (day == 0) {
			t.Errorf("day %d: %d silent changes, %s", day, d.Silent, r.Level)
		}
		if d := of(t, since, "anna"); d.Silent != 1 || len(d.Names.Silent) != 1 || d.Names.Silent[0].Path != picture(2) {
			t.Errorf("day %d, of all days: %+v", day, d.Names)
		}
	}
}

func TestReadTellsOfANight(t *testing.T) {
	l, first, night := twoNights(t)
	r := l.read(report.Options{})
	d := of(t, r, "anna")
	news := tally(night, "DCIM/secretname_new.jpg", "DCIM/secretname_empty.jpg", "DCIM/secretname_cut.jpg", "DCIM/secretname_film.mp4", "DCIM/secretname_unfinished.mp4", "DCIM/secretname_spoiled.jpg")
	if d.New != news || d.Changed != tally(night, picture(2)) || d.Gone != tally(first, picture(0), picture(1)) || d.Unreadable != 1 {
		t.Errorf("new %v, changed %v, gone %v, unreadable %d", d.New, d.Changed, d.Gone, d.Unreadable)
	}
	want := map[string]int64{string(photo.Empty): 1, string(photo.NoEnd): 1, string(photo.NoMovie): 1, string(photo.Undecodable): 1}
	if !reflect.DeepEqual(d.Kinds, want) || d.Damaged != 4 || d.Examined != 7 || d.Unexamined != 0 {
		t.Errorf("damaged: %d of %d, %v; %v", d.Damaged, d.Examined, d.Kinds, d.Names.Damaged)
	}
	if d.Silent != 0 || d.NotSeen != 0 || d.Age != 3600 || d.Snapshots != 2 || d.Pictures != int64(len(night))-1 || !d.Since.Equal(someday) || d.Partial || d.Lost != 0 || d.Incomplete {
		t.Errorf("%+v", d)
	}
	if folder := of(t, r, "secretname folder"); folder.New != (report.Tally{Files: 1, Bytes: 4}) || !folder.Since.IsZero() || folder.Names.Folder == "" {
		t.Errorf("the first snapshot of a folder: %+v", folder)
	}
	if r.Repository.Snapshots != 3 || r.Repository.Files != d.Files+1 || r.Worst() != report.Warning {
		t.Errorf("%+v, %s", r.Repository, r.Level)
	}
	if want := "15 pictures of 1 phone and 1 folder are safe; 4 new pictures of anna are damaged on the device; 1 file of anna could not be read"; r.Subject != want {
		t.Errorf("subject %q", r.Subject)
	}
}

// One that is compared with an older moment is told of all nights since.
func TestSince(t *testing.T) {
	l := newLab(t)
	r := phone(3)
	l.backup("anna", "phone", r)
	for i := range 3 {
		l.now = l.now.Add(2 * time.Hour)
		r[fmt.Sprintf("new%d.jpg", i)] = file{data: jpeg(uint64(50 + i)), time: l.now}
		l.backup("anna", "phone", r)
	}
	if d := of(t, l.read(report.Options{}), "anna"); d.New.Files != 1 {
		t.Errorf("since the last: %v", d.New)
	}
	if d := of(t, l.read(report.Options{Since: someday.Add(3 * time.Hour)}), "anna"); d.New.Files != 2 || !d.Since.Equal(someday.Add(2*time.Hour)) {
		t.Errorf("since three hours: %v, %v", d.New, d.Since)
	}
}

// A device that was not seen since is told of without the news of its last backup, which were told before.
func TestSinceNotSeen(t *testing.T) {
	l := newLab(t)
	r := phone(3)
	l.backup("anna", "phone", r)
	l.now = l.now.Add(2 * time.Hour)
	r["new.jpg"] = file{time: l.now}
	l.backup("anna", "phone", r)
	if d := of(t, l.read(report.Options{Since: l.now.Add(time.Minute)}), "anna"); d.New.Files+d.Gone.Files+d.Damaged != 0 || d.Files != 4 || !d.Since.Equal(l.now) {
		t.Errorf("%+v", d)
	}
}

func TestNotSeen(t *testing.T) {
	l := newLab(t)
	l.backup("anna", "phone", phone(3))
	l.backup("ben", "phone", phone(2))
	l.now = l.now.AddDate(0, 0, 5)
	l.backup("ben", "phone", phone(4))
	for _, c := range []struct {
		o       report.Options
		level   report.Level
		subject string
	}{
		{report.Options{}, report.Warning, "7 pictures of 2 phones are safe; anna was not seen for 5 days"},
		{report.Options{Overdue: 6 * 24 * time.Hour}, report.OK, "7 pictures of 2 phones are safe"},
		{report.Options{Overdue: 24 * time.Hour}, report.Failure, "7 pictures of 2 phones are safe; anna was not seen for 5 days"},
		{report.Options{Retired: []string{"anna"}}, report.OK, "7 pictures of 2 phones are safe"},
	} {
		if r := l.read(c.o); r.Subject != c.subject || r.Worst() != c.level {
			t.Errorf("%q, %s; want %q, %s", r.Subject, r.Level, c.subject, c.level)
		}
	}
	if r := newLab(t).read(report.Options{}); r.Subject != "nothing is backed up yet" || r.Worst() != report.Failure {
		t.Errorf("an empty repository: %q, %s", r.Subject, r.Level)
	}
}

// lost is a phone unplugged after some files.
type lost struct {
	roll
	after int
}

func (r lost) Files(ctx context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		n := 0
		for f, err := range r.roll.Files(ctx) {
			if n++; n > r.after {
				yield(device.File{}, &device.PhoneError{State: device.ErrPhoneGone})
				return
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// Of a snapshot that was cut off nobody can say what is gone.
func TestPartial(t *testing.T) {
	l := newLab(t)
	l.backup("anna", "phone", phone(9))
	l.now = l.now.AddDate(0, 0, 1)
	if s := l.backup("anna", "phone", lost{phone(9), 4}); !s.Partial {
		t.Fatal("it should be partial")
	}
	r := l.read(report.Options{})
	if d := of(t, r, "anna"); !d.Partial || d.Gone.Files != 0 || d.Pictures != 9 || r.Worst() != report.Warning {
		t.Errorf("%+v, %s", d, r.Level)
	}
}

func TestBrakeAndAttic(t *testing.T) {
	l := newLab(t)
	many := phone(120)
	first := l.backup("anna", "phone", many)
	l.now = l.now.AddDate(0, 0, 1)
	l.backup("anna", "phone", phone(20))
	r := l.read(report.Options{})
	if d := of(t, r, "anna"); d.Brake == nil || *d.Brake != (report.Brake{Gone: 100, Of: 120}) || r.Worst() != report.Failure {
		t.Fatalf("brake %+v, %s", d.Brake, r.Level)
	}
	if !strings.Contains(r.Subject, "the brake of anna is on: 100 of 120 pictures vanished, 0 changed") {
		t.Errorf("subject %q", r.Subject)
	}
	all, _, err := snapshot.List(t.Context(), l.repo)
	if err != nil {
		t.Fatal(err)
	}
	if err := snapshot.ReleaseBrake(t.Context(), l.repo, all[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Forget(t.Context(), l.repo, []string{first.Name}, snapshot.ForgetOptions{Now: func() time.Time { return l.now }}); err != nil {
		t.Fatal(err)
	}
	if d := of(t, l.read(report.Options{}), "anna"); d.Brake != nil || d.Attic.Files != 100 || d.Attic.Bytes == 0 || d.Snapshots != 1 {
		t.Errorf("after a forget: %+v", d)
	}
}

func TestExaminesTheNewest(t *testing.T) {
	l := newLab(t)
	r := phone(10)
	r["old.jpg"] = file{data: jpeg(60)[:1500], time: someday.AddDate(-1, 0, 0)}
	r["older.jpg"] = file{time: someday.AddDate(-2, 0, 0)}
	r["new.jpg"] = file{data: jpeg(61)[:1500], time: someday}
	l.backup("anna", "phone", r)
	for _, c := range []struct {
		examine                    int
		damaged, examined, omitted int64
	}{{0, 3, 13, 0}, {4, 2, 5, 8}, {-1, 1, 1, 12}} {
		d := of(t, l.read(report.Options{Examine: c.examine}), "anna")
		if d.Damaged != c.damaged || d.Examined != c.examined || d.Unexamined != c.omitted {
			t.Errorf("of %d: %d damaged, %d examined, %d not; want %+v", c.examine, d.Damaged, d.Examined, d.Unexamined, c)
		}
	}
}

func TestForecast(t *testing.T) {
	l := newLab(t)
	r := phone(20)
	var stored []int64
	for i := range 12 {
		r[fmt.Sprintf("new%d.jpg", i)] = file{data: jpeg(uint64(70 + i)), time: l.now}
		stored = append(stored, l.backup("anna", "phone", r).Count.Stored)
		l.now = l.now.AddDate(0, 0, 10)
	}
	sum := func(n []int64) (all int64) {
		for _, v := range n {
			all += v
		}
		return all
	}
	// It is 120 days later: 3 snapshots lie in the last 30 days (one of them just 30 days ago), 9 in the last 90.
	got := l.read(report.Options{Now: l.now.Add(-time.Minute), Used: 1 << 20, Free: 30 * sum(stored[9:]) / 30}).Repository
	if want := sum(stored[9:]) / 30; got.Growth30 != want || want == 0 {
		t.Errorf("%d a day in 30 days, want %d", got.Growth30, want)
	}
	if want := sum(stored[3:]) / 90; got.Growth90 != want {
		t.Errorf("%d a day in 90 days, want %d", got.Growth90, want)
	}
	if faster := max(got.Growth30, got.Growth90); got.FullInDays != int(got.Free/faster) {
		t.Errorf("full in %d days, with %d free", got.FullInDays, got.Free)
	}
	for _, c := range []struct {
		free  int64
		level report.Level
		said  string
	}{
		{got.Growth30 * 1000, report.OK, ""}, {got.Growth30*20 + 1, report.Warning, "the repository is full in about 20 days"},
		{1, report.Failure, "the repository is full in about 1 day"}, {got.Growth30 * 1e6, report.OK, ""},
	} {
		r := l.read(report.Options{Now: l.now.Add(-time.Minute), Free: c.free, Overdue: 100 * 24 * time.Hour})
		if r.Worst() != c.level || !strings.HasSuffix(r.Subject, c.said) {
			t.Errorf("%d free: %s, %q", c.free, r.Level, r.Subject)
		}
	}
}

func TestNoForecastFromTheFirstBackup(t *testing.T) {
	l := newLab(t)
	l.backup("anna", "phone", phone(30))
	l.now = l.now.AddDate(0, 0, 20)
	l.backup("ben", "phone", phone(30))
	if got := l.read(report.Options{Free: 1}).Repository; got.Growth30 != 0 || got.FullInDays != 0 {
		t.Errorf("first backups are no growth: %+v", got)
	}
}

func TestVerified(t *testing.T) {
	l := newLab(t)
	l.backup("anna", "phone", phone(1))
	said := func(at time.Time, err error) func(context.Context) (time.Time, error) {
		return func(context.Context) (time.Time, error) { return at, err }
	}
	if r := l.read(report.Options{Verified: said(time.Time{}, nil)}).Repository; !r.NeverVerified {
		t.Error("it was never verified")
	}
	if r := l.read(report.Options{Verified: said(someday, nil)}).Repository; r.NeverVerified || !r.Verified.Equal(someday) {
		t.Errorf("verified since %v", r.Verified)
	}
	broken := errors.New("no ledger")
	if _, err := report.Read(t.Context(), l.repo, report.Options{Verified: said(someday, broken)}); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// A repository that lost packs is reported on, and said to have lost them.
func TestDamagedRepository(t *testing.T) {
	l, _, _ := twoNights(t)
	for o, err := range l.store.List(t.Context(), "packs/") {
		if err != nil {
			t.Fatal(err)
		}
		data, err := l.store.Get(t.Context(), o.Name, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			data[i] ^= 0x55
		}
		if err := l.store.Delete(t.Context(), o.Name); err != nil {
			t.Fatal(err)
		}
		if err := l.store.Put(t.Context(), o.Name, data); err != nil {
			t.Fatal(err)
		}
	}
	r := l.read(report.Options{})
	if d := of(t, r, "anna"); d.Lost == 0 || !d.Incomplete || r.Worst() != report.Failure || !strings.Contains(r.Subject, " kept; parts of the snapshots of anna cannot be read") {
		t.Errorf("%+v, %q", d, r.Subject)
	}
}

func TestReadEnds(t *testing.T) {
	l, _, _ := twoNights(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := report.Read(ctx, l.repo, report.Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// No file is named unless names are asked for; then each way of writing names them.
func TestNamesAreKeptApart(t *testing.T) {
	l, _, _ := twoNights(t)
	r := l.read(report.Options{Zone: time.FixedZone("", 3600)})
	for _, d := range r.Devices {
		if d.Kind == "folder" {
			l.Log("the last part of a folder's path is its name:", d.Name)
		}
	}
	r.Devices = r.Devices[:1] // anna
	for name, write := range map[string]func(*bytes.Buffer, bool) error{
		"text": func(b *bytes.Buffer, names bool) error { return r.Text(b, names) },
		"html": func(b *bytes.Buffer, names bool) error { return r.HTML(b, names) },
		"json": func(b *bytes.Buffer, names bool) error { return r.JSON(b, names) },
	} {
		var without, with bytes.Buffer
		if err := errors.Join(write(&without, false), write(&with, true)); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(without.String(), "secretname") || strings.Contains(r.Subject, "secretname") {
			t.Errorf("%s names files:\n%s", name, without.String())
		}
		for _, file := range []string{"secretname_new.jpg", picture(2), picture(0), "secretname_cut.jpg", "the card has a bad place"} {
			if !strings.Contains(with.String(), file) {
				t.Errorf("%s with names does not name %s:\n%s", name, file, with.String())
			}
		}
	}
	var metrics bytes.Buffer
	if err := r.Metrics(&metrics); err != nil || strings.Contains(metrics.String(), "secretname") {
		t.Errorf("metrics: %v\n%s", err, metrics.String())
	}
	if r := l.read(report.Options{Names: -1}); len(of(t, r, "anna").Names.New) != 0 {
		t.Error("names are kept that nobody wants")
	}
	if r := l.read(report.Options{Names: 2}); len(of(t, r, "anna").Names.New) != 2 || of(t, r, "anna").New.Files != 6 {
		t.Error("names are not bounded")
	}
}

// The names of the fields are a promise.
func TestFieldsOfJSON(t *testing.T) {
	l, _, _ := twoNights(t)
	var b bytes.Buffer
	r := l.read(report.Options{Used: 1, Free: 1, Verified: func(context.Context) (time.Time, error) { return someday, nil }})
	if err := r.JSON(&b, true); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Devices    []map[string]any
		Repository map[string]any
		Made       time.Time
		Level      string
		Subject    string
		Remarks    []map[string]string
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, field := range strings.Fields("name kind id snapshots last_backup age_seconds not_seen_days snapshot pictures files bytes new changed gone unreadable examined unexamined damaged damaged_kinds silent_changes attic lost names compared_with") {
		if _, ok := got.Devices[0][field]; !ok {
			t.Errorf("a device has no field %s", field)
		}
	}
	for _, field := range strings.Fields("snapshots pictures files bytes damaged_records used_bytes free_bytes verified_since") {
		if _, ok := got.Repository[field]; !ok {
			t.Errorf("the repository has no field %s", field)
		}
	}
	if got.Level != "warning" || got.Subject != r.Subject || len(got.Remarks) != 2 || got.Remarks[0]["level"] != "warning" || strings.Count(b.String(), "\n") != 1 {
		t.Errorf("%s", b.String())
	}
}
