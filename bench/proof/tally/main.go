// Command tally adds up what the proofs counted and says whether it is enough.
//
//	tally [-level every|long] FILE
//
// FILE holds the lines that proof.Count wrote while SHOEBOX_COUNTS named it. Of each test the greatest count is taken, as a test may run
// more than once. It exits with 1 when a class has fewer cases than its minimum, and with 2 when it cannot tell.
// It does not know what was tried.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"shoebox/bench/proof"
)

func main() {
	level := flag.String("level", "every", "the minimums to hold the counts against: every or long")
	flag.Parse()
	extent, known := map[string]proof.Extent{"every": proof.Every, "long": proof.Long}[*level]
	if !known || flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: tally [-level every|long] FILE")
		os.Exit(2)
	}
	counts, err := readFile(flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(2)
	}
	if short := table(os.Stdout, counts, extent); short > 0 {
		fmt.Fprintf(os.Stderr, "tally: %d classes have fewer cases than promised\n", short)
		os.Exit(1)
	}
}

func readFile(name string) (map[int]int, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f)
}

// read gives the sum of each class.
func read(r io.Reader) (map[int]int, error) {
	type key struct {
		class int
		test  string
	}
	greatest := map[key]int{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Split(lines.Text(), "\t")
		if len(f) != 3 {
			return nil, fmt.Errorf("%q is no line of a count", lines.Text())
		}
		class, err := strconv.Atoi(f[0])
		if err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		n, err := strconv.Atoi(f[2])
		if err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		greatest[key{class, f[1]}] = max(greatest[key{class, f[1]}], n)
	}
	sums := map[int]int{}
	for k, n := range greatest {
		sums[k.class] += n
	}
	return sums, lines.Err()
}

// table prints what was counted and tells how many classes fall short.
func table(w io.Writer, counts map[int]int, e proof.Extent) (short int) {
	fmt.Fprintf(w, "%5s  %-48s %10s %10s\n", "class", "what was tried", "cases", "at least")
	for _, c := range proof.Classes {
		least, mark := c.Minimum(e), ""
		if counts[c.Number] < least {
			short++
			mark = "  too few"
		}
		fmt.Fprintf(w, "%5d  %-48s %10d %10d%s\n", c.Number, c.Name, counts[c.Number], least, mark)
	}
	return short
}
