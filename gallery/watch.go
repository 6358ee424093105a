package gallery

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"shoebox/gallery/library"
	"shoebox/repo"
)

// libraryName is what the compact catalog is kept under.
const libraryName = "library"

// fromShelf takes the library as it was kept, if it was: the first page need not wait for the repository to be read.
func (s *Server) fromShelf(ctx context.Context, r *repo.Repo) {
	data, ok := s.shelf.Get(libraryName)
	if !ok {
		return
	}
	all, err := snapshotsOf(ctx, r)
	if err != nil {
		return // watch says so
	}
	if l, _, err := library.Decode(data, all, s.o.Zone); err == nil {
		s.show(l)
	}
}

// watch looks for new snapshots until the server is closed.
func (s *Server) watch() {
	tick := time.NewTicker(s.o.Poll)
	defer tick.Stop()
	for {
		err := s.refresh(s.ctx)
		if s.ctx.Err() != nil {
			return
		}
		s.setTrouble(err)
		select {
		case <-tick.C:
		case <-s.poke:
		case <-s.ctx.Done():
			return
		}
	}
}

// refresh reads the library anew when there are other snapshots than it shows. A repository that cannot be read is opened again.
func (s *Server) refresh(ctx context.Context) error {
	err := s.reread(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	r, failed := s.o.Open(ctx)
	if failed != nil {
		return errors.Join(err, failed)
	}
	s.replace(r)
	return s.reread(ctx)
}

func (s *Server) reread(ctx context.Context) error {
	r, giveBack := s.borrow()
	defer giveBack()
	all, err := snapshotsOf(ctx, r)
	if err != nil {
		return err
	}
	if old, _, _ := s.shown(); old != nil {
		names := make([]string, len(all))
		for i, one := range all {
			names[i] = one.Name
		}
		if slices.Equal(names, old.Names()) {
			return nil
		}
	}
	l, err := library.Read(ctx, r, all, s.o.Zone)
	if err != nil {
		return err
	}
	s.show(l)
	s.keep(l)
	debug.FreeOSMemory() // what reading took is many times what is kept
	return nil
}

// keep writes the library to the cache. Without it the next start is slower, and that is all.
func (s *Server) keep(l *library.Library) {
	data, err := l.Encode(s.o.Zone)
	if err == nil {
		err = s.shelf.Put(libraryName, data)
	}
	if err != nil {
		s.o.Log(fmt.Sprintf("the catalog could not be kept for the next start: %v", err))
	}
}

// activity tells when something was asked last.
type activity struct{ last atomic.Int64 }

func (a *activity) note() { a.last.Store(time.Now().UnixNano()) }

func (a *activity) quiet(d time.Duration) bool { return time.Now().UnixNano()-a.last.Load() > int64(d) }

// ahead makes thumbnails while nobody asks for anything, newest first.
func (s *Server) ahead() {
	at, generation := 0, int64(-1)
	for s.pause(500 * time.Millisecond) {
		l, now, trouble := s.shown()
		if now != generation {
			at, generation = 0, now
		}
		if l == nil || trouble != nil || !s.asked.quiet(2*time.Second) {
			continue
		}
		for at < len(l.Pictures) && s.asked.quiet(2*time.Second) && s.ctx.Err() == nil && s.shelf.Bytes() < s.o.Cache*9/10 {
			p := &l.Pictures[at]
			at++
			if p.IsPicture() && !p.Old && !s.shelf.Has(smallName(p)) {
				_, _ = s.small(s.ctx, p) // who looks at it is told what is wrong
			}
		}
	}
}

// pause waits, and tells whether to go on.
func (s *Server) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-s.ctx.Done():
		return false
	}
}
