package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"sort"
	"strings"

	"shoebox/repo/crypt"
)

// Record is a small sealed thing under a name that is never used again.
type Record struct {
	Name      string
	Session   string // of the batch that wrote it
	Confirmed bool   // the session is done: everything the record needs was seen safe after it was written
	Body      []byte
}

// recordBody is what is sealed: the writer's session beside the caller's bytes.
type recordBody struct {
	Session string `cbor:"1,keyasint,omitempty"`
	Body    []byte `cbor:"2,keyasint"`
}

// Records yields the records of a kind in order of name. One that does not open is yielded as an error
// wrapping crypt.ErrDamaged, and the listing goes on; any other error ends it.
func (r *Repo) Records(ctx context.Context, kind string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		names, done, err := r.listRecords(ctx, kind)
		if err != nil {
			yield(Record{}, err)
			return
		}
		for _, name := range names {
			rec, err := r.record(ctx, kind, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue // taken back, or forgotten, since it was listed
			}
			rec.Confirmed = done[rec.Session]
			if !yield(rec, err) || err != nil && !errors.Is(err, crypt.ErrDamaged) {
				return
			}
		}
	}
}

// listRecords lists the sessions that are done before the records: a record written in between shows as not confirmed,
// never the other way round.
func (r *Repo) listRecords(ctx context.Context, kind string) (names []string, done map[string]bool, err error) {
	sessions, err := listNames(ctx, r.store, sessionsDir)
	if err != nil {
		return nil, nil, fmt.Errorf("list the sessions: %w", err)
	}
	done = make(map[string]bool)
	for _, path := range sessions {
		if sid, ok := strings.CutSuffix(strings.TrimPrefix(path, sessionsDir), doneSuffix); ok {
			done[sid] = true
		}
	}
	paths, err := listNames(ctx, r.store, kind+"/")
	if err != nil {
		return nil, nil, fmt.Errorf("list the %s: %w", kind, err)
	}
	for _, path := range paths {
		names = append(names, strings.TrimPrefix(path, kind+"/"))
	}
	sort.Strings(names)
	return names, done, nil
}

func (r *Repo) record(ctx context.Context, kind, name string) (Record, error) {
	plain, err := r.getRecord(ctx, kind, name)
	if err != nil {
		return Record{Name: name}, err
	}
	var b recordBody
	if err := r.codec.Unmarshal(plain, &b); err != nil {
		return Record{Name: name}, fmt.Errorf("read %s/%s: %w: %v", kind, name, crypt.ErrDamaged, err)
	}
	return Record{Name: name, Session: b.Session, Body: b.Body}, nil
}

func (r *Repo) writeRecord(ctx context.Context, kind, name, sid string, body []byte) error {
	return r.putSealed(ctx, kind, name, recordBody{sid, body})
}
