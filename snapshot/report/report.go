// Package report says what a person should know about the backups of each device: what came and went, what is damaged, who was not seen, how long the
// room will last. It does not know who is told, nor how.
//
// Read makes a Report; Text, HTML, JSON, Metrics and Subject give it in words. Names of files are kept apart, in Device.Names, and only who asks for them
// gets them: a report may travel through other people's servers.
//
// The names of the fields in JSON are stable: fields may be added, none changes its meaning. Counts are of files, sizes are bytes, times are RFC 3339, and
// what is not known is left out.
package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"shoebox/repo"
	"shoebox/snapshot"
)

// Options say what to look at and how closely. The zero value works; it knows nothing of the room there is.
type Options struct {
	Now     time.Time      // when the report is made; zero for the clock
	Zone    *time.Location // of the times in Text and HTML; nil for UTC
	Since   time.Time      // changes are told since the last snapshot before this moment, none of a device not seen since; zero: since the snapshot before the newest
	Overdue time.Duration  // a device not backed up for longer is said to be not seen; 0 for 3 days
	Retired []string       // names of devices that will not come back: they are never said to be not seen
	Names   int            // paths kept for each list; 0 for 20, below for none
	Examine int            // new and changed files of a device whose bytes are looked at, the newest; 0 for 1000, below for none
	Decode  int            // of these, pictures that are decoded; 0 for 20, below for none

	Used, Free int64 // bytes the repository takes, and those free where it lies; 0 when not known

	// Verified tells since when every byte of the repository was read; the zero time when some never were. nil when nobody knows.
	Verified func(context.Context) (time.Time, error)
}

func (o Options) filled() Options {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Overdue == 0 {
		o.Overdue = 3 * day
	}
	for _, v := range []struct {
		n   *int
		def int
	}{{&o.Names, 20}, {&o.Examine, 1000}, {&o.Decode, 20}} {
		if *v.n == 0 {
			*v.n = v.def
		}
		*v.n = max(*v.n, 0)
	}
	return o
}

const day = 24 * time.Hour

// Report is what is known of the backups at one moment.
type Report struct {
	Made       time.Time  `json:"made"`
	Level      Level      `json:"level"`
	Subject    string     `json:"subject"` // one sentence
	Remarks    []Remark   `json:"remarks"` // all that is not as it should be, the worst first
	Repository Repository `json:"repository"`
	Devices    []Device   `json:"devices"` // by name

	zone *time.Location
}

// Repository is what is kept of all devices together.
type Repository struct {
	Snapshots int   `json:"snapshots"`
	Pictures  int64 `json:"pictures"` // pictures and videos in the newest whole snapshot of each device
	Files     int64 `json:"files"`    // all files in them
	Bytes     int64 `json:"bytes"`    // of these files
	Damaged   int   `json:"damaged_records"`

	Used       int64 `json:"used_bytes,omitempty"`
	Free       int64 `json:"free_bytes,omitempty"`
	Growth30   int64 `json:"growth_30_days_bytes_per_day,omitempty"` // stored by the snapshots of the last 30 days, without the first of each device
	Growth90   int64 `json:"growth_90_days_bytes_per_day,omitempty"`
	FullInDays int   `json:"full_in_days,omitempty"` // at the faster of the two; not beyond ten years

	Verified      time.Time `json:"verified_since,omitzero"` // every byte was read since
	NeverVerified bool      `json:"never_verified,omitempty"`
}

// Tally counts files.
type Tally struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

func (t *Tally) add(bytes int64) {
	t.Files++
	t.Bytes += bytes
}

