package clearance

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/wire"
	"shoebox/snapshot"
)

// receiptKind is the kind of the records that tell of what left a device. Their names are drawn.
const receiptKind = "receipts"

// Stage is what a receipt tells of.
type Stage uint8

// The stages of a run, and what else is kept as a receipt.
const (
	Intent  Stage = 1 // these files are proven, and about to be removed
	Removed Stage = 2 // of an intent: these were removed
	Undone  Stage = 3 // of a run: its files were put back
	Checked Stage = 4 // a device was asked whether it may be wiped
)

// Cleared is a file that was, or was about to be, removed from a device.
type Cleared struct {
	Path     string
	Size     int64
	ModTime  time.Time
	Hash     [32]byte // BLAKE3, as in the snapshot
	Sum      [32]byte // SHA-256, as the device told it
	Snapshot string   // a confirmed snapshot that held it
}

// Receipt is one record.
type Receipt struct {
	Name   string // 32 hexadecimal digits
	Stage  Stage
	Run    string // 32 hexadecimal digits; all receipts of one run have the same
	Device string // as snapshot.Device.ID
	When   time.Time
	Files  []Cleared // of an intent
	Of     string    // of Removed: the name of the intent
	Gone   []int     // of Removed: places in its Files
	Answer *Answer   // of Checked
}

// Answer is what was said of a device.
type Answer struct {
	Name      string `cbor:"1,keyasint"` // of the device, as the person calls it
	Yes       bool   `cbor:"2,keyasint,omitempty"`
	Files     int64  `cbor:"3,keyasint,omitempty"`
	Bytes     int64  `cbor:"4,keyasint,omitempty"`
	Proven    int64  `cbor:"5,keyasint,omitempty"`
	Alike     int64  `cbor:"6,keyasint,omitempty"`
	Missing   int64  `cbor:"7,keyasint,omitempty"`
	Different int64  `cbor:"8,keyasint,omitempty"`
	Lost      int64  `cbor:"9,keyasint,omitempty"`
	Unread    int64  `cbor:"10,keyasint,omitempty"`
}

type receiptForm struct {
	Version int           `cbor:"1,keyasint"`
	Stage   Stage         `cbor:"2,keyasint"`
	Run     string        `cbor:"3,keyasint"`
	Device  string        `cbor:"4,keyasint"`
	When    int64         `cbor:"5,keyasint"` // Unix milliseconds
	Files   []clearedForm `cbor:"6,keyasint,omitempty"`
	Of      string        `cbor:"7,keyasint,omitempty"`
	Gone    []int         `cbor:"8,keyasint,omitempty"`
	Answer  *Answer       `cbor:"9,keyasint,omitempty"`
}

type clearedForm struct {
	Path     wire.Bytes `cbor:"1,keyasint"`
	Size     int64      `cbor:"2,keyasint"`
	ModTime  int64      `cbor:"3,keyasint"`           // Unix seconds
	ModNano  uint32     `cbor:"4,keyasint,omitempty"` // nanoseconds beyond them
	Hash     []byte     `cbor:"5,keyasint"`
	Sum      []byte     `cbor:"6,keyasint"`
	Snapshot string     `cbor:"7,keyasint"`
}

const (
	receiptVersion = 1
	mostInReceipt  = 1 << 12 // files
	longestPath    = 4096    // bytes
)

func codec() wire.Codec { return wire.New(mostInReceipt) }

// put seals a receipt into the repository, under a name that is drawn.
func (t *Receipt) put(ctx context.Context, r *repo.Repo, random io.Reader) (err error) {
	if t.Name, err = draw(random); err != nil {
		return err
	}
	f := receiptForm{Version: receiptVersion, Stage: t.Stage, Run: t.Run, Device: t.Device, When: t.When.UnixMilli(), Of: t.Of, Gone: t.Gone, Answer: t.Answer}
	for _, c := range t.Files {
		f.Files = append(f.Files, clearedForm{wire.Bytes(c.Path), c.Size, c.ModTime.Unix(), uint32(c.ModTime.Nanosecond()), c.Hash[:], c.Sum[:], c.Snapshot})
	}
	body, err := codec().Marshal(f)
	if err != nil {
		return fmt.Errorf("write a receipt: %w", err)
	}
	if err := r.PutRecord(ctx, receiptKind, t.Name, body); err != nil {
		return fmt.Errorf("keep the receipt: %w", err)
	}
	return nil
}

// draw gives a name that was never used.
func draw(random io.Reader) (string, error) {
	var name [16]byte
	if _, err := io.ReadFull(random, name[:]); err != nil {
		return "", fmt.Errorf("draw a name: %w", err)
	}
	return hex.EncodeToString(name[:]), nil
}

// Receipts gives all receipts, oldest first, and one error for each that is damaged.
func Receipts(ctx context.Context, r *repo.Repo) (all []Receipt, damaged []error, err error) {
	for rec, err := range r.Records(ctx, receiptKind) {
		var t Receipt
		if err == nil {
			t, err = decode(rec)
		}
		switch {
		case errors.Is(err, crypt.ErrDamaged):
			damaged = append(damaged, err)
		case err != nil:
			return nil, nil, fmt.Errorf("read the receipts: %w", err)
		default:
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b Receipt) int { return a.When.Compare(b.When) })
	return all, damaged, nil
}

