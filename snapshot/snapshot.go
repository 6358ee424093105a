// Package snapshot is what a device held at one moment: taken (Backup), browsed (List, Entries, ReadCatalog, Find,
// History, Diff), given back (Restore), looked after (Check) and let go (Policy, Forget, Prune). It does not know where
// chunks lie, nor how a phone is reached.
//
// A snapshot is one list of entries, sorted by path and cut into pages where a keyed hash of the path says so;
// the list of pages is cut by the same rule until one page is left, the root. So one new photo makes one new
// page, and one path is found by reading two or three. The bytes are laid down in docs/format.md.
package snapshot

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zeebo/blake3"

	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/wire"
)

// Kind is the kind of the records that hold snapshots; it is also the folder they lie in.
const Kind = "snapshots"

// Device says whose pictures a snapshot holds.
type Device struct {
	Kind  string `cbor:"1,keyasint"`           // "phone" or "folder"
	Name  string `cbor:"2,keyasint"`           // what the person calls it
	Model string `cbor:"3,keyasint,omitempty"` // as the phone tells it
	ID    string `cbor:"4,keyasint"`           // keyed hash of the serial number, or of host and path; see DeviceID
}

// Count says what a backup found and did.
type Count struct {
	Files     int64 `cbor:"1,keyasint"`            // in the snapshot
	Bytes     int64 `cbor:"2,keyasint"`            // in the snapshot
	New       int64 `cbor:"3,keyasint,omitempty"`  // paths not in the parent
	Changed   int64 `cbor:"4,keyasint,omitempty"`  // other size or time than in the parent
	Unchanged int64 `cbor:"5,keyasint,omitempty"`  // not read again
	Gone      int64 `cbor:"6,keyasint,omitempty"`  // in the parent and no more
	Failed    int64 `cbor:"7,keyasint,omitempty"`  // could not be read
	Read      int64 `cbor:"8,keyasint,omitempty"`  // bytes read from the device
	Fresh     int64 `cbor:"9,keyasint,omitempty"`  // bytes the repository did not have
	Stored    int64 `cbor:"10,keyasint,omitempty"` // bytes added to the repository, in packs
}

// Failure is a path that could not be read, and why.
type Failure struct {
	Path   string
	Reason string
}

// Snapshot is one snapshot as its record tells of it.
type Snapshot struct {
	Name      string // 32 hexadecimal digits
	Confirmed bool   // everything it needs was seen safe after it was written
	Device    Device
	Host      string
	Roots     []string // the folders that were looked into
	Start     time.Time
	End       time.Time
	Count     Count
	Partial   bool // the device was lost before the end
	Failed    []Failure
	Tags      []string
	Parent    string
	Writer    Writer
	Program   string
	Attic     bool     // last copies alone: what forgotten snapshots of the device held and no other snapshot does
	Brake     *Brake   // how much was lost, when it was enough to hold forgetting; else nil
	Silent    []string // paths whose bytes had changed though size and time had not; see BackupOptions.Recheck

	session string
	begun   []Entry   // of a partial one: large files that were cut off, with the parts that had come by then
	root    repo.Part // of the pages; Size 0 for a snapshot without entries
}

// Writer numbers the snapshots of one computer, so that a vanished one is noticed.
type Writer struct {
	ID   string `cbor:"1,keyasint"`
	Seq  uint64 `cbor:"2,keyasint"`
	Prev string `cbor:"3,keyasint,omitempty"` // name of the snapshot with number Seq-1
}

// maxFailures bounds the failures kept by name; the count has them all.
const maxFailures = 10_000

// form is a snapshot as it is sealed.
type form struct {
	Version int           `cbor:"1,keyasint"`
	Device  Device        `cbor:"2,keyasint"`
	Host    string        `cbor:"3,keyasint"`
	Roots   []wire.Bytes  `cbor:"4,keyasint,omitempty"`
	Start   int64         `cbor:"5,keyasint"` // Unix milliseconds
	End     int64         `cbor:"6,keyasint"` // Unix milliseconds
	Zone    int           `cbor:"7,keyasint"` // of the writer, seconds east of UTC
	Count   Count         `cbor:"8,keyasint"`
	Partial bool          `cbor:"9,keyasint,omitempty"`
	Failed  []failureForm `cbor:"10,keyasint,omitempty"`
	Tags    []string      `cbor:"11,keyasint,omitempty"`
	Parent  string        `cbor:"12,keyasint,omitempty"`
	Writer  Writer        `cbor:"13,keyasint"`
	Program string        `cbor:"14,keyasint,omitempty"`
	Root    repo.Part     `cbor:"15,keyasint"`
	Attic   bool          `cbor:"16,keyasint,omitempty"`
	Brake   *Brake        `cbor:"17,keyasint,omitempty"`
	Begun   []entryForm   `cbor:"18,keyasint,omitempty"`
	Silent  []wire.Bytes  `cbor:"19,keyasint,omitempty"`
}

type failureForm struct {
	Path   wire.Bytes `cbor:"1,keyasint"`
	Reason string     `cbor:"2,keyasint"`
}

const formVersion = 1

