//go:build unix

package index

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the other process: see child.
func TestMain(m *testing.M) {
	dir := os.Getenv("INDEX_CHILD")
	if limit, err := strconv.ParseUint(os.Getenv("INDEX_LIMIT"), 10, 64); err == nil && dir != "" {
		if err := limited(dir, limit); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	if dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

// child opens an index, says where, then loads for as long as its input lasts.
func child(dir string) {
	x, err := Open(dir, testOptions())
	fmt.Println(x.Where(), err)
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	for n := len(x.Segments()); ; n++ {
		select {
		case <-ended:
			fmt.Println("closed", x.Close())
			return
		default:
		}
		if n < 400 {
			if err := x.Load(name('s', n), entries(n)); err != nil {
				fmt.Println(err)
			}
			if _, found, err := x.Find(id(n * 50)); !found || err != nil {
				fmt.Println("lost", n, err)
			}
		}
	}
}

// noSleep: a program built with -race waits a second at its end otherwise.
const noSleep = "GORACE=atexit_sleep_ms=0"

type process struct {
	cmd   *exec.Cmd
	input io.WriteCloser
	lines *bufio.Scanner
}

func start(t *testing.T, dir string) *process {
	t.Helper()
	cmd := exec.Command(must(os.Executable()))
	cmd.Env = append(os.Environ(), "INDEX_CHILD="+dir, noSleep)
	cmd.Stderr = os.Stderr
	p := &process{cmd: cmd, input: must(cmd.StdinPipe()), lines: bufio.NewScanner(must(cmd.StdoutPipe()))}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) line() string {
	p.lines.Scan()
	return p.lines.Text()
}

// end lets the process close its index; nothing but that may it have to say.
func (p *process) end(t *testing.T) {
	t.Helper()
	if err := p.input.Close(); err != nil {
		t.Fatal(err)
	}
	if said := p.line(); said != "closed <nil>" {
		t.Fatal("the other process says", said)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// Six processes at once: four have a slot each, two work in memory.
func TestManyProcesses(t *testing.T) {
	dir := t.TempDir()
	places := map[string]int{}
	var all []*process
	for range 6 {
		p := start(t, dir)
		where := p.line()
		if strings.HasPrefix(where, "in memory (all 4 slots") {
			where = "memory"
		}
		places[where]++
		all = append(all, p)
	}
	for n := range 4 {
		if places[fmt.Sprintf("%s <nil>", filepath.Join(dir, fmt.Sprint("slot-", n)))] != 1 {
			t.Fatal(places)
		}
	}
	if places["memory"] != 2 {
		t.Fatal(places)
	}
	for _, p := range all {
		p.end(t)
	}
	x := open(t, dir, testOptions())
	wantOnDisk(t, x, dir)
	wantSegments(t, x, 0, len(x.Segments()))
}

func TestLockHeldWithinOneProcess(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir, testOptions()), open(t, dir, testOptions())
	if a.Where() == b.Where() {
		t.Fatal("two indexes in", a.Where())
	}
	load(t, a, 0, 5)
	load(t, b, 0, 7)
	wantSegments(t, a, 0, 5)
	wantSegments(t, b, 0, 7)
}

// A process killed at any moment leaves what it had before or after a flush.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	rounds, seed := 15, uint64(1)
	if long {
		rounds = 500
	}
	random := rand.New(rand.NewPCG(seed, 0))
	most := 0
	for range rounds {
		p := start(t, dir)
		if where := p.line(); where != filepath.Join(dir, "slot-0")+" <nil>" {
			t.Fatal(where)
		}
		time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.cmd.Wait() // it was killed
		if said := p.line(); said != "" {
			t.Fatal("the killed process said", said)
		}
		x := open(t, dir, testOptions())
		wantOnDisk(t, x, dir)
		wantRight(t, x, len(x.Segments()))
		if most = max(most, len(x.Segments())); most > 300 {
			if err := x.Reset(); err != nil {
				t.Fatal(err)
			}
		}
		shut(t, x)
	}
	t.Log(rounds, "processes killed, seed", seed, "; at most", most, "segments")
	if most == 0 {
		t.Fatal("no process ever flushed anything")
	}
}

// Where nothing can be written the index works in memory.
func TestNoPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	lock := t.TempDir()
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Mkdir(filepath.Join(lock, "slot-0.lock"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below"), lock, "/proc/nothing/here", string([]byte{0})} {
		x := open(t, dir, testOptions())
		if !strings.HasPrefix(x.Where(), "in memory (") {
			t.Fatal(dir, "is used:", x.Where())
		}
		load(t, x, 0, 9)
		wantSegments(t, x, 0, 9)
		x.Cache(id(1), []byte("x"))
		if _, found := x.Cached(id(1)); found {
			t.Fatal("cached in memory")
		}
	}
}
