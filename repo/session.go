package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"
	"strings"

	"shoebox/index"
	"shoebox/repo/crypt"
)

// A session is one writer at work. Its objects lie in sessions/:
//
//	<sid>.open       sealed: who writes
//	<sid>.<n>.part   sealed: what is safe so far, for whoever goes on if the writer dies
//	<sid>.done       sealed, empty: the snapshot of this session is confirmed
//
// Pruners condemn packs by marks/<gcid> and revoke sessions they presume dead by marks/<sid>.<gcid>.revoke.
const (
	openSuffix   = ".open"
	partSuffix   = ".part"
	doneSuffix   = ".done"
	revokeSuffix = ".revoke"

	sessionKind = "sessions"
	markKind    = "marks"
)

// writer says who holds a session.
type writer struct {
	Host    string `cbor:"1,keyasint"`
	Process int    `cbor:"2,keyasint"`
	Start   int64  `cbor:"3,keyasint"` // Unix seconds on the writer's clock; for people, nothing depends on it
}

// mark lists the packs a pruner is about to delete.
type mark struct {
	Packs [][32]byte `cbor:"1,keyasint"`
}

func (r *Repo) putSealed(ctx context.Context, kind, name string, v any) error {
	plain, err := r.codec.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s/%s: %w", kind, name, err)
	}
	return r.putRecord(ctx, kind, name, plain)
}

func (r *Repo) putRecord(ctx context.Context, kind, name string, plain []byte) error {
	sealed, err := r.keys.SealRecord(kind, name, plain)
	if err != nil {
		return err
	}
	if err := r.store.Put(ctx, kind+"/"+name, sealed); err != nil {
		return fmt.Errorf("write %s/%s: %w", kind, name, err)
	}
	return nil
}

func (r *Repo) getRecord(ctx context.Context, kind, name string) ([]byte, error) {
	sealed, err := r.store.Get(ctx, kind+"/"+name, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("read %s/%s: %w", kind, name, err)
	}
	return r.keys.OpenRecord(kind, name, sealed)
}

// openSession is step W0.
func (r *Repo) openSession(ctx context.Context) (sid string, err error) {
	if sid, err = r.newName(); err != nil {
		return "", err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	w := writer{Host: host, Process: os.Getpid(), Start: r.options.Now().Unix()}
	return sid, r.putSealed(ctx, sessionKind, sid+openSuffix, w)
}

// closeSession says that a session will never commit. If that fails a prune finds out by itself.
func (r *Repo) closeSession(ctx context.Context, sid string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCall)
	defer cancel()
	_ = r.store.Delete(ctx, sessionsDir+sid+openSuffix)
}

// marks reads all marks, by pruner. One that vanishes between listing and reading belonged to a pruner that has finished; what
// it condemned is no longer listed among the packs.
func (r *Repo) marks(ctx context.Context) (map[string]mark, error) {
	names, err := listNames(ctx, r.store, marksDir)
	if err != nil {
		return nil, fmt.Errorf("list the marks: %w", err)
	}
	all := make(map[string]mark)
	for _, name := range names {
		name = strings.TrimPrefix(name, marksDir)
		if strings.HasSuffix(name, revokeSuffix) {
			continue
		}
		plain, err := r.getRecord(ctx, markKind, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var m mark
		if err := r.codec.Unmarshal(plain, &m); err != nil {
			return nil, fmt.Errorf("read %s%s: %w: %v", marksDir, name, crypt.ErrDamaged, err)
		}
		all[name] = m
	}
	return all, nil
}

// condemned is the union of all marks: packs that are about to go.
func (r *Repo) condemned(ctx context.Context) (map[index.Name]struct{}, error) {
	return r.condemnedBut(ctx, "")
}

// condemnedBut is the union of all marks but one.
func (r *Repo) condemnedBut(ctx context.Context, gcid string) (map[index.Name]struct{}, error) {
	marks, err := r.marks(ctx)
	if err != nil {
		return nil, err
	}
	delete(marks, gcid)
	all := make(map[index.Name]struct{})
	for _, m := range marks {
		for _, p := range m.Packs {
			all[p] = struct{}{}
		}
	}
	return all, nil
}

// revoked tells whether a pruner has presumed this session dead.
func (r *Repo) revoked(ctx context.Context, sid string) (bool, error) {
	names, err := listNames(ctx, r.store, marksDir)
	if err != nil {
		return false, fmt.Errorf("list the marks: %w", err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, marksDir+sid+".") && strings.HasSuffix(name, revokeSuffix) {
			return true, nil
		}
	}
	return false, nil
}

// Unfinished is a session that ended, or stands, without a record: what it had made safe.
type Unfinished struct {
	Session string
	Notes   [][]byte // as given to Batch.Checkpoint, oldest first
}

// Unfinished lists the sessions that are not done and left notes. Notes that do not open are left out.
func (r *Repo) Unfinished(ctx context.Context) ([]Unfinished, error) {
	names, err := listNames(ctx, r.store, sessionsDir)
	if err != nil {
		return nil, fmt.Errorf("list the sessions: %w", err)
	}
	sort.Strings(names)
	done := make(map[string]bool)
	for _, name := range names {
		if sid, ok := strings.CutSuffix(strings.TrimPrefix(name, sessionsDir), doneSuffix); ok {
			done[sid] = true
		}
	}
	var all []Unfinished
	for _, path := range names {
		name := strings.TrimPrefix(path, sessionsDir)
		sid, _, _ := strings.Cut(name, ".")
		if done[sid] || !strings.HasSuffix(name, partSuffix) {
			continue
		}
		note, err := r.getRecord(ctx, sessionKind, name)
		if errors.Is(err, crypt.ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(all) == 0 || all[len(all)-1].Session != sid {
			all = append(all, Unfinished{Session: sid})
		}
		all[len(all)-1].Notes = append(all[len(all)-1].Notes, note)
	}
	return all, nil
}

// DropNotes deletes the notes of a session, whose work is in a snapshot by now.
func (r *Repo) DropNotes(ctx context.Context, sid string) error {
	return r.dropFrom(ctx, sid, partSuffix)
}

// dropFrom deletes the objects of a session that end in one of the suffixes, in the order of the suffixes.
func (r *Repo) dropFrom(ctx context.Context, sid string, suffixes ...string) error {
	names, err := listNames(ctx, r.store, sessionsDir)
	if err != nil {
		return fmt.Errorf("list the sessions: %w", err)
	}
	for _, suffix := range suffixes {
		for _, name := range names {
			if !strings.HasPrefix(name, sessionsDir+sid+".") || !strings.HasSuffix(name, suffix) {
				continue
			}
			if err := r.store.Delete(ctx, name); err != nil {
				return fmt.Errorf("delete %s: %w", name, err)
			}
		}
	}
	return nil
}