func (s Snapshot) encode() ([]byte, error) {
	_, zone := s.Start.Zone()
	f := form{Version: formVersion, Device: s.Device, Host: s.Host, Start: s.Start.UnixMilli(), End: s.End.UnixMilli(), Zone: zone, Count: s.Count,
		Partial: s.Partial, Tags: s.Tags, Parent: s.Parent, Writer: s.Writer, Program: s.Program, Root: s.root, Attic: s.Attic, Brake: s.Brake}
	for _, r := range s.Roots {
		f.Roots = append(f.Roots, wire.Bytes(r))
	}
	for _, x := range s.Failed[:min(len(s.Failed), maxFailures)] {
		f.Failed = append(f.Failed, failureForm{wire.Bytes(x.Path), x.Reason})
	}
	for i := range s.begun {
		f.Begun = append(f.Begun, formOf(&s.begun[i]))
	}
	for _, path := range s.Silent[:min(len(s.Silent), maxFailures)] {
		f.Silent = append(f.Silent, wire.Bytes(path))
	}
	f.makeText()
	return codec().Marshal(f)
}

// makeText makes all text valid UTF-8, as it would not be read back otherwise: reasons may quote names of any bytes.
func (f *form) makeText() {
	texts := []*string{&f.Device.Kind, &f.Device.Name, &f.Device.Model, &f.Device.ID, &f.Host, &f.Parent, &f.Program}
	for i := range f.Failed {
		texts = append(texts, &f.Failed[i].Reason)
	}
	f.Tags = slices.Clone(f.Tags)
	for i := range f.Tags {
		texts = append(texts, &f.Tags[i])
	}
	for _, t := range texts {
		*t = strings.ToValidUTF8(*t, "\uFFFD")
	}
}

func decode(rec repo.Record) (Snapshot, error) {
	if !isName(rec.Name) {
		return Snapshot{}, fmt.Errorf("snapshot %.40q: %w: it is not named as a snapshot is", rec.Name, crypt.ErrDamaged)
	}
	var v struct {
		Version int `cbor:"1,keyasint"`
	}
	if codec().Glance(rec.Body, &v) == nil && v.Version > formVersion {
		return Snapshot{}, fmt.Errorf("snapshot %s has version %d and this program knows %d: use a newer shoebox", rec.Name, v.Version, formVersion)
	}
	var f form
	if err := codec().Unmarshal(rec.Body, &f); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot %s: %w: %v", rec.Name, crypt.ErrDamaged, err)
	}
	if err := f.check(); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot %.40q: %w", rec.Name, err)
	}
	zone := time.FixedZone("", f.Zone)
	s := Snapshot{Name: rec.Name, Confirmed: rec.Confirmed, session: rec.Session, Device: f.Device, Host: f.Host,
		Start: time.UnixMilli(f.Start).In(zone), End: time.UnixMilli(f.End).In(zone), Count: f.Count, Partial: f.Partial,
		Tags: f.Tags, Parent: f.Parent, Writer: f.Writer, Program: f.Program, root: f.Root, Attic: f.Attic, Brake: f.Brake}
	for _, r := range f.Roots {
		s.Roots = append(s.Roots, string(r))
	}
	for _, x := range f.Failed {
		s.Failed = append(s.Failed, Failure{string(x.Path), x.Reason})
	}
	for _, path := range f.Silent {
		s.Silent = append(s.Silent, string(path))
	}
	s.begun = begunOf(f.Begun)
	return s, nil
}

// The years 1 to 9999, in Unix milliseconds.
const firstMoment, lastMoment = -62135596800_000, 253402300799_999

// check holds a form against bounds that every writer keeps.
func (f *form) check() error {
	const day = 24 * 60 * 60 // seconds
	switch {
	case f.Version != formVersion:
		return fmt.Errorf("%w: its version is %d", crypt.ErrDamaged, f.Version)
	case f.Start < firstMoment || f.Start > lastMoment || f.End < firstMoment || f.End > lastMoment || f.Zone < -day || f.Zone > day:
		return fmt.Errorf("%w: it was taken at no time there is", crypt.ErrDamaged)
	case f.Root.Size > 0 && f.Root.Kind != pageKind:
		return fmt.Errorf("%w: its root is no page", crypt.ErrDamaged)
	case f.Brake != nil && (f.Brake.Gone < 0 || f.Brake.Changed < 0 || f.Brake.Of < 0):
		return fmt.Errorf("%w: fewer than no pictures were lost before it", crypt.ErrDamaged)
	case f.Writer.Prev != "" && !isName(f.Writer.Prev):
		return fmt.Errorf("%w: the snapshot before it is called %.40q", crypt.ErrDamaged, f.Writer.Prev)
	}
	return nil
}

// isName tells whether a text is the name of a snapshot: 32 hexadecimal digits.
func isName(text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == 16
}

// maxParts bounds the parts of one file: a file of 256 GiB has about as many.
const maxParts = 1 << 16

// codec reads records and pages. It is made each time: making it costs microseconds, a global would cost a rule.
func codec() wire.Codec { return wire.New(maxParts) }

// DeviceID hides a serial number, or a host and path, behind a keyed hash: 32 hexadecimal digits. The same device has
// the same id in one repository, and another one in every other.
func DeviceID(r *repo.Repo, identity string) string {
	key := r.Key(crypt.Identity)
	h, err := blake3.NewKeyed(key[:])
	if err != nil {
		panic(err) // only for a key that is not 32 bytes
	}
	_, _ = h.WriteString(identity)
	return hex.EncodeToString(h.Sum(nil)[:16])
}
