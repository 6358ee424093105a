package adbtest

import (
	"cmp"
	"errors"
	"io"
	"time"
)

// cutter is a stream that can take its whole phone down with it.
type cutter interface{ cut() }

// hanger is a stream whose end can be waited for.
type hanger interface{ gone() <-chan struct{} }

var errSpoiled = errors.New("spoiled on purpose")

// faulty is an answer on its way through a fault.
type faulty struct {
	*syncd
	fault *Fault
	n     int64 // bytes sent
	spent bool  // the fault ended the session
	goOn  bool
}

// begin serves faults that replace the answer; true: there is no more to say.
func (w *faulty) begin() bool {
	if w.fault == nil {
		return false
	}
	switch w.fault.Kind {
	case Raw, RawClose:
		send(w.out, []byte(w.fault.Text))
		w.goOn = w.fault.Kind == Raw
		return true
	case Endless:
		for send(w.out, []byte(w.fault.Text)) {
		}
		return true
	case First:
		w.fault.Func()
		w.fault = nil
	}
	return false
}

// Write sends an answer as far as the fault lets it.
func (w *faulty) Write(p []byte) (int, error) {
	f := w.fault
	if f == nil || w.spent {
		n, err := w.out.Write(p)
		return n, err
	}
	if f.Kind == Drip {
		return w.drip(p)
	}
	if w.n+int64(len(p)) < f.At {
		n, err := w.out.Write(p)
		w.n += int64(n)
		return n, err
	}
	first := p[:max(0, f.At-w.n)]
	if len(first) > 0 {
		_, _ = w.out.Write(first)
	}
	w.n = f.At
	if f.Kind == Do {
		f.Func()
		w.fault = nil
		n, err := w.out.Write(p[len(first):])
		return len(first) + n, err
	}
	w.spend()
	return 0, errSpoiled
}

// spend does what the fault is about, once its place is reached.
func (w *faulty) spend() {
	w.spent = true
	switch w.fault.Kind {
	case Cut:
		if c, ok := w.out.(cutter); ok {
			c.cut()
		}
	case Hang:
		if h, ok := w.out.(hanger); ok {
			<-h.gone()
		}
	case Fail:
		w.failed(w.out, w.fault.Text)
	}
}

func (w *faulty) drip(p []byte) (int, error) {
	for i := range p {
		if _, err := w.out.Write(p[i : i+1]); err != nil {
			return i, err
		}
		time.Sleep(cmp.Or(w.fault.Pace, 10*time.Millisecond))
	}
	return len(p), nil
}

var _ io.Writer = (*faulty)(nil)
