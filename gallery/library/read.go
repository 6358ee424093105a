package library

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/photo"
)

// Read reads a library from the repository. Instants without a zone of their own are shown in loc. The error wraps snapshot.ErrForgotten when a snapshot
// left meanwhile: there is a newer list of them to read.
func Read(ctx context.Context, r *repo.Repo, snapshots []snapshot.Snapshot, loc *time.Location) (*Library, error) {
	c, err := snapshot.ReadCatalog(ctx, r, snapshots)
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	if len(c.Damaged) > 0 {
		if why := snapshot.WhyLost(ctx, r, snapshots, c.Damaged[0]); errors.Is(why, snapshot.ErrForgotten) {
			return nil, why
		}
	}
	l := &Library{Snapshots: snapshots, Damaged: len(c.Damaged), Pictures: make([]Picture, 0, len(c.Pictures))}
	l.sortOut()
	texts := make(map[string]string)
	for i := range c.Pictures {
		if p := &c.Pictures[i]; p.Type == 0 { // links show nothing
			l.Pictures = append(l.Pictures, l.small(p, loc, texts))
		}
	}
	l.mark()
	l.settle()
	return l, nil
}

// small is what is kept of a picture. Types and cameras are few: each is kept once.
func (l *Library) small(p *snapshot.Picture, loc *time.Location, texts map[string]string) Picture {
	same := func(text string) string {
		if _, ok := texts[text]; !ok {
			texts[text] = strings.Clone(text)
		}
		return texts[text]
	}
	return Picture{
		ID: IDOf(l.Snapshots[p.First].Device.ID, &p.Entry), Path: strings.Clone(p.Path), Hash: p.Hash, Taken: p.TakenWall(loc).Unix(), Modified: p.ModTime.Unix(), Size: p.Size,
		Width: p.Photo.Width, Height: p.Photo.Height, First: int32(p.First), Last: int32(p.Last), In: int32(p.In),
		Type: same(p.Photo.Type), Camera: same(p.Photo.Camera), Device: l.device[p.First], Orientation: p.Photo.Orientation, Source: p.Photo.Source,
		Content: slices.Clip(slices.Clone(p.Content)),
	}
}

// form is a library as it is kept in a cache: columns, which are read in milliseconds.
type form struct {
	Version int
	Names   []string // of the snapshots
	Zone    string   // in which times are shown
	Damaged int
	Texts   []string // types and cameras
	Paths   []byte   // NUL behind each
	Hashes  []byte
	Parts   []byte
	Numbers []int64 // columns of each picture
}

const (
	formVersion = 1
	columns     = 15
	partBytes   = 1 + 32 + 4
)

// zoneOf tells one zone from another, also where each is called Local.
func zoneOf(loc *time.Location) string {
	winter, summer := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	return loc.String() + winter.In(loc).Format(" -0700") + summer.In(loc).Format(" -0700")
}

// Encode gives the library as bytes for Decode.
func (l *Library) Encode(loc *time.Location) ([]byte, error) {
	f := form{Version: formVersion, Names: l.Names(), Zone: zoneOf(loc), Damaged: l.Damaged, Numbers: make([]int64, 0, columns*len(l.Pictures))}
	at := make(map[string]int64)
	text := func(s string) int64 {
		if _, ok := at[s]; !ok {
			at[s] = int64(len(f.Texts))
			f.Texts = append(f.Texts, s)
		}
		return at[s]
	}
	for i := range l.Pictures {
		p := &l.Pictures[i]
		f.Paths, f.Hashes = append(append(f.Paths, p.Path...), 0), append(f.Hashes, p.Hash[:]...)
		for _, part := range p.Content {
			f.Parts = binary.LittleEndian.AppendUint32(append(append(f.Parts, byte(part.Kind)), part.ID[:]...), part.Size)
		}
		f.Numbers = append(f.Numbers, int64(p.ID), p.Taken, p.Modified, p.Size, int64(p.Width), int64(p.Height), int64(p.First), int64(p.Last), int64(p.In),
			text(p.Type), text(p.Camera), int64(p.Device), int64(p.Orientation)<<8|int64(p.Source), bits(p.Old, p.Twin), int64(len(p.Content)))
	}
	var out bytes.Buffer
	err := gob.NewEncoder(&out).Encode(f)
	return out.Bytes(), err
}

