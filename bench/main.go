// Command bench measures shoebox and others on the same made-up camera roll, on the machine it runs on, and prints one table
// of ratios. It does not know how any of them works: it runs programs, checks what they gave back, and takes medians.
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
)

// options say what to measure.
type options struct {
	size    float64 // of the roll, in GB
	many    int     // files of the flat folder
	phone   int     // files on the simulated phone
	runs    int
	work    string
	results string
	seed    uint64
	rows    string
	name    string
}

func main() {
	var o options
	flag.Float64Var(&o.size, "size", 2, "size of the camera roll in GB")
	flag.IntVar(&o.many, "many", 200_000, "files in the flat folder")
	flag.IntVar(&o.phone, "phone", 2_000, "small files on the simulated phone")
	flag.IntVar(&o.runs, "runs", 3, "runs of each; the median counts")
	flag.StringVar(&o.work, "work", "bench/work", "folder for everything that is made; it is emptied")
	flag.StringVar(&o.results, "results", "bench/results", "folder for the table and the JSON")
	flag.StringVar(&o.name, "name", "latest", "of the table and the JSON")
	flag.Uint64Var(&o.seed, "seed", 1, "of the made-up pictures")
	flag.StringVar(&o.rows, "rows", "roll,many,phone", "what to measure")
	pullFrom := flag.String("pull", "", "only pull every file of the phone behind this adb `server` to the folder of -work")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	work := func() error { return run(ctx, o) }
	if *pullFrom != "" {
		work = func() error { return pull(ctx, *pullFrom, o.work) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures, checks and writes. The working folder is removed in the end, and nothing else.
func run(ctx context.Context, o options) (err error) {
	work, err := filepath.Abs(o.work)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(work), os.MkdirAll(work, 0o755)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	b := &bench{ctx: ctx, options: o, work: work}
	if err := b.build(); err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		run  func() error
	}{{"roll", b.roll}, {"many", b.many}, {"phone", b.phone}} {
		if !contains(o.rows, part.name) {
			continue
		}
		if err := part.run(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return b.write()
}
