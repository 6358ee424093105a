package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

const (
	year = 365 // nights
	mB   = 1e6
	gB   = 1e9
)

// latency is how long one request takes: an assumption, see docs/scale.md.
const latency = 0.030 // seconds

// play plays a household and prints what lay in the store as the years went by, and what commands asked of it.
func play(w io.Writer, l Load) {
	fmt.Fprintf(w, "### %s: %d x %d pictures, %d nights, seed %d\n\n", l.name, l.Phones, l.Photos, l.Nights, l.Seed)
	head := []string{"night", "packs", "GB", "segments", "MB", "pages needed", "MB", "snapshots", "sessions", "tombstones"}
	if l.Parity {
		head = append(head, "releases", "sidecars, GB", "copies", "MB")
	}
	row(w, head...)
	rule(w, len(head))
	s := newSim(l)
	costs := []map[string]work{s.sums()}
	for range l.Nights {
		s.step()
		if s.night == 1 || s.night == 10*year || s.night == l.Nights || s.night%year == 0 && slices.Contains([]int{1, 2, 5}, s.night/year) {
			s.printState(w)
		}
		if s.night == year || s.night == l.Nights-year || s.night == l.Nights {
			costs = append(costs, s.sums())
		}
	}
	if l.Every == 0 { // and then everything at once
		s.forget()
		s.prune()
		s.printState(w)
		costs[len(costs)-1] = s.sums()
	}
	fmt.Fprintln(w)
	s.printCosts(w, costs)
}

func row(w io.Writer, cells ...string) {
	fmt.Fprint(w, "|")
	for _, c := range cells {
		fmt.Fprintf(w, " %s |", c)
	}
	fmt.Fprintln(w)
}

func rule(w io.Writer, n int) {
	fmt.Fprint(w, "|---|")
	for range n - 1 {
		fmt.Fprint(w, "---:|")
	}
	fmt.Fprintln(w)
}

func count[T int | int64](n T) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

func amount(bytes, unit float64) string {
	if bytes/unit < 100 {
		return fmt.Sprintf("%.1f", bytes/unit)
	}
	return count(int64(bytes/unit + 0.5))
}

func (s *sim) printState(w io.Writer) {
	c := s.census()
	pages, bytes := 0, 0.0
	s.countAll()
	for _, id := range s.active {
		if s.liveAt(id) {
			pages, bytes = pages+1, bytes+float64(s.pages[id].stored)
		}
	}
	cells := []string{count(s.night), count(c["packs"].Objects), amount(float64(c["packs"].Bytes), gB), count(c["segments"].Objects), amount(float64(c["segments"].Bytes), mB),
		count(pages), amount(bytes, mB), count(c["snapshots"].Objects), count(c["sessions"].Objects), count(c["tombstones"].Objects)}
	if s.load.Parity {
		cells = append(cells, count(s.releases), amount(float64(c["parity"].Bytes), gB), count(c["copies"].Objects), amount(float64(c["copies"].Bytes), mB))
	}
	row(w, cells...)
}

// sums are copies of the sums so far.
func (s *sim) sums() map[string]work {
	all := make(map[string]work)
	for name, w := range s.sum {
		all[name] = *w
	}
	return all
}

// printCosts prints the mean of one run in the first year and in the last.
func (s *sim) printCosts(w io.Writer, at []map[string]work) {
	row(w, "one run", "PUT", "GET", "LIST", "DELETE", "MB up", "MB down", "minutes at 30 ms")
	rule(w, 8)
	last := at[len(at)-1]
	for _, name := range slices.Sorted(maps.Keys(last)) {
		printMean(w, name+", first year", at[0][name], at[1][name])
		if name != "first backup" {
			printMean(w, name+", last year", at[len(at)-2][name], last[name])
		}
	}
	photo, phone := s.restores()
	printTally(w, "restore one photo, new computer", photo, 1)
	printTally(w, "restore one phone, new computer", phone, 1)
	fmt.Fprintf(w, "\nPrune wrote %s GB anew in %s rounds of %s runs.\n\n", amount(float64(last["prune"].Moved), gB), count(last["prune"].Rounds), count(last["prune"].Runs))
}

