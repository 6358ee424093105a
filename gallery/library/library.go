// Package library is the catalog of a repository in a form that a hundred thousand pictures fit into a few tens of megabytes: what to show
// of them, in which order, and which a person means by a search, a date or a folder. It does not know browsers, nor how bytes are stored.
package library

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/photo"
)

// ID names one version of a file for as long as any snapshot holds it.
type ID uint64

// String is the form in addresses: 16 hexadecimal digits.
func (id ID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// ParseID reads what String wrote.
func ParseID(text string) (ID, bool) {
	n, err := strconv.ParseUint(text, 16, 64)
	return ID(n), err == nil && len(text) == 16
}

// IDOf names a version of a path on a device.
func IDOf(device string, e *snapshot.Entry) ID {
	room := make([]byte, 0, 256)
	for _, text := range []string{device, e.Path, e.Target} {
		room = append(append(room, text...), 0)
	}
	room = binary.BigEndian.AppendUint64(append(room, e.Hash[:]...), uint64(e.ModTime.UnixNano()))
	sum := sha256.Sum256(room)
	return ID(binary.BigEndian.Uint64(sum[:]))
}

// Picture is one version of a file. Text is shared among all of a library.
type Picture struct {
	ID            ID
	Path          string
	Hash          [32]byte
	Taken         int64 // Unix seconds of the wall time, as if it were UTC
	Modified      int64 // Unix seconds
	Size          int64 // bytes
	Width, Height uint32
	First, Last   int32 // in the library's Snapshots: the oldest and the newest that hold it
	In            int32 // how many do
	Type          string
	Camera        string
	Device        int16 // in the library's Devices
	Orientation   uint8
	Source        photo.Source
	Old           bool // a later version of the same path is in the library
	Twin          bool // another picture with the same bytes stands for it where each is shown once
	Content       repo.Content
}

// Name is the last part of the path.
func (p *Picture) Name() string { return p.Path[strings.LastIndexByte(p.Path, '/')+1:] }

// Folder is all of the path but the name.
func (p *Picture) Folder() string { return p.Path[:max(strings.LastIndexByte(p.Path, '/'), 0)] }

// Day is the day the picture was taken, in days since 1970.
func (p *Picture) Day() int32 {
	const seconds = 24 * 60 * 60
	day := p.Taken / seconds
	if p.Taken%seconds < 0 {
		day--
	}
	return int32(day)
}

// TakenAt is the wall time at which the picture was taken, written in UTC.
func (p *Picture) TakenAt() time.Time { return time.Unix(p.Taken, 0).UTC() }

// IsVideo tells whether it is a moving picture.
func (p *Picture) IsVideo() bool { return strings.HasPrefix(p.Type, "video/") }

// IsPicture tells whether it belongs into a gallery: a picture or a video.
func (p *Picture) IsPicture() bool { return strings.HasPrefix(p.Type, "image/") || p.IsVideo() }

// Library is what all snapshots hold. It does not change once it is made.
type Library struct {
	Snapshots []snapshot.Snapshot // oldest first
	Devices   []snapshot.Device   // as their newest snapshots tell of them
	Pictures  []Picture           // newest first
	Damaged   int                 // pages that could not be read

	byID    map[ID]int32
	device  []int16 // of each snapshot
	ordinal []int32 // of each snapshot, among those of its device
	newest  []int32 // of each device: its newest complete snapshot; -1 for none
}

// Get finds a picture.
func (l *Library) Get(id ID) (*Picture, bool) {
	i, ok := l.byID[id]
	if !ok {
		return nil, false
	}
	return &l.Pictures[i], true
}

// At is where a picture stands in Pictures.
func (l *Library) At(id ID) (int32, bool) {
	i, ok := l.byID[id]
	return i, ok
}

// Gone tells whether the device no longer had this version when its newest complete snapshot was taken.
func (l *Library) Gone(p *Picture) bool {
	return l.Snapshots[p.Last].Attic || p.Last < l.newest[p.Device]
}

// Newest gives the newest complete snapshot of each device, newest first.
func (l *Library) Newest() (all []int) {
	for _, i := range l.newest {
		if i >= 0 {
			all = append(all, int(i))
		}
	}
	slices.SortFunc(all, func(a, b int) int { return b - a })
	return all
}

// Holder is a snapshot that holds the picture: the newest.
func (l *Library) Holder(p *Picture) snapshot.Snapshot { return l.Snapshots[p.Last] }

// Of gives the snapshots of a picture's device, oldest first, without attics.
func (l *Library) Of(device int16) (all []snapshot.Snapshot) {
	for i, s := range l.Snapshots {
		if l.device[i] == device && !s.Attic {
			all = append(all, s)
		}
	}
	return all
}

// Versions gives all versions of a picture's path on its device, newest first.
func (l *Library) Versions(p *Picture) (all []*Picture) {
	for i := range l.Pictures {
		if q := &l.Pictures[i]; q.Device == p.Device && q.Path == p.Path {
			all = append(all, q)
		}
	}
	slices.SortFunc(all, func(a, b *Picture) int { return int(b.Last - a.Last) })
	return all
}

// Names are those of the snapshots.
func (l *Library) Names() []string {
	names := make([]string, len(l.Snapshots))
	for i, s := range l.Snapshots {
		names[i] = s.Name
	}
	return names
}

// settle fills in what follows from snapshots and pictures.
func (l *Library) settle() {
	l.sortOut()
	slices.SortFunc(l.Pictures, func(a, b Picture) int {
		return cmp.Or(cmp.Compare(b.Taken, a.Taken), cmp.Compare(a.Path, b.Path), cmp.Compare(a.ID, b.ID))
	})
	l.byID = make(map[ID]int32, len(l.Pictures))
	for i := range l.Pictures {
		l.byID[l.Pictures[i].ID] = int32(i)
	}
}

// sortOut finds the devices of the snapshots.
func (l *Library) sortOut() {
	at, counted := make(map[string]int16), make(map[int16]int32)
	l.device, l.ordinal, l.newest, l.Devices = make([]int16, len(l.Snapshots)), make([]int32, len(l.Snapshots)), nil, nil
	for i, s := range l.Snapshots {
		d, ok := at[s.Device.ID]
		if !ok {
			d = int16(len(l.Devices))
			at[s.Device.ID] = d
			l.Devices, l.newest = append(l.Devices, s.Device), append(l.newest, -1)
		}
		l.Devices[d], l.device[i], l.ordinal[i] = s.Device, d, counted[d]
		counted[d]++
		if !s.Attic && !s.Partial {
			l.newest[d] = int32(i)
		}
	}
}

// mark finds versions that later ones have taken the place of, and pictures whose bytes are shown already.
func (l *Library) mark() {
	type place struct {
		device int16
		path   string
	}
	last, shown := make(map[place]*Picture, len(l.Pictures)), make(map[[32]byte]bool, len(l.Pictures))
	for i := range l.Pictures {
		p := &l.Pictures[i]
		other := last[place{p.Device, p.Path}]
		switch {
		case other == nil || other.Last < p.Last:
			if other != nil {
				other.Old = true
			}
			last[place{p.Device, p.Path}] = p
		default:
			p.Old = true
		}
	}
	for i := range l.Pictures {
		if p := &l.Pictures[i]; !p.Old {
			p.Twin = shown[p.Hash]
			shown[p.Hash] = true
		}
	}
}
