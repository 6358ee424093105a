package adb

import (
	"context"
	"slices"
	"strings"
)

// Device is one phone, reached one way. It is safe for use by several goroutines.
type Device struct {
	Info
	server   *Server
	features []string
}

// Open asks what a phone can do and returns a handle to it.
func (s *Server) Open(ctx context.Context, info Info) (*Device, error) {
	text, err := s.ask(ctx, info.host("features"))
	if err != nil {
		return nil, err
	}
	d := &Device{Info: info, server: s}
	for f := range strings.SplitSeq(text, ",") {
		d.features = append(d.features, strings.TrimSpace(f))
	}
	return d, nil
}

// Has says whether the phone announces a feature, such as "ls_v2". The Android
// version says nothing about that.
func (d *Device) Has(feature string) bool { return slices.Contains(d.features, feature) }

// Features lists what the phone announces.
func (d *Device) Features() []string { return slices.Clone(d.features) }

// session is one sync connection.
type session struct {
	*conn
	frames
}

func (d *Device) session(ctx context.Context) (*session, error) {
	c, err := d.server.service(ctx, d.Info, "sync:")
	if err != nil {
		return nil, err
	}
	return &session{conn: c, frames: frames{in: c.r, v2List: d.Has("ls_v2"), v2Stat: d.Has("stat_v2")}}, nil
}

func (s *session) listID() string {
	if s.v2List {
		return "LIS2"
	}
	return "LIST"
}

func (s *session) statID() string {
	if s.v2Stat {
		return "LST2"
	}
	return "STAT"
}