// Device is what is known of one device.
type Device struct {
	Name      string    `json:"name"` // of a folder its last part: the whole is a name of a file
	Kind      string    `json:"kind"` // "phone" or "folder"
	Model     string    `json:"model,omitempty"`
	ID        string    `json:"id"` // hides the serial number; the same as in snapshots
	Snapshots int       `json:"snapshots"`
	Last      time.Time `json:"last_backup"`            // when the newest snapshot was begun
	Age       int64     `json:"age_seconds"`            // since it was finished
	NotSeen   int       `json:"not_seen_days"`          // 0 when that is not too long ago
	Snapshot  string    `json:"snapshot"`               // its name
	Partial   bool      `json:"partial,omitempty"`      // the device was lost before its end
	Since     time.Time `json:"compared_with,omitzero"` // when the snapshot was taken that it is compared with

	Pictures int64 `json:"pictures"` // in the newest whole snapshot
	Files    int64 `json:"files"`
	Bytes    int64 `json:"bytes"`

	New        Tally            `json:"new"`
	Changed    Tally            `json:"changed"` // other bytes
	Gone       Tally            `json:"gone"`
	Unreadable int64            `json:"unreadable"`
	Examined   int64            `json:"examined"`      // new and changed pictures and videos whose bytes were looked at
	Unexamined int64            `json:"unexamined"`    // those left out, as Options.Examine says
	Damaged    int64            `json:"damaged"`       // of those examined
	Kinds      map[string]int64 `json:"damaged_kinds"` // by photo.Damage
	Silent     int64            `json:"silent_changes"`
	Brake      *Brake           `json:"brake,omitempty"` // it is on
	Attic      Tally            `json:"attic"`
	Lost       int64            `json:"lost"`                 // stretches of its snapshots, and files, that the repository does not give back
	Incomplete bool             `json:"incomplete,omitempty"` // for that reason New, Changed and Gone are not right
	Names      *Names           `json:"names,omitempty"`
}

// Brake is what was lost when the brake was pulled.
type Brake struct {
	Gone    int64 `json:"gone"`
	Changed int64 `json:"changed"`
	Of      int64 `json:"of"`
}

// Names are the names of files that a report is about, at most Options.Names in each list, in order of path.
type Names struct {
	Folder     string  `json:"folder,omitempty"` // the whole path of a device that is a folder
	New        []Named `json:"new,omitempty"`
	Changed    []Named `json:"changed,omitempty"`
	Gone       []Named `json:"gone,omitempty"`
	Unreadable []Named `json:"unreadable,omitempty"`
	Damaged    []Named `json:"damaged,omitempty"`
	Silent     []Named `json:"silent,omitempty"`
	Lost       []Named `json:"lost,omitempty"`
}

// Named is a file, and what is the matter with it.
type Named struct {
	Path   string `json:"path,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Read looks at all snapshots of a repository. It walks the newest snapshots of each device beside the ones before, holding a few pages of each at a
// time, and reads the bytes of at most Options.Examine files of each device. Damage is told of in the report; an error means that the repository
// cannot be read.
func Read(ctx context.Context, r *repo.Repo, o Options) (*Report, error) {
	o = o.filled()
	all, damaged, err := snapshot.List(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	braked, err := snapshot.Braked(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	report := &Report{Made: o.Now, zone: o.Zone}
	report.Repository = Repository{Snapshots: len(all), Damaged: len(damaged), Used: o.Used, Free: o.Free}
	for _, taken := range devicesOf(all) {
		d, err := readDevice(ctx, r, o, taken, braked)
		if err != nil {
			return nil, fmt.Errorf("report on %s: %w", label(d.Name), err)
		}
		report.add(d)
	}
	slices.SortStableFunc(report.Devices, func(a, b Device) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	report.Repository.forecast(all, o.Now)
	if err := report.Repository.verified(ctx, o); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	report.judge(o)
	return report, nil
}

func (r *Report) add(d Device) {
	r.Devices = append(r.Devices, d)
	r.Repository.Pictures += d.Pictures
	r.Repository.Files += d.Files
	r.Repository.Bytes += d.Bytes
}

func (r *Repository) verified(ctx context.Context, o Options) (err error) {
	if o.Verified == nil || r.Snapshots == 0 {
		return nil
	}
	if r.Verified, err = o.Verified(ctx); err != nil {
		return fmt.Errorf("find out when every byte was last read: %w", err)
	}
	r.NeverVerified = r.Verified.IsZero()
	return nil
}
