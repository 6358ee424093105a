package gallerytest

import (
	"fmt"
	"time"

	"shoebox/snapshot/photo/phototest"
)

// Roll is a camera roll of any number of pictures, made when they are asked for: each has tags of its own, with one of a few previews, and shares
// its picture data with the others. A picture has about 7 kB.
type Roll struct {
	N        int
	whole    []byte
	previews [][]byte
	sizes    []int64 // of a picture with each preview
}

// NewRoll draws what the pictures are made of.
func NewRoll(n int) *Roll {
	r := &Roll{N: n}
	r.whole, _ = Photo(1, 96, 72)
	for i := range uint64(64) {
		_, preview := Photo(i, 160, 120)
		r.previews = append(r.previews, preview)
	}
	for i := range r.previews {
		r.sizes = append(r.sizes, int64(len(r.Picture(i))))
	}
	return r
}

// Taken spreads the pictures over twelve years, some days with one and some with many.
func (r *Roll) Taken(i int) time.Time {
	span := 12 * 365 * 24 * time.Hour
	day := time.Duration(float64(span) * float64(i) / float64(r.N)).Truncate(24 * time.Hour)
	return time.Date(2014, 11, 2, 8, 0, 0, 0, time.UTC).Add(day + time.Duration(i%600)*time.Minute)
}

// Path is where a picture lies; paths are in order.
func (r *Roll) Path(i int) string { return fmt.Sprintf("DCIM/Camera/IMG_%07d.jpg", i) }

// Size is how many bytes a picture has.
func (r *Roll) Size(i int) int64 { return r.sizes[i%len(r.sizes)] }

// Picture makes one.
func (r *Roll) Picture(i int) []byte {
	return phototest.Retag(r.whole, phototest.Tags{Taken: r.Taken(i), Make: "Google", Model: fmt.Sprintf("Pixel %d", i%7), Description: fmt.Sprintf("%07d", i),
		Preview: r.previews[i%len(r.previews)]}, phototest.Rand(1))
}
