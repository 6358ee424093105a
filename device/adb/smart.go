package adb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// request sends one service string and waits for OKAY. A FAIL comes back as
// *Failure, and the connection is then of no more use.
func (c *conn) request(service string) error {
	if len(service) > MaxService {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, len(service), MaxService)
	}
	if err := c.write(fmt.Appendf(nil, "%04x%s", len(service), service)); err != nil {
		return err
	}
	var status [4]byte
	if err := c.full(status[:]); err != nil {
		return err
	}
	switch string(status[:]) {
	case "OKAY":
		return nil
	case "FAIL":
		return c.failure(service)
	}
	return fmt.Errorf("%w: the adb server said %q to %q", ErrProtocol, status, service)
}

func (c *conn) failure(service string) error {
	text, err := c.text()
	if err != nil {
		return err
	}
	return &Failure{Op: "adb", Name: service, Text: plain(text)}
}

// text reads four hex digits of length (so at most 65,535) and as many bytes.
func (c *conn) text() ([]byte, error) {
	var digits [4]byte
	if err := c.full(digits[:]); err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(string(digits[:]), 16, 16)
	if err != nil {
		return nil, fmt.Errorf("%w: length %q", ErrProtocol, digits)
	}
	text := make([]byte, n)
	return text, c.full(text)
}

// ask sends one service to the server and returns the text it answers.
func (s *Server) ask(ctx context.Context, service string) (string, error) {
	return s.askWithin(ctx, service, s.reply())
}

// askWithin is ask of a service that takes its time.
func (s *Server) askWithin(ctx context.Context, service string, patience time.Duration) (string, error) {
	c, err := s.quick(ctx)
	if err != nil {
		return "", err
	}
	c.stall = max(c.stall, patience)
	defer c.close()
	defer c.closeWith(ctx)()
	if err := c.request(service); err != nil {
		return "", orCtx(ctx, err)
	}
	text, err := c.text()
	return string(text), orCtx(ctx, err)
}

// quick dials for a short exchange, in which Reply is the whole patience.
func (s *Server) quick(ctx context.Context) (*conn, error) {
	c, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	c.stall = s.reply()
	return c, nil
}

// service opens a service of one phone. The caller closes the connection.
func (s *Server) service(ctx context.Context, info Info, service string) (*conn, error) {
	c, err := s.quick(ctx)
	if err != nil {
		return nil, err
	}
	stop := c.closeWith(ctx)
	err = switchTo(c, info, service)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		c.close()
		return nil, s.refusal(ctx, info, orCtx(ctx, err))
	}
	c.progress()
	c.stall = s.stall()
	return c, nil
}

func switchTo(c *conn, info Info, service string) error {
	if err := c.request(info.transport()); err != nil {
		return err
	}
	return c.request(service)
}

// refusal looks closer at "closed": a phone says it of a service it does not
// have, and the server says it of a phone that just went away.
func (s *Server) refusal(ctx context.Context, info Info, err error) error {
	if !errors.Is(err, ErrRefused) {
		return err
	}
	state, stateErr := s.ask(ctx, info.host("get-state"))
	switch {
	case stateErr != nil:
		return errors.Join(ErrGone, err)
	case state != StateDevice:
		return errors.Join(ErrOffline, err)
	}
	return err
}
