package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"shoebox/snapshot"
)

// watch shows how far a backup or a restore is: a moving line on a terminal, else a plain line now and then, or JSON. The
// function it gives ends it and waits until it has ended.
func (p *program) watch(title string, progress *snapshot.Progress) (stop func()) {
	if p.flags.quiet {
		return func() {}
	}
	draw, interval := p.painter(title, progress)
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

// painter chooses how to show progress, and how often. It is told when it is drawn for the last time.
func (p *program) painter(title string, progress *snapshot.Progress) (draw func(last bool), interval time.Duration) {
	start := time.Now()
	switch {
	case p.flags.json:
		return func(bool) { _ = p.printJSON(statusLine(progress, time.Since(start))) }, time.Second
	case p.terminal:
		bar := progressbar.NewOptions64(-1, progressbar.OptionSetWriter(p.err), progressbar.OptionSetDescription(title), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetWidth(20), progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))
		return func(last bool) {
			p.lock.Lock()
			defer p.lock.Unlock()
			paint(bar, title, progress, time.Since(start), last)
			p.drawn = !last
		}, 200 * time.Millisecond
	}
	return func(last bool) {
		if !last {
			p.tell("%s: %s", title, progressText(progress, time.Since(start)))
		}
	}, 10 * time.Second
}

func paint(bar *progressbar.ProgressBar, title string, progress *snapshot.Progress, took time.Duration, last bool) {
	if last {
		_ = bar.Finish() // a bar that cannot be drawn is no reason to fail
		return
	}
	bar.Describe(title + "  " + progressText(progress, took))
	if total := progress.FoundBytes.Load(); total > 0 {
		bar.ChangeMax64(total)
		_ = bar.Set64(min(progress.Bytes.Load(), total))
	}
}

// progressText says files, bytes, rate and the time left.
func progressText(g *snapshot.Progress, took time.Duration) string {
	files, read := g.Files.Load(), g.Read.Load()
	text := fmt.Sprintf("%s of %s", number(files), plural(g.Found.Load(), "file"))
	if !g.Scanned.Load() {
		text = fmt.Sprintf("%s so far", plural(g.Found.Load(), "file"))
	}
	rate := float64(read) / max(took.Seconds(), 0.001)
	if read > 0 {
		text += fmt.Sprintf(", %s at %s/s", bytesText(read), bytesText(int64(rate)))
	}
	if left := g.ToRead.Load() - read; left > 0 && rate > 0 && g.Scanned.Load() && took > 2*time.Second {
		text += fmt.Sprintf(", %s left", durationText(time.Duration(float64(left)/rate*float64(time.Second))))
	}
	if failed := g.Failed.Load(); failed > 0 {
		text += fmt.Sprintf(", %s not readable", number(failed))
	}
	return text
}

// statusLine has restic's field names.
func statusLine(g *snapshot.Progress, took time.Duration) map[string]any {
	done, total := g.Bytes.Load(), g.FoundBytes.Load()
	share := 0.0
	if total > 0 {
		share = float64(done) / float64(total)
	}
	return map[string]any{"message_type": "status", "seconds_elapsed": int64(took.Seconds()), "percent_done": share,
		"total_files": g.Found.Load(), "files_done": g.Files.Load(), "total_bytes": total, "bytes_done": done, "error_count": g.Failed.Load()}
}
