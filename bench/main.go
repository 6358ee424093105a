// Command bench measures shoebox and others on the same made-up camera roll, on the machine it runs on, and prints one table
// of records: what was wanted, and what was measured. It does not know how any of them works: it runs programs, checks what
// they gave back, and takes medians.
//
//	go run ./bench -size 2 -runs 3
//
// Programs take turns, so that a machine whose speed drifts drifts for all of them. Caches are dropped before rows that
// say cold, when that is permitted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// options say what to measure.
type options struct {
	size     float64 // of the roll, in GB
	many     int     // files of about 10 KB in many folders
	crowd    int     // small pictures that 50 join
	million  int     // files of the row million
	nights   int     // snapshots of the row history
	photos   int     // in each of them
	retags   int     // pictures of 5 MB of the row retag
	phone    int     // small files on the simulated phone
	large    int     // files of about 4 MB on it
	runs     int
	pictures int // of the row gallery
	work     string
	results  string
	seed     uint64
	rows     string
	name     string
}

func main() {
	var o options
	flag.Float64Var(&o.size, "size", 2, "size of the camera roll in GB")
	flag.IntVar(&o.many, "many", 100_000, "files of the row many, of about 10 KB each")
	flag.IntVar(&o.crowd, "crowd", 200_000, "pictures that 50 join in the row fifty")
	flag.IntVar(&o.million, "million", 1_000_000, "files of the row million")
	flag.IntVar(&o.nights, "nights", 100, "snapshots of the row history")
	flag.IntVar(&o.photos, "photos", 20_000, "pictures in each of them")
	flag.IntVar(&o.retags, "retags", 100, "pictures of 5 MB of the row retag")
	flag.IntVar(&o.phone, "phone", 2_000, "small files on the simulated phone")
	flag.IntVar(&o.large, "large", 300, "files of about 4 MB on it")
	flag.IntVar(&o.pictures, "pictures", 100_000, "pictures of the row gallery")
	flag.IntVar(&o.runs, "runs", 3, "runs of each; the median counts")
	flag.StringVar(&o.work, "work", "bench/work", "folder for everything that is made; it is emptied")
	flag.StringVar(&o.results, "results", "bench/results", "folder for the table and the JSON")
	flag.StringVar(&o.name, "name", "latest", "of the table and the JSON")
	flag.Uint64Var(&o.seed, "seed", 1, "of the made-up pictures")
	flag.StringVar(&o.rows, "rows", "all", "what to measure: "+rowNames())
	pullFrom := flag.String("pull", "", "only pull every file of the phone behind this adb `server` to the folder of -work")
	floor := flag.String("floor", "", "only do the least that a work needs: read DIR, copy DIR TO, seal DIR TO, protect DIR TO, give DIR TO, move DIR TO BYTES, or fsync DIR")
	sweep := flag.String("sweep", "", "only do one work with other `sizes`: first or restore, a folder and a repository follow")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	work := func() error { return run(ctx, o) }
	switch {
	case *pullFrom != "":
		work = func() error { return pull(ctx, *pullFrom, o.work) }
	case *sweep != "":
		work = func() error { return runSweep(ctx, *sweep, flag.Args()) }
	case *floor != "":
		work = func() error { return runFloor(*floor, flag.Args()) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures, checks and writes. The working folder is removed in the end, and nothing else.
func run(ctx context.Context, o options) (err error) {
	chosen, err := chooseRows(o.rows)
	if err != nil {
		return err
	}
	work, err := filepath.Abs(o.work)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(work), os.MkdirAll(work, 0o755)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b := &bench{ctx: ctx, options: o, work: work, self: self, began: time.Now()}
	if err := b.build(); err != nil {
		return err
	}
	wrong := b.each(chosen)
	if ctx.Err() != nil {
		return wrong // half a table would stand where a whole one did
	}
	return errors.Join(wrong, b.write())
}

// each measures row by row. One that fails is said, and does not take the others along.
func (b *bench) each(chosen []rowOf) (wrong error) {
	for _, one := range chosen {
		began := time.Now()
		err := one.run(b)
		if b.ctx.Err() != nil {
			return errors.Join(wrong, b.ctx.Err())
		}
		if err != nil {
			b.note("FAILED: %s: %v.", one.name, err)
			wrong = errors.Join(wrong, fmt.Errorf("%s: %w", one.name, err))
			fmt.Fprintln(os.Stderr, "bench:", one.name, "failed:", err)
		}
		fmt.Printf("(%s took %.0f s)\n", one.name, time.Since(began).Seconds())
	}
	return wrong
}
