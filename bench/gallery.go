package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"shoebox/gallery/gallerytest"
)

// shown is what is measured of a gallery, one value for each run; in the unit of its row.
type shown struct {
	rebuilt, first, previews, median, worst, script result
	frames                                          []result // by speed
	memory                                          result   // MB
}

// speeds are pixels a frame: as a person reads, as one looks for something, and as the bar at the side is dragged.
var speeds = []int{12, 120, 2000}

// gallery measures `shoebox serve` of very many pictures: a program of its own, asked as a browser asks, and by Chromium.
func (b *bench) gallery() error {
	n := b.options.pictures
	fmt.Printf("making %d pictures\n", n)
	p := b.programs("gallery", filepath.Join(b.work, "gallery"))
	p.some = peers[:1]
	if err := errors.Join(writeRoll(p.src, gallerytest.NewRoll(n)), p.prepare()); err != nil {
		return err
	}
	if err := os.RemoveAll(p.src); err != nil {
		return err
	}
	b.note("The load when the gallery was measured was %s.", loadOf("/proc/loadavg"))
	s := &shown{frames: make([]result, len(speeds))}
	for i, speed := range speeds {
		s.frames[i].Program = fmt.Sprintf("%d pixels a frame", speed)
	}
	s.median.Program, s.worst.Program = "shoebox", "the worst of 50"
	rng := rand.New(rand.NewPCG(b.options.seed, 5))
	for range b.options.runs {
		if err := s.run(p, rng); err != nil {
			return err
		}
	}
	return errors.Join(s.add(b, fmt.Sprintf("gallery of %d pictures: ", n)), p.gone(p.src))
}

// loadOf is how busy the machine was in the last 1, 5 and 15 minutes.
func loadOf(path string) string {
	text, err := os.ReadFile(path)
	if words := strings.Fields(string(text)); err == nil && len(words) > 3 {
		return strings.Join(words[:3], ", ")
	}
	return "not told"
}

// writeRoll writes the pictures into a folder.
func writeRoll(dir string, r *gallerytest.Roll) error {
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(r.Path(0))), 0o755); err != nil {
		return err
	}
	for i := range r.N {
		path := filepath.Join(dir, r.Path(i))
		if err := errors.Join(os.WriteFile(path, r.Picture(i), 0o644), os.Chtimes(path, r.Taken(i), r.Taken(i))); err != nil {
			return err
		}
	}
	return nil
}

// run measures everything once: a start with no cache, one with it, one for the browser.
func (s *shown) run(p *programs, rng *rand.Rand) error {
	if err := os.RemoveAll(filepath.Join(p.home("shoebox"), ".cache")); err != nil {
		return err
	}
	peak := int64(0)
	for _, part := range []func(context.Context, *serving, *rand.Rand) error{s.rebuild, s.visit, s.scroll} {
		settle()
		g, err := p.serve()
		if err != nil {
			return err
		}
		err = part(p.b.ctx, g, rng)
		held, unknown := gallerytest.Peak(g.Process.Pid)
		if err = errors.Join(err, unknown, g.stop()); err != nil {
			return err
		}
		peak = max(peak, held)
	}
	s.memory.add(float64(peak) / 1e6)
	s.memory.Memory = max(s.memory.Memory, peak)
	return nil
}

func (r *result) add(value float64) { r.Values = append(r.Values, value) }

// rebuild waits until the catalog was read from the repository.
func (s *shown) rebuild(ctx context.Context, g *serving, _ *rand.Rand) error {
	v, err := gallerytest.Enter(ctx, g.address)
	for ready := false; err == nil && !ready; {
		var state struct{ Ready bool }
		err = v.JSON(ctx, "/api/state", &state)
		if ready = state.Ready; !ready {
			time.Sleep(10 * time.Millisecond)
		}
	}
	s.rebuilt.add(time.Since(g.began).Seconds())
	return err
}

