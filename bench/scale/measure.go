package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/photo/phototest"
)

// measure makes small real repositories and prints what one thing of each kind costs.
func measure(ctx context.Context, w io.Writer) error {
	for _, part := range []func(context.Context, *printer) error{measurePages, measureRecords, measureKinds, measureLive, measureIndex, measureLists, measureTimes, measureReload} {
		if err := part(ctx, &printer{w}); err != nil {
			return err
		}
	}
	return nil
}

// printer prints one measured constant a line.
type printer struct{ io.Writer }

func (p *printer) say(name string, value float64, how string, args ...any) {
	fmt.Fprintf(p, "%-34s %10.1f   %s\n", name, value, fmt.Sprintf(how, args...))
}

// tiny is a household of many small pictures.
func tiny(photos int, bits uint8) Load {
	return Load{Phones: 1, Photos: photos, Kinds: []Kind{{"photo", 1, 1, 1_200, 300, 600, 2}}, Data: 16 << 20, Meta: 4 << 20, Slots: 1, Seed: 3, PageBits: bits}
}

// within plays a household whose computer remembers things in a folder that is removed in the end.
func within(ctx context.Context, l Load, play func(*real) error) error {
	cache, err := os.MkdirTemp("", "scale")
	if err != nil {
		return err
	}
	defer os.RemoveAll(cache) // only what can be made again
	h, err := newReal(ctx, l, cache)
	if err != nil {
		return err
	}
	return play(h)
}

// readPages takes a snapshot, and another of the same, and gives the lengths of the pages that were read for that: the root first.
func readPages(ctx context.Context, photos int, bits uint8) (lengths []int, err error) {
	err = within(ctx, tiny(photos, bits), func(h *real) error {
		if err := h.backup(ctx, 0); err != nil {
			return err
		}
		h.store.seen = func(what, name string, n int) {
			if what == "get" && strings.HasPrefix(name, "packs/") {
				lengths = append(lengths, n)
			}
		}
		return h.backup(ctx, 0)
	})
	return lengths, err
}

// measurePages fits the length of pages: of entries by their number in pages of three sizes, of pages by their number.
func measurePages(ctx context.Context, p *printer) error {
	const photos = 12_000
	var pages, bytes [3]float64
	for i, bits := range []uint8{5, 7, 9} {
		lengths, err := readPages(ctx, photos, bits)
		if err != nil {
			return err
		}
		for _, n := range lengths[1:] {
			pages[i], bytes[i] = pages[i]+1, bytes[i]+float64(n)
		}
	}
	base, entry := line(pages[:], bytes[:])
	entry /= photos
	p.say("bytes of a page, beside entries", base, "12,000 pictures in %.0f, %.0f and %.0f pages of entries", pages[0], pages[1], pages[2])
	p.say("bytes of an entry in its page", entry, "the same; JPEGs of a head and a body each, paths of about 46 bytes")
	var children, roots []float64
	for _, n := range []int{2_000, 12_000} {
		lengths, err := readPages(ctx, n, 9)
		for err == nil && lengths[0] < 32*(len(lengths)-1) { // it does not name them all: there is a level in between
			lengths, err = readPages(ctx, n, 9)
		}
		if err != nil {
			return err
		}
		children, roots = append(children, float64(len(lengths)-1)), append(roots, float64(lengths[0]))
	}
	child, root := line(children, roots)
	p.say("bytes of a page of pages, beside", root, "roots of %.0f and %.0f pages", children[0], children[1])
	p.say("bytes of a page in the one above", child, "the same")
	return nil
}

// line fits y = slope x + base by least squares.
func line(x, y []float64) (slope, base float64) {
	var n, sx, sy, sxx, sxy float64
	for i := range x {
		n, sx, sy, sxx, sxy = n+1, sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i]
	}
	slope = (n*sxy - sx*sy) / (n*sxx - sx*sx)
	return slope, (sy - slope*sx) / n
}