func printMean(w io.Writer, name string, from, to work) {
	t := to.Total
	t.add(Tally{-from.Total.Put, -from.Total.Get, -from.Total.List, -from.Total.Delete, -from.Total.Up, -from.Total.Down})
	if runs := to.Runs - from.Runs; runs > 0 {
		printTally(w, name, t, runs)
	}
}

func printTally(w io.Writer, name string, t Tally, runs int64) {
	per := func(n int64) string { return count((n + runs/2) / runs) }
	row(w, name, per(t.Put), per(t.Get), per(t.List), per(t.Delete), amount(float64(t.Up/runs), mB), amount(float64(t.Down/runs), mB),
		fmt.Sprintf("%.1f", float64(t.Requests()/runs)*latency/60))
}

// restores count what a computer asks that has never seen the repository: for one photo, and for a whole phone. Each chunk is one GET.
func (s *sim) restores() (photo, phone Tally) {
	var t Tally
	s.open(&t)
	s.survey(&t)
	s.wipe()
	s.refresh(&t)
	photo, phone = t, t
	o := s.phones[0]
	bytes := 0.0
	for _, k := range s.load.Kinds {
		bytes += k.Share * float64(k.HeadBytes+(k.Low+k.High)/2)
	}
	photo.gets(3, int64(measured.LeafEntry*128+measured.UpperChild*128)) // leaf, upper page, root
	photo.gets(2, 4_000_000)
	s.readAll(o, &phone)
	phone.gets(int64(s.partsOfFile()*float64(o.entries)), int64(bytes*float64(o.entries)))
	return photo, phone
}

// large prints what grows with the terabytes alone, from the measured constants and the packs and segments a first backup leaves.
func large(w io.Writer) {
	l := household("sample", 1, 100_000, 1, 1)
	s := newSim(l)
	s.step()
	files := float64(l.Photos)
	bytes, packs, segments := float64(s.held), float64(s.there), float64(len(s.standing))
	chunks, lines := 0.0, 0.0
	for _, p := range s.packs {
		chunks += float64(p.entries)
	}
	for _, id := range s.standing {
		lines += float64(s.segments[id].size)
	}
	fmt.Fprint(w, "### terabytes: right after the first backup, and after a prune\n\n")
	row(w, "TB", "files", "chunks", "packs", "segments", "compacted", "GB", "LIST a backup", "MB for names", "index GB", "index minutes", "prune MB", "restore GETs, million", "moving 1 % reads, GB")
	rule(w, 14)
	for _, tb := range []float64{1, 3, 10, 30, 100} {
		x := tb * 1e12 / bytes
		index := x * (chunks*packLine + packs*measured.SegmentPack)
		row(w, amount(tb, 1), count(int64(x*files)), count(int64(x*chunks)), count(int64(x*packs)), count(int64(x*segments)), count(int64(index/fullSegment)+1),
			fmt.Sprintf("%.2f", index/gB), count(int64(2*x*packs/listPage)), amount(2*x*packs*measured.ListedPack, mB), amount(x*chunks*measured.IndexDisk, gB),
			amount(x*chunks/measured.IndexSpeed, 60), amount(x*chunks*measured.LiveChunk+x*files/128*measured.LivePage+x*packs*measured.PrunedPack, mB),
			amount(x*files*s.partsOfFile(), mB), amount(readByMoving(0.01, x*bytes, x*packs, index), gB))
	}
	fmt.Fprintln(w)
}

// readByMoving is how many bytes of segments a prune reads that moves a share of all packs, spread evenly: all of them twice, and in each round about
// seven for each that tells of its packs, which are neighbours (TestPruneReadsFewSegments; those that were written anew are among them).
func readByMoving(share, bytes, packs, index float64) float64 {
	const round, inRound = 1 << 30, 7
	segments := max(1, index/fullSegment)
	told := min(segments, 1+(round/(bytes/packs))/(share*packs/segments))
	return 2*index + share*bytes/round*inRound*told*index/segments
}

func (s *sim) partsOfFile() (parts float64) {
	for _, k := range s.load.Kinds {
		parts += k.Share * k.Parts
	}
	return parts
}
