package adb

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// pushFrame is how many bytes one DATA frame carries on its way to the phone, which takes no more.
const pushFrame = 64 << 10

// Push writes a file on the phone, making missing folders. What was at the path is gone as soon as it begins, and what is there when it fails
// is not whole: push to a name nobody uses, check it, and Rename it. The phone gives everybody the owner's permissions, and keeps whole seconds of the
// time, from 1970 to 2106. A *Lost error means that the phone is out of reach; n is how many bytes were sent.
func (d *Device) Push(ctx context.Context, path string, perm uint32, mtime time.Time, r io.Reader) (n int64, err error) {
	request := fmt.Sprintf("%s,%d", path, ModeRegular|perm&0o777)
	if err := checkPath(request); err != nil {
		return 0, err
	}
	s, err := d.session(ctx)
	if err != nil {
		return 0, lost(ctx, err)
	}
	defer s.close()
	defer s.closeWith(ctx)()
	s.path = path
	n, err = s.push(request, mtime, bufio.NewReaderSize(r, pushFrame))
	return n, orCtx(ctx, err)
}

func (s *session) push(request string, mtime time.Time, r io.Reader) (n int64, err error) {
	buf := appendRequest(make([]byte, 0, 8+pushFrame), "SEND", request)
	if err := s.write(buf); err != nil {
		return 0, s.said(err)
	}
	buf = buf[:8+pushFrame]
	for {
		got, ended := io.ReadFull(r, buf[8:])
		if ended != nil && ended != io.EOF && !errors.Is(ended, io.ErrUnexpectedEOF) {
			return n, ended
		}
		if got > 0 {
			copy(buf, "DATA")
			binary.LittleEndian.PutUint32(buf[4:], uint32(got))
			if err := s.write(buf[:8+got]); err != nil {
				return n, s.said(err)
			}
			n += int64(got)
		}
		if ended != nil {
			return n, s.done(mtime)
		}
	}
}

// done tells the phone that this was all, and hears what it says.
func (s *session) done(mtime time.Time) error {
	seconds := min(max(mtime.Unix(), 0), 1<<32-1)
	if err := s.write(binary.LittleEndian.AppendUint32([]byte("DONE"), uint32(seconds))); err != nil {
		return s.said(err)
	}
	id, err := s.id()
	if err != nil {
		return err
	}
	if id != "OKAY" {
		return s.unexpected("push", id)
	}
	_, err = s.take(4)
	return err
}

// said looks for the reason why a phone takes no more: it says so before it hangs up.
func (s *session) said(broken error) error {
	s.stall = min(s.stall, time.Second)
	id, err := s.id()
	if err != nil {
		return broken
	}
	return s.unexpected("push", id)
}

// lost tells of a phone that cannot even be asked.
func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &Lost{err}
}