func bits(a, b bool) (n int64) {
	if a {
		n |= 1
	}
	if b {
		n |= 2
	}
	return n
}

// ErrStale says that what was kept is of other snapshots than there are.
var ErrStale = errors.New("the library kept here is of other snapshots")

// Decode reads what Encode wrote. There may be new snapshots since; then fresh is false. When snapshots are missing since, or
// times were shown in another zone, the error is ErrStale. The bytes must come from a place that is sealed.
func Decode(data []byte, snapshots []snapshot.Snapshot, loc *time.Location) (l *Library, fresh bool, err error) {
	var f form
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&f); err != nil {
		return nil, false, fmt.Errorf("read the library kept here: %w", err)
	}
	if f.Version != formVersion || f.Zone != zoneOf(loc) {
		return nil, false, ErrStale
	}
	l = &Library{Damaged: f.Damaged}
	byName := make(map[string]snapshot.Snapshot, len(snapshots))
	for _, s := range snapshots {
		byName[s.Name] = s
	}
	for _, name := range f.Names {
		s, ok := byName[name]
		if !ok {
			return nil, false, ErrStale
		}
		l.Snapshots = append(l.Snapshots, s)
	}
	l.sortOut()
	if err := f.pictures(l); err != nil {
		return nil, false, err
	}
	l.settle()
	return l, len(f.Names) == len(snapshots), nil
}

func (f *form) pictures(l *Library) error {
	n := len(f.Numbers) / columns
	if len(f.Numbers) != n*columns || len(f.Hashes) != 32*n || len(f.Parts)%partBytes != 0 {
		return errForm
	}
	paths, parts := string(f.Paths), f.contents()
	l.Pictures = make([]Picture, n)
	for i := range l.Pictures {
		v := f.Numbers[i*columns:][:columns]
		path, rest, ok := strings.Cut(paths, "\x00")
		count := v[14]
		if !ok || !in(v[6], l.Snapshots) || !in(v[7], l.Snapshots) || !in(v[9], f.Texts) || !in(v[10], f.Texts) || !in(v[11], l.Devices) || count < 0 || count > int64(len(parts)) {
			return errForm
		}
		p := Picture{ID: ID(v[0]), Path: path, Taken: v[1], Modified: v[2], Size: v[3], Width: uint32(v[4]), Height: uint32(v[5]), First: int32(v[6]), Last: int32(v[7]), In: int32(v[8]),
			Type: f.Texts[v[9]], Camera: f.Texts[v[10]], Device: int16(v[11]), Orientation: uint8(v[12] >> 8), Source: photo.Source(v[12] & 0xff),
			Old: v[13]&1 != 0, Twin: v[13]&2 != 0, Content: parts[:count:count]}
		copy(p.Hash[:], f.Hashes[32*i:])
		l.Pictures[i], paths, parts = p, rest, parts[count:]
	}
	return nil
}

var errForm = errors.New("the library kept here is of no known form")

// in tells whether a list has a place.
func in[T any](at int64, list []T) bool { return at >= 0 && at < int64(len(list)) }

// contents is one list that all pictures share.
func (f *form) contents() repo.Content {
	all := make(repo.Content, len(f.Parts)/partBytes)
	for i := range all {
		b := f.Parts[i*partBytes:]
		setKind(&all[i], b[0])
		copy(all[i].ID[:], b[1:33])
		all[i].Size = binary.LittleEndian.Uint32(b[33:])
	}
	return all
}

// setKind says of which kind a part is. The kinds are those of the format's section 10.
func setKind(p *repo.Part, kind byte) {
	switch kind {
	case 1:
		p.Kind = 1
	case 2:
		p.Kind = 2
	default:
		p.Kind = 3
	}
}