// visit asks for the first page, and then for previews and originals somewhere in the middle.
func (s *shown) visit(ctx context.Context, g *serving, rng *rand.Rand) error {
	v, err := gallerytest.Enter(ctx, g.address)
	if err != nil {
		return err
	}
	var days struct{ Total int }
	_, failed := v.Get(ctx, "/")
	err = errors.Join(failed, v.JSON(ctx, "/api/days", &days))
	if _, failed := v.Items(ctx, 0, 200); err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	s.first.add(time.Since(g.began).Seconds())
	items, err := v.Items(ctx, rng.IntN(max(days.Total-200, 1)), 200)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := v.Previews(ctx, items); err != nil {
		return err
	}
	s.previews.add(time.Since(began).Seconds())
	var took []float64
	for range 50 {
		one, err := v.Items(ctx, rng.IntN(days.Total), 1)
		if err != nil {
			return err
		}
		d, err := v.FirstByte(ctx, one[0])
		if err != nil {
			return err
		}
		took = append(took, float64(d.Microseconds())/1000)
	}
	s.median.add(median(took))
	s.worst.add(slices.Max(took))
	return nil
}

// scroll has Chromium go through the timeline.
func (s *shown) scroll(_ context.Context, g *serving, _ *rand.Rand) error {
	return drive(func(t gallerytest.T) {
		b := gallerytest.Open(t)
		b.Go(g.address)
		b.Wait(`document.querySelectorAll(".tile img").length > 10`)
		var script []float64
		for i, speed := range speeds {
			f := b.Scroll(speed, 3*time.Second)
			s.frames[i].add(100 * f.Under(32))
			script = append(script, f.Script...)
		}
		s.script.add(gallerytest.Below(script, 0.95))
	})
}

// add adds the rows.
func (s *shown) add(b *bench, what string) (err error) {
	var frames []goal
	for _, one := range s.frames {
		frames = append(frames, atLeast(95, 0).by(one.Program))
	}
	for _, r := range []row{
		{Work: what + "first page after start", Warm: true, Unit: "s", Results: []result{s.first}, Goals: []goal{atMost(1, 0)},
			Note: "from the start of the program to the page, the days of the timeline and its first 200 pictures"},
		{Work: what + "catalog rebuilt from the repository", Unit: "s", Results: []result{s.rebuilt}, Goals: []goal{atMost(10, 0)}, Note: "from the start of the program, with every cache deleted"},
		{Work: what + "200 embedded previews", Unit: "s", Results: []result{s.previews}, Goals: []goal{atMost(0.5, 0)}, Note: "side by side at another place each run, six at a time"},
		{Work: what + "first byte of an original", Unit: "ms", Results: []result{s.median, s.worst}, Goals: []goal{atMost(50, 0), atMost(50, 0).by(s.worst.Program)}, Note: "median of 50 at random"},
		{Work: what + "frames under 32 ms while scrolling", Unit: "%", Results: s.frames, Goals: frames, Note: "headless Chromium on the same processors"},
		{Work: what + "a frame while scrolling, the page's own script", Unit: "ms", Results: []result{s.script}, Note: "95 % take less; the rest of a frame is the browser's"},
		{Work: what + "memory of serve", Unit: "MB", Results: []result{s.memory}, Goals: []goal{memoryOf(400)}, Note: "the most it held in any of this"},
	} {
		if r.Results[0].Program == "" {
			r.Results[0].Program = "shoebox"
		}
		err = errors.Join(err, b.add(r))
	}
	return err
}

// serving is a gallery at work, in a program of its own.
type serving struct {
	*exec.Cmd
	began   time.Time
	address string
}

// serve starts the gallery and waits for its address.
func (p *programs) serve() (*serving, error) {
	g := &serving{Cmd: exec.CommandContext(p.b.ctx, p.b.shoebox, "serve", "--no-browser", "--json")}
	g.Env, g.Stderr = append(os.Environ(), p.env("shoebox")...), os.Stderr
	out, err := g.StdoutPipe()
	if err != nil {
		return nil, err
	}
	g.began = time.Now()
	if err := g.Start(); err != nil {
		return nil, err
	}
	var said struct{ Address string }
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &said)
	}
	if g.address = said.Address; err != nil || g.address == "" {
		return nil, errors.Join(fmt.Errorf("shoebox serve said %q: %w", line, err), g.stop())
	}
	return g, nil
}

// stop presses Ctrl-C and waits.
func (g *serving) stop() error {
	if err := g.Process.Signal(os.Interrupt); err != nil {
		return errors.Join(err, g.Process.Kill(), g.Wait())
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("shoebox serve: %w", err)
	}
	return nil
}
