package storagetest

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// sector is what a disk writes whole or not at all, in bytes.
const sector = 512

// Crash gives one disk that may be found after a power cut now; another seed, another disk. Each name that was not synced stands for
// anything it has stood for since its directory was: so of a rename the old name, the new one, both or neither may be there, as on a file
// system without a journal. Bytes that were not synced are as they were before, cut off, zeros, or sectors of old, new and strange
// bytes in any mix, as ext4 leaves them with data=writeback. Everything on the disk it gives is durable.
func (d *CrashDisk) Crash(seed uint64) *CrashDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	cut := powerCut{rng: rand.New(rand.NewPCG(seed, 0xc4a5)), files: map[*inode]*inode{}}
	after := &CrashDisk{Now: d.Now}
	after.root.names = cut.names(&d.root)
	return after
}

// Settled gives the disk with everything durable, as after a clean shutdown.
func (d *CrashDisk) Settled() *CrashDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	cut := powerCut{files: map[*inode]*inode{}}
	after := &CrashDisk{Now: d.Now}
	after.root.names = cut.names(&d.root)
	return after
}

// powerCut copies a disk. Without rng nothing is lost.
type powerCut struct {
	rng   *rand.Rand
	files map[*inode]*inode // a file under two names is one file
}

// names copies a directory, in order of name, so that a seed always gives the same disk.
func (c *powerCut) names(dir *inode) map[string]*slot {
	kept := map[string]*slot{}
	for _, name := range slices.Sorted(maps.Keys(dir.names)) {
		if n := c.choose(dir.names[name]); n != nil {
			kept[name] = &slot{was: []*inode{c.inode(n)}}
		}
	}
	return kept
}

func (c *powerCut) choose(s *slot) *inode {
	if c.rng == nil || len(s.was) == 1 {
		return s.now()
	}
	return s.was[c.rng.IntN(len(s.was))]
}

func (c *powerCut) inode(n *inode) *inode {
	if n.names != nil {
		return &inode{names: c.names(n)}
	}
	if done := c.files[n]; done != nil {
		return done
	}
	data := n.data
	if c.rng != nil && n.dirty {
		data = Torn(c.rng, n.durable, n.data)
	}
	copied := &inode{data: data, durable: data, modTime: n.modTime}
	c.files[n] = copied
	return copied
}

// Torn makes what may be found of a file that was being added to when the power failed: as it was before, as it is now, cut off, followed by
// zeros, or sectors of new, zero and strange bytes in any mix. now begins with old.
func Torn(rng *rand.Rand, old, now []byte) []byte {
	switch rng.IntN(6) {
	case 0:
		return old
	case 1:
		return now
	case 2:
		return now[:len(old)+rng.IntN(len(now)-len(old)+1)]
	case 3:
		return append(slices.Clone(old), make([]byte, len(now)-len(old))...)
	case 4:
		return mix(rng, old, now)
	}
	return mix(rng, old, now)[:len(old)+rng.IntN(len(now)-len(old)+1)]
}

// mix takes each sector as it is now, zero or strange. What is old stays.
func mix(rng *rand.Rand, old, now []byte) []byte {
	out := append(make([]byte, 0, len(now)), old...)[:len(now)]
	for at := len(old) / sector * sector; at < len(now); at += sector {
		from, end := max(at, len(old)), min(at+sector, len(now))
		switch rng.IntN(4) {
		case 0: // zeros
		case 1:
			for i := from; i < end; i++ {
				out[i] = byte(rng.Uint32())
			}
		default:
			copy(out[from:end], now[from:end])
		}
	}
	return out
}