func decode(rec repo.Record) (t Receipt, err error) {
	var v struct {
		Version int `cbor:"1,keyasint"`
	}
	if codec().Glance(rec.Body, &v) == nil && v.Version > receiptVersion {
		return t, fmt.Errorf("receipt %.40q has version %d and this program knows %d: use a newer shoebox", rec.Name, v.Version, receiptVersion)
	}
	var f receiptForm
	if err = codec().Unmarshal(rec.Body, &f); err == nil {
		err = f.check()
	}
	if err != nil {
		return t, fmt.Errorf("receipt %.40q: %w: %v", rec.Name, crypt.ErrDamaged, err)
	}
	t = Receipt{Name: rec.Name, Stage: f.Stage, Run: f.Run, Device: f.Device, When: time.UnixMilli(f.When).UTC(), Of: f.Of, Gone: f.Gone, Answer: f.Answer}
	for _, c := range f.Files {
		t.Files = append(t.Files, Cleared{string(c.Path), c.Size, time.Unix(c.ModTime, int64(c.ModNano)), [32]byte(c.Hash), [32]byte(c.Sum), c.Snapshot})
	}
	return t, nil
}

func (f *receiptForm) check() error {
	const year1, year9999 = -62135596800_000, 253402300799_999 // Unix milliseconds
	switch {
	case f.Version != receiptVersion || f.Stage < Intent || f.Stage > Checked:
		return errors.New("it is of no known kind")
	case f.When < year1 || f.When > year9999 || !isName(f.Run) || f.Of != "" && !isName(f.Of):
		return errors.New("it has values out of bounds")
	case (f.Stage == Intent) != (len(f.Files) > 0) || (f.Stage == Removed) != (f.Of != "") || (f.Stage == Checked) != (f.Answer != nil):
		return errors.New("it does not hold what it tells of")
	}
	for _, c := range f.Files {
		if len(c.Path) == 0 || len(c.Path) > longestPath || c.Size < 0 || c.ModNano >= 1e9 || len(c.Hash) != 32 || len(c.Sum) != 32 || !isName(c.Snapshot) {
			return fmt.Errorf("it tells of no file that there is: %.60q", c.Path)
		}
	}
	for _, i := range f.Gone {
		if i < 0 || i >= mostInReceipt {
			return errors.New("it tells of files that are not in it")
		}
	}
	return nil
}

func isName(text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == 16
}

// Run is what one run took off a device, as its receipts tell.
type Run struct {
	ID      string
	Device  string
	When    time.Time
	Files   []Cleared // all that it was about to remove: a run that was cut off may not have come to all of them
	Removed int64     // files that are known to be removed
	Bytes   int64     // of those
	Undone  bool
}

// Runs gathers receipts, oldest first, into the runs they tell of, oldest first.
func Runs(all []Receipt) (runs []Run) {
	at, intents := make(map[string]int), make(map[string][]Cleared)
	of := func(t Receipt) *Run {
		i, ok := at[t.Run]
		if !ok {
			i = len(runs)
			at[t.Run] = i
			runs = append(runs, Run{ID: t.Run, Device: t.Device, When: t.When})
		}
		return &runs[i]
	}
	for _, t := range all {
		if t.Stage == Intent {
			intents[t.Name] = t.Files
			run := of(t)
			run.Files = append(run.Files, t.Files...)
		}
	}
	for _, t := range all {
		switch t.Stage {
		case Removed:
			run, files := of(t), intents[t.Of]
			for _, i := range t.Gone {
				if i < len(files) {
					run.Removed++
					run.Bytes += files[i].Size
				}
			}
		case Undone:
			of(t).Undone = true
		}
	}
	return runs
}

// Taken tells of each path of a device what was taken off it on purpose, and not put back: a backup that misses it need not worry. The receipts
// are read when it is asked for the first time, which a backup does only when something is gone. When they cannot be read trouble is told why, and
// nothing counts as taken.
func Taken(ctx context.Context, r *repo.Repo, deviceID string, trouble func(error)) func(e snapshot.Entry) bool {
	read := sync.OnceValue(func() map[cleared]bool {
		taken, err := takenOff(ctx, r, deviceID)
		if err != nil {
			trouble(fmt.Errorf("what was deleted from the phone on purpose is not known: %w", err))
		}
		return taken
	})
	return func(e snapshot.Entry) bool { return e.Type == device.Regular && read()[cleared{e.Path, e.Hash}] }
}

// cleared is what a path held when it was taken off.
type cleared struct {
	path string
	hash [32]byte // BLAKE3
}

func takenOff(ctx context.Context, r *repo.Repo, deviceID string) (map[cleared]bool, error) {
	all, _, err := Receipts(ctx, r)
	if err != nil {
		return nil, err
	}
	taken := make(map[cleared]bool)
	for _, run := range Runs(all) {
		if run.Device == deviceID && !run.Undone {
			for _, c := range run.Files {
				taken[cleared{c.Path, c.Hash}] = true
			}
		}
	}
	return taken, nil
}
