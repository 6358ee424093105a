package adb

import (
	"context"
	"errors"
	"iter"
	"math"
	"time"
)

// Track yields the list of phones now and after every change, until ctx ends or
// the server goes away; the error that ended it comes last. A server too old to
// track the long list is asked for it at each change.
func (s *Server) Track(ctx context.Context) iter.Seq2[[]Info, error] {
	return func(yield func([]Info, error) bool) {
		err := s.track(ctx, "host:track-devices-l", func(text string) ([]Info, error) { return ParseDevices(text), nil }, yield)
		if f := (*Failure)(nil); errors.As(err, &f) && unknownService(f) {
			err = s.track(ctx, "host:track-devices", func(string) ([]Info, error) { return s.Devices(ctx) }, yield)
		}
		if err != nil {
			yield(nil, orCtx(ctx, err))
		}
	}
}

// track follows one service; nil means that nobody wants more.
func (s *Server) track(ctx context.Context, service string, infos func(text string) ([]Info, error), yield func([]Info, error) bool) error {
	c, err := s.quick(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	defer c.closeWith(ctx)()
	if err := c.request(service); err != nil {
		return err
	}
	for {
		text, err := c.text()
		if err != nil {
			return err
		}
		list, err := infos(string(text))
		if err != nil {
			return err
		}
		if !yield(list, nil) {
			return nil
		}
		c.progress()
		c.stall = never // a change may be years away
	}
}

// never is as far away as fits beside the time of day.
const never = time.Duration(math.MaxInt64 / 4)
