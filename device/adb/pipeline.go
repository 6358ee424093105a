package adb

import (
	"context"
	"errors"
)

// ahead is how many requests are sent before their answers are read. Sixteen
// folders hide a round trip; more would only fill buffers.
const ahead = 16

// Walk lists folders, several asked ahead, beginning with dirs. visit gets each
// folder with all its entries but "." and ".."; what it returns is listed too.
// err says why a folder could not be listed: a folder that answers nothing, not
// even ".", is ErrNoListing, as the phone says nothing else of a folder that is
// missing or may not be read. An error of Walk itself means that the phone is
// out of reach, or ctx ended.
func (d *Device) Walk(ctx context.Context, dirs []string, visit func(dir string, entries []Entry, err error) []string) error {
	p := pipeline{dev: d, queue: dirs, id: (*session).listID}
	p.answer = func(s *session, dir string) error {
		entries, dots, err := s.list()
		if err != nil {
			return err
		}
		if !dots && len(entries) == 0 {
			err = ErrNoListing
		}
		p.queue = append(p.queue, visit(dir, entries, err)...)
		return nil
	}
	p.failed = func(dir string, err error) {
		p.queue = append(p.queue, visit(dir, nil, err)...)
	}
	return p.run(ctx)
}

// ErrNoListing is what Walk says of a folder that lists as nothing at all.
var ErrNoListing = errors.New("the phone lists nothing for this folder, which is missing or closed to adb")

// Stats asks about paths, several asked ahead, and calls visit for each in order.
// A path the phone knows nothing of has Stat.Err; err means that no answer came.
func (d *Device) Stats(ctx context.Context, paths []string, visit func(path string, st Stat, err error)) error {
	p := pipeline{dev: d, queue: paths, id: (*session).statID}
	p.answer = func(s *session, path string) error {
		st, err := s.stat()
		if err == nil {
			visit(path, st, nil)
		}
		return err
	}
	p.failed = func(path string, err error) { visit(path, Stat{}, err) }
	return p.run(ctx)
}

// pipeline asks one question about each path of a queue over one sync session.
// A FAIL ends the session on most phones, so the rest is asked again in a new
// one; so it is after a break, a few times for each path.
type pipeline struct {
	dev    *Device
	queue  []string // paths; grows while it runs
	id     func(*session) string
	answer func(*session, string) error
	failed func(string, error)

	s      *session
	head   int // the path whose answer is read next
	sent   int // paths before this one are asked in s
	breaks int // over the path at head
}

func (p *pipeline) run(ctx context.Context) error {
	stop := func() bool { return true }
	defer func() { stop(); p.drop() }()
	for p.head < len(p.queue) {
		if err := checkPath(p.queue[p.head]); err != nil {
			p.failed(p.queue[p.head], err)
			p.head++
			p.sent = max(p.sent, p.head)
			continue
		}
		if p.s == nil {
			stop()
			if err := p.open(ctx); err != nil {
				return err
			}
			stop = p.s.closeWith(ctx)
		}
		if err := p.step(); err != nil {
			return orCtx(ctx, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (p *pipeline) open(ctx context.Context) (err error) {
	p.s, err = p.dev.session(ctx)
	p.sent = p.head
	return err
}

func (p *pipeline) drop() {
	if p.s != nil {
		p.s.close()
		p.s = nil
	}
}

// step asks ahead and reads one answer.
func (p *pipeline) step() error {
	path := p.queue[p.head]
	err := p.ask()
	if err == nil {
		p.s.path = path
		err = p.answer(p.s, path)
	}
	switch {
	case err == nil:
		p.s.progress()
	case errors.Is(err, ErrStalled):
		return err
	case errors.Is(err, ErrBroken) && p.breaks < maxBreaks:
		p.breaks++
		p.drop()
		return nil
	default:
		p.drop()
		p.failed(path, err)
	}
	p.head++
	p.breaks = 0
	return nil
}

// ask sends requests until enough are in flight, in one write, once half of the
// earlier ones are answered.
func (p *pipeline) ask() error {
	if p.sent-p.head > ahead/2 {
		return nil
	}
	most := ahead
	if p.breaks > 0 {
		most = 1 // see lane.reset
	}
	var b []byte
	for ; p.sent < len(p.queue) && p.sent-p.head < most; p.sent++ {
		if checkPath(p.queue[p.sent]) == nil {
			b = appendRequest(b, p.id(p.s), p.queue[p.sent])
		}
	}
	if b == nil {
		return nil
	}
	return p.s.write(b)
}
