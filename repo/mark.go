package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"
	"strings"
	"time"

	"shoebox/index"
	"shoebox/repo/crypt"
	"shoebox/repo/guard"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
)

// ownMark is the mark of a pruner at work.
type ownMark struct {
	*pruner
	gcid  string
	packs map[pack.Name]struct{}
}

// mark is B1: from now on no session that begins relies on these packs.
func (p *pruner) mark(ctx context.Context, packs []*packState) (*ownMark, error) {
	gcid, err := p.repo.newName()
	if err != nil {
		return nil, err
	}
	m := &ownMark{p, gcid, make(map[pack.Name]struct{}, len(packs))}
	var body mark
	for _, s := range packs {
		m.packs[s.name] = struct{}{}
		body.Packs = append(body.Packs, s.name)
	}
	sort.Slice(body.Packs, func(i, j int) bool { return string(body.Packs[i][:]) < string(body.Packs[j][:]) })
	if !guard.On(guard.MarkFirst) {
		return m, nil
	}
	err = p.repo.putSealed(ctx, markKind, gcid, body)
	if errors.Is(err, storage.ErrFull) {
		if err = p.makeRoom(ctx, packs, err); err == nil {
			err = p.repo.putSealed(ctx, markKind, gcid, body)
		}
	}
	if err != nil {
		m.takeBack(ctx) // it may be there all the same
		return nil, err
	}
	return m, p.letSettle(ctx)
}

// letSettle waits until every listing of the store shows what was put: twice its delay, on weak stores.
func (p *pruner) letSettle(ctx context.Context) error {
	if p.options.Delay == 0 {
		return nil
	}
	return p.options.Sleep(ctx, 2*p.options.Delay)
}

// lastCall is how long a prune that ends early may take to remove its mark.
const lastCall = 10 * time.Second

// takeBack removes the mark of a pruner that has deleted nothing yet. If that fails the next pruner finds it.
func (m *ownMark) takeBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCall)
	defer cancel()
	_ = m.remove(ctx)
}

func (m *ownMark) remove(ctx context.Context) error {
	if err := m.repo.store.Delete(ctx, marksDir+m.gcid); err != nil {
		return fmt.Errorf("remove the mark %s: %w", m.gcid, err)
	}
	return nil
}

// sessionState is a session as its objects tell.
type sessionState struct {
	open, done, revoked bool
	objects             []string // their full names
}

// sessions lists all sessions, and revokes after them.
func (r *Repo) sessions(ctx context.Context) (map[string]sessionState, error) {
	names, err := listNames(ctx, r.store, sessionsDir)
	if err != nil {
		return nil, fmt.Errorf("list the sessions: %w", err)
	}
	all := make(map[string]sessionState)
	for _, name := range names {
		sid, rest, _ := strings.Cut(strings.TrimPrefix(name, sessionsDir), ".")
		s := all[sid]
		s.objects = append(s.objects, name)
		s.open = s.open || "."+rest == openSuffix
		s.done = s.done || "."+rest == doneSuffix
		all[sid] = s
	}
	if names, err = listNames(ctx, r.store, marksDir); err != nil {
		return nil, fmt.Errorf("list the marks: %w", err)
	}
	for _, name := range names {
		sid, _, _ := strings.Cut(strings.TrimPrefix(name, marksDir), ".")
		if s, ok := all[sid]; ok && strings.HasSuffix(name, revokeSuffix) {
			s.revoked = true
			all[sid] = s
		}
	}
	return all, nil
}

// atWork tells whether a session may still commit without looking at everything again.
func (s sessionState) atWork() bool { return s.open && !s.done && !s.revoked }

// working names the sessions at work.
func (r *Repo) working(ctx context.Context) (map[string]bool, error) {
	all, err := r.sessions(ctx)
	if err != nil {
		return nil, err
	}
	working := make(map[string]bool)
	for sid, s := range all {
		if s.atWork() {
			working[sid] = true
		}
	}
	return working, nil
}