// measureRecords looks at the records of a small household of some nights, one of them with notes.
func measureRecords(ctx context.Context, p *printer) error {
	l := tiny(1_000, 0)
	l.Gone, l.New, l.Every, l.Policy = 2, 4, 4, snapshot.Policy{Last: 1}
	l.Data, l.Checkpoint = 1<<16, 200_000
	sizes := make(map[string][]int)
	err := within(ctx, l, func(h *real) error {
		h.store.seen = func(what, name string, n int) {
			if what == "put" {
				kind, rest, _ := strings.Cut(name, "/")
				if kind == "sessions" {
					kind = rest[strings.LastIndexByte(rest, '.'):]
				}
				sizes[kind] = append(sizes[kind], n)
			}
		}
		for range 4 {
			if err := h.step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, kind := range []string{"snapshots", "tombstones", ".open", ".done"} {
		p.say("bytes of a record "+kind, mean(sizes[kind]), "%d of them", len(sizes[kind]))
	}
	p.say("bytes of a note, a file", sum(sizes[".part"])/1_000, "%d notes of 1,000 new pictures", len(sizes[".part"]))
	return measureSegment(ctx, p)
}

// measureSegment writes one segment of many packs.
func measureSegment(ctx context.Context, p *printer) error {
	var packs, lines, rest []float64
	for _, photos := range []int{1_000, 4_000} {
		l := tiny(photos, 0)
		l.Data, l.Meta = 1<<16, 1<<19
		var stored, size float64
		err := within(ctx, l, func(h *real) error {
			h.store.seen = func(what, name string, n int) {
				switch {
				case what == "put" && strings.HasPrefix(name, "packs/"):
					stored++
				case what == "put" && strings.HasPrefix(name, "segments/"):
					size += float64(n)
				}
			}
			return h.backup(ctx, 0)
		})
		if err != nil {
			return err
		}
		chunks := float64(2*photos) + float64(photos)/128
		packs, lines, rest = append(packs, stored), append(lines, chunks), append(rest, size-packLine*chunks)
	}
	each, _ := line(packs, rest)
	p.say("bytes of a pack in a segment", each, "beside 42 a chunk; segments of %.0f and %.0f packs, %.0f and %.0f chunks", packs[0], packs[1], lines[0], lines[1])
	return nil
}

func sum(n []int) (total float64) {
	for _, v := range n {
		total += float64(v)
	}
	return total
}

func mean(n []int) float64 { return sum(n) / float64(max(1, len(n))) }

// measureKinds backs up some files of each kind and looks into what chunks they are cut.
func measureKinds(ctx context.Context, p *printer) error {
	rng := phototest.Rand(9)
	tags := func(n int) phototest.Tags {
		return phototest.Tags{Taken: firstNight.AddDate(0, 0, n), Offset: "+01:00", Orientation: 1, Make: "Google", Model: "Pixel 8", MakerNote: 24_000}
	}
	for _, k := range []struct {
		name string
		make func(n int) []byte
	}{
		{"photo", func(n int) []byte { return phototest.JPEG(rng, phototest.Picture{Bytes: 4_000_000, Tags: tags(n)}) }},
		{"screenshot", func(int) []byte { return phototest.PNG(rng, phototest.Picture{Bytes: 300_000}) }},
		{"message", func(int) []byte { return phototest.JPEG(rng, phototest.Picture{Bytes: 185_000}) }},
		{"video", func(n int) []byte {
			return phototest.MP4(rng, phototest.Video{Bytes: 80_000_000, Taken: firstNight.AddDate(0, 0, n)})
		}},
		{"motion photo", func(n int) []byte {
			return phototest.MotionPhoto(rng, phototest.Picture{Bytes: 3_000_000, Tags: tags(n)}, phototest.Video{Bytes: 2_500_000, Taken: firstNight})
		}},
	} {
		if err := measureKind(ctx, p, k.name, k.make); err != nil {
			return err
		}
	}
	return nil
}

func measureKind(ctx context.Context, p *printer, name string, file func(int) []byte) error {
	const files = 4
	l := tiny(0, 0)
	return within(ctx, l, func(h *real) error {
		for i := range files {
			h.phones[0].files[fmt.Sprintf("DCIM/%02d", i)] = picture{file(i), firstNight}
		}
		h.phones[0].next = 1 // nothing more is added
		h.load.New = 0
		var parts, heads, headBytes, bodies, bodyBytes float64
		return h.do(ctx, "backup", func(r *repo.Repo) error {
			s, err := snapshot.Backup(ctx, r, h.phones[0], snapshot.BackupOptions{Device: snapshot.Device{ID: "x"}})
			if err != nil {
				return err
			}
			known := make(map[chunk.ID]bool)
			for e, err := range snapshot.Entries(ctx, r, s) {
				if err != nil {
					return err
				}
				for _, part := range e.Content {
					parts++
					switch {
					case known[part.ID]:
					case part.Kind == chunk.Head:
						heads, headBytes = heads+1, headBytes+float64(part.Size)
					default:
						bodies, bodyBytes = bodies+1, bodyBytes+float64(part.Size)
					}
					known[part.ID] = true
				}
			}
			p.say("chunks of a "+name, parts/files, "%.1f new heads of %.0f bytes in all, %.1f bodies of %.0f bytes each; %d files",
				heads/files, headBytes/files, bodies/files, bodyBytes/max(1, bodies), files)
			return nil
		})
	})
}
