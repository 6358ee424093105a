package gallerytest_test

import (
	"errors"
	"os"
	"testing"

	"shoebox/gallery/gallerytest"
	"shoebox/snapshot/photo"
)

func TestFrames(t *testing.T) {
	f := gallerytest.Frames{Took: []float64{40, 16, 16, 32, 17, 16, 16, 16, 16, 16}}
	if got := f.Under(32); got != 0.8 {
		t.Errorf("%v of the frames are under 32 ms", got)
	}
	for share, want := range map[float64]float64{0: 16, 0.5: 16, 0.8: 32, 0.9: 40, 1: 40} {
		if got := gallerytest.Below(f.Took, share); got != want {
			t.Errorf("%v of them are below %v, want %v", share, got, want)
		}
	}
	if none := (gallerytest.Frames{}); none.Under(32) != 0 || gallerytest.Below(nil, 0.5) != 0 {
		t.Error("no frames are said to be fast")
	}
}

// The pictures of a roll are as large as is said, no two alike, in order, and tell when they were taken.
func TestRoll(t *testing.T) {
	r := gallerytest.NewRoll(500)
	seen := make(map[string]bool)
	for i := range r.N {
		data := r.Picture(i)
		if int64(len(data)) != r.Size(i) || seen[string(data)] || i > 0 && r.Path(i) <= r.Path(i-1) {
			t.Fatalf("picture %d: %d bytes, told %d", i, len(data), r.Size(i))
		}
		seen[string(data)] = true
		var s photo.Sniffer
		if _, err := s.Write(data); err != nil {
			t.Fatal(err)
		}
		if info := s.Info(r.Path(i), r.Taken(i)); !info.Taken.Equal(r.Taken(i)) {
			t.Fatalf("picture %d was taken %v, says %v", i, r.Taken(i), info.Taken)
		}
	}
}

func TestPeak(t *testing.T) {
	gallerytest.ResetPeak(os.Getpid())
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = byte(i)
	}
	got, err := gallerytest.Peak(os.Getpid())
	if errors.Is(err, gallerytest.ErrNoPeak) {
		t.Log(err)
		return
	}
	if err != nil || got < int64(len(held)) || held[5] != 5 {
		t.Errorf("%d bytes, %v", got, err)
	}
	if _, err := gallerytest.Peak(-1); !errors.Is(err, gallerytest.ErrNoPeak) {
		t.Errorf("of no process: %v", err)
	}
}
