package gallerytest

import (
	"fmt"
	"slices"
	"time"
)

// Frames is what was seen while a timeline was scrolled.
type Frames struct {
	Took   []float64 // milliseconds from each frame to the next
	Script []float64 // milliseconds of them that the page's own script took, where it drew anything
	Tiles  int       // that were there at once, at most
}

// scroll goes on by so many pixels with each frame, for so many seconds.
const scroll = `(async (pixels, seconds) => {
	const took = [], script = [], draw = Object.getPrototypeOf(grid).draw;
	grid.draw = function() { const t = performance.now(); draw.call(this); script.push(performance.now() - t); };
	let last = 0, tiles = 0; const end = performance.now() + seconds * 1000;
	await new Promise(done => { const step = now => {
		if (last) took.push(now - last);
		last = now; tiles = Math.max(tiles, document.querySelectorAll(".tile").length);
		scrollBy(0, pixels);
		now < end ? requestAnimationFrame(step) : done();
	}; requestAnimationFrame(step); });
	delete grid.draw;
	return {took, script, tiles};
})`

// Scroll scrolls the timeline that is open, so many pixels with each frame.
func (b *Browser) Scroll(pixels int, d time.Duration) Frames {
	b.t.Helper()
	return Eval[Frames](b, fmt.Sprintf("%s(%d, %g)", scroll, pixels, d.Seconds()))
}

// Below is what a share of values does not exceed, such as 0.95 of them; 0 when there are none.
func Below(values []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(float64(len(sorted))*share), len(sorted)-1)]
}

// Under is the share of frames that took less than so many milliseconds.
func (f Frames) Under(most float64) float64 {
	n := 0
	for _, took := range f.Took {
		if took < most {
			n++
		}
	}
	return float64(n) / float64(max(len(f.Took), 1))
}