// awaitSessions is B2: every session that was at work when the mark was there ends, or is revoked. Those that begin later see the mark.
func (p *pruner) awaitSessions(ctx context.Context, m *ownMark) error {
	if !guard.On(guard.WaitSessions) {
		return nil
	}
	waiting, err := p.repo.working(ctx)
	if err != nil {
		return err
	}
	total, last := int64(len(waiting)), make(map[string]lastSign)
	for first := true; ; first = false {
		for sid := range waiting {
			dead, err := p.presumeDead(ctx, sid, last)
			if err != nil {
				return err
			}
			if !dead {
				if first {
					p.tellOf(ctx, sid)
				}
				continue
			}
			if err := p.revoke(ctx, m, sid); err != nil {
				return err
			}
			delete(waiting, sid)
		}
		if len(waiting) == 0 {
			return nil
		}
		p.options.Watch(StageWait, total-int64(len(waiting)), total)
		if err := p.options.Sleep(ctx, p.options.Poll); err != nil {
			return err
		}
		if err := p.stillWorking(ctx, waiting, last); err != nil {
			return err
		}
	}
}

// tellOf says whom the prune waits for.
func (p *pruner) tellOf(ctx context.Context, sid string) {
	w, err := p.repo.writerOf(ctx, sid)
	if err != nil || w == nil {
		return // it has just ended, or nobody can tell
	}
	p.options.Log(fmt.Sprintf("prune waits for the backup at work on %q, begun %s", w.Host, time.Unix(w.Start, 0).Format("2006-01-02 15:04:05")))
}

func (p *pruner) revoke(ctx context.Context, m *ownMark, sid string) error {
	if err := p.repo.putRecord(ctx, markKind, sid+"."+m.gcid+revokeSuffix, nil); err != nil {
		return err
	}
	p.report.Revoked = append(p.report.Revoked, sid)
	return p.letSettle(ctx)
}

// lastSign is when a session last put something, as this pruner saw it.
type lastSign struct {
	objects int
	at      time.Time
}

// stillWorking takes out the sessions that have ended, and notes which show signs of life.
func (p *pruner) stillWorking(ctx context.Context, waiting map[string]bool, last map[string]lastSign) error {
	all, err := p.repo.sessions(ctx)
	if err != nil {
		return err
	}
	for sid := range waiting {
		s := all[sid]
		if !s.atWork() {
			delete(waiting, sid)
			continue
		}
		if sign, ok := last[sid]; !ok || sign.objects != len(s.objects) {
			last[sid] = lastSign{len(s.objects), p.repo.options.Now()}
		}
	}
	return nil
}

// presumeDead guesses whether a session's writer is gone. A wrong guess costs the writer work, never data.
func (p *pruner) presumeDead(ctx context.Context, sid string, last map[string]lastSign) (bool, error) {
	if p.options.Presume != nil {
		return p.options.Presume(sid), nil
	}
	if sign, ok := last[sid]; ok && p.repo.options.Now().Sub(sign.at) >= p.options.Patience {
		return true, nil
	}
	w, err := p.repo.writerOf(ctx, sid)
	if err != nil || w == nil {
		return false, err
	}
	host, err := os.Hostname()
	if err != nil || host != w.Host {
		return false, nil
	}
	return !processLives(w.Process), nil
}

// writerOf says who holds a session; nil when that cannot be read.
func (r *Repo) writerOf(ctx context.Context, sid string) (*writer, error) {
	plain, err := r.getRecord(ctx, sessionKind, sid+openSuffix)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, crypt.ErrDamaged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	w := new(writer)
	if r.codec.Unmarshal(plain, w) != nil {
		return nil, nil
	}
	return w, nil
}

// othersMarks are the packs in marks but this pruner's.
func (m *ownMark) others(ctx context.Context) (map[index.Name]struct{}, error) {
	if !guard.On(guard.OtherMarks) {
		return nil, nil
	}
	return m.repo.condemnedBut(ctx, m.gcid)
}
