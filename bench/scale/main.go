// Command scale says what a repository costs as phones, photos, snapshots and terabytes grow: objects, requests, bytes and memory. It
// plays years of backups, forgetting and pruning on counts and sizes alone, by the rules of the code and with constants measured on
// it. It does not know how to make anything faster, and it keeps no real bytes.
//
//	go run ./bench/scale              the tables of docs/scale.md, in some seconds
//	go run ./bench/scale -measure     the constants, from small real repositories
//
// What holds the simulation against the real thing is TestSimulation.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	measured := flag.Bool("measure", false, "make small real repositories and print what they tell")
	seed := flag.Uint64("seed", 1, "of the made-up events")
	only := flag.String("only", "", "play only the household of this `name`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	work := func() error { return tables(os.Stdout, *seed, *only) }
	if *measured {
		work = func() error { return measure(ctx, os.Stdout) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// tables prints everything docs/scale.md quotes.
func tables(w io.Writer, seed uint64, only string) error {
	for _, h := range households(seed) {
		if only == "" || only == h.name {
			play(w, h)
		}
	}
	if only == "" {
		large(w)
	}
	return nil
}
