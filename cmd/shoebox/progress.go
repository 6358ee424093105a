package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"shoebox/snapshot"
	"shoebox/snapshot/amount"
)

// watch shows how far a backup or a restore is: a moving line on a terminal, else a plain line now and then, or JSON. The
// function it gives ends it and waits until it has ended.
func (p *program) watch(doing, what string, progress *snapshot.Progress) (stop func()) {
	if p.flags.quiet {
		return func() {}
	}
	draw, interval := p.painter(doing, what, progress)
	if p.terminal {
		draw(false) // at once: a person who waits wants to see that something is done
	}
	return every(interval, draw)
}

// every calls draw at an interval until it is stopped, and then once more. To stop is to wait until it has stopped.
func every(interval time.Duration, draw func(last bool)) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				draw(false)
			case <-done:
				draw(true)
				return
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// moving shows a line that changes on the terminal, until it is stopped; then the line goes.
func (p *program) moving(text func() string) (stop func()) {
	return every(200*time.Millisecond, func(last bool) {
		if last {
			p.clear()
			return
		}
		p.draw(text())
	})
}

// painter chooses how to show progress, and how often. It is told when it is drawn for the last time.
func (p *program) painter(doing, what string, progress *snapshot.Progress) (draw func(last bool), interval time.Duration) {
	start := time.Now()
	switch {
	case p.flags.json:
		return func(bool) { _ = p.printJSON(statusLine(progress, time.Since(start))) }, time.Second
	case p.terminal:
		return func(last bool) {
			if last {
				p.clear()
				return
			}
			p.draw(tail(what) + "  " + bar(progress) + progressText(progress, time.Since(start)))
		}, 200 * time.Millisecond
	}
	return func(last bool) {
		if !last {
			p.tell("%s %s: %s", doing, what, progressText(progress, time.Since(start)))
		}
	}, 10 * time.Second
}

// tail is the end of a name that would fill the line.
func tail(name string) string {
	const most = 20
	if letters := []rune(name); len(letters) > most {
		return "…" + string(letters[len(letters)-most+1:])
	}
	return name
}

// clearLine empties the line of a terminal, ECMA-48.
const clearLine = "\r\x1b[K"

// draw puts a line on the terminal in place of the one drawn before. It is cut to the terminal's width: a line that wraps
// could not be drawn over.
func (p *program) draw(line string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	width, _, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	if letters := []rune(line); len(letters) >= width {
		line = string(letters[:width-1])
	}
	fmt.Fprint(p.err, clearLine, line)
	p.drawn = true
}

// clear takes the drawn line away.
func (p *program) clear() {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.clearLocked()
}

func (p *program) clearLocked() {
	if p.drawn {
		fmt.Fprint(p.err, clearLine)
		p.drawn = false
	}
}

// bar shows the share that is done, once it is known what there is to do.
func bar(g *snapshot.Progress) string {
	const width = 10
	if !g.Scanned.Load() {
		return ""
	}
	done := share(g)
	full := int(done * width)
	return strings.Repeat("█", full) + strings.Repeat("░", width-full) + fmt.Sprintf(" %3.0f %%  ", done*100)
}

// share is how much is done, from 0 to 1. While big files are read it follows the bytes.
func share(g *snapshot.Progress) float64 {
	total := g.FoundBytes.Load()
	if total <= 0 {
		return 0
	}
	done := max(g.Bytes.Load(), total-max(g.ToRead.Load()-g.Read.Load(), 0))
	if g.ToRead.Load() == 0 {
		done = g.Bytes.Load()
	}
	return min(float64(done)/float64(total), 1)
}

// progressText says files, bytes, rate and the time left.
func progressText(g *snapshot.Progress, took time.Duration) string {
	files, read := g.Files.Load(), g.Read.Load()
	text := fmt.Sprintf("%s of %s", amount.Number(files), amount.Plural(g.Found.Load(), "file"))
	if !g.Scanned.Load() {
		text = fmt.Sprintf("%s so far", amount.Plural(g.Found.Load(), "file"))
	}
	rate := float64(read) / max(took.Seconds(), 0.001)
	if read > 0 {
		text += fmt.Sprintf(", %s at %s/s", amount.Bytes(read), amount.Bytes(int64(rate)))
	}
	if left := g.ToRead.Load() - read; left > 0 && rate > 0 && g.Scanned.Load() && took > 2*time.Second {
		text += fmt.Sprintf(", %s left", durationText(time.Duration(float64(left)/rate*float64(time.Second))))
	}
	if failed := g.Failed.Load(); failed > 0 {
		text += fmt.Sprintf(", %s not readable", amount.Number(failed))
	}
	return text
}

// statusLine has restic's field names.
func statusLine(g *snapshot.Progress, took time.Duration) map[string]any {
	return map[string]any{"message_type": "status", "seconds_elapsed": int64(took.Seconds()), "percent_done": share(g),
		"total_files": g.Found.Load(), "files_done": g.Files.Load(), "total_bytes": g.FoundBytes.Load(), "bytes_done": g.Bytes.Load(), "error_count": g.Failed.Load()}
}
