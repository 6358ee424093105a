package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// say prints a line of the result.
func (p *program) say(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }

// tell prints a line on the way to the result, for people only.
func (p *program) tell(format string, args ...any) {
	if !p.flags.quiet && !p.flags.json {
		p.complain(format, args...)
	}
}

// complain prints a line where errors go, whoever listens; a moving line gives way to it.
func (p *program) complain(format string, args ...any) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.clearLocked()
	fmt.Fprintf(p.err, format+"\n", args...)
}

// printJSON prints one line of JSON.
func (p *program) printJSON(v any) error { return p.encode(p.out, v) }

// printJSONError prints one line of JSON where errors go, as restic does.
func (p *program) printJSONError(v any) { _ = p.encode(p.err, v) } // there is no other place to say that this fails

func (p *program) encode(to io.Writer, v any) error {
	p.lock.Lock()
	defer p.lock.Unlock()
	enc := json.NewEncoder(to)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// durationText is a time span as a person says it.
func durationText(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f h", d.Hours())
}

// timeText is a moment as this machine's clock shows it.
func (p *program) timeText(t time.Time) string { return t.In(p.zone).Format("2006-01-02 15:04:05") }

// short is the part of a snapshot's name that people see.
func short(name string) string { return name[:min(8, len(name))] }
