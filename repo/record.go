package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"shoebox/repo/crypt"
	"shoebox/repo/storage"
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

// recordsAtOnce are asked of the store side by side: far away each takes its time, and there may be thousands.
const recordsAtOnce = 16

// Records yields the records of a kind in order of name. One that does not open is yielded as an error
// wrapping crypt.ErrDamaged, and the listing goes on; any other error ends it. Some are read ahead.
func (r *Repo) Records(ctx context.Context, kind string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		names, done, err := r.listRecords(ctx, kind)
		if err != nil {
			yield(Record{}, err)
			return
		}
		for some := range slices.Chunk(names, 8*recordsAtOnce) {
			for _, got := range r.someRecords(ctx, kind, some) {
				if errors.Is(got.err, fs.ErrNotExist) {
					continue // taken back, or forgotten, since it was listed
				}
				got.Confirmed = done[got.Session]
				if !yield(got.Record, got.err) || got.err != nil && !errors.Is(got.err, crypt.ErrDamaged) {
					return
				}
			}
		}
	}
}

// gotRecord is a record, or why there is none.
type gotRecord struct {
	Record
	err error
}

// someRecords reads the records of some names.
func (r *Repo) someRecords(ctx context.Context, kind string, names []string) []gotRecord {
	got := make([]gotRecord, len(names))
	var next atomic.Int64
	var readers sync.WaitGroup
	for range min(recordsAtOnce, len(names)) {
		readers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(names)); i = next.Add(1) - 1 {
				got[i].Record, got[i].err = r.record(ctx, kind, names[i])
			}
		})
	}
	readers.Wait()
	return got
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

// SettleRecords makes durable what listings of the records of a kind, and of the sessions that confirm them, have shown: before something is
// let go of because those are there.
func (r *Repo) SettleRecords(ctx context.Context, kind string) error {
	if err := storage.Settle(ctx, r.store, sessionsDir); err != nil {
		return err
	}
	return storage.Settle(ctx, r.store, kind+"/")
}

// PutRecord stores a small record that belongs to no batch and needs no chunk, such as a tombstone. kind is the folder it lies in; the
// name must be one that was never used.
func (r *Repo) PutRecord(ctx context.Context, kind, name string, body []byte) error {
	if err := r.config.errReadOnly(); err != nil {
		return err
	}
	return r.writeRecord(ctx, kind, name, "", body)
}

// DeleteRecord removes a record, and what is left of the session that wrote it. To delete nothing is no error.
func (r *Repo) DeleteRecord(ctx context.Context, kind, name string) error {
	if err := r.config.errReadOnly(); err != nil {
		return err
	}
	rec, err := r.record(ctx, kind, name)
	if err != nil && !errors.Is(err, crypt.ErrDamaged) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := r.store.Delete(ctx, kind+"/"+name); err != nil {
		return fmt.Errorf("delete %s/%s: %w", kind, name, err)
	}
	if rec.Session == "" {
		return nil
	}
	return r.dropSession(ctx, rec.Session)
}

// dropSession deletes all that a session left in sessions/. Its record must be gone, or never come.
func (r *Repo) dropSession(ctx context.Context, sid string) error {
	return r.dropFrom(ctx, sid, openSuffix, partSuffix, doneSuffix)
}
