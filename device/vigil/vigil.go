// Package vigil waits for phones and tells when one may have its turn: a known phone that has been readable for a moment, whose last turn
// was long enough ago, one turn at a time for each phone and a few phones at once. It does not know what is done in a turn.
//
// Phones that have their turns at once share cable and cores fairly: each of k has the k-th part of the connections, from its next file on
// whenever k changes, and of the readers, by the k at its beginning; and at least one of each. So a phone with little on it need not wait for one with
// much.
//
// A phone is who it says it is (device.PhoneInfo.Identity), so one that is on a cable and on Wi-Fi has one turn. Two that say the same are
// left alone, as nobody can tell which is which. The adb server is started where none runs, with growing pauses, and never ended.
// Times are those of the wall clock, since a computer that slept has a day behind it all the same; a clock that jumped only has
// phones wait for a moment again.
package vigil

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"shoebox/device"
	"shoebox/device/adb"
)

// Options say what is waited for. Server, Known and Work must be set.
type Options struct {
	Server *adb.Server

	// Known tells by which name a phone is known; others are told to Unknown, once per plugging. Both are asked by one goroutine, which
	// waits for the answer.
	Known   func(device.PhoneInfo) (name string, ok bool)
	Unknown func(device.PhoneInfo)

	// Last tells when a phone had its last good turn, wherever that was; zero is never. nil: only turns of this Watch count. Work is the
	// turn itself; among tells at any time how many have theirs, this one included. Both are called by a goroutine for each phone, and must end soon
	// after ctx does.
	Last func(ctx context.Context, phone device.PhoneInfo) (time.Time, error)
	Work func(ctx context.Context, phone device.PhoneInfo, among func() int) error

	// Addresses are those of phones on the network (HOST:PORT). While one is not in the adb server's list, the server is told every five minutes
	// to connect to it: by itself it gives up after a while. nil: none.
	Addresses func() []string

	// Tell hears what happens, one event at a time.
	Tell func(Event)

	Every      time.Duration // from one good turn of a phone to its next; 0 is 20 h, so that a phone plugged in each evening has one each evening
	Settle     time.Duration // for so long a phone must be readable first; 0 is 5 s
	Charging   bool          // only while it has power
	MinBattery int           // per cent; a phone that does not tell its battery has its turn
	AtOnce     int           // turns at once; 0 is 2

	Now   func() time.Time                                 // nil for the clock's
	Sleep func(ctx context.Context, d time.Duration) error // likewise
}

// Kind says what happened.
type Kind uint8

// What can happen.
const (
	Came    Kind = iota + 1 // a known phone is there
	Left                    // it is gone
	Unready                 // a phone cannot be read: Err says why, and what to do about it
	Rested                  // it had its turn lately; the next is at Next
	Waiting                 // it waits for power or battery, as Err says
	Began                   // its turn began
	Done                    // and ended well; the next is at Next
	Failed                  // the turn failed with Err; it is tried again at Next if it is still there
	Lost                    // the adb server is gone with Err; looked for again at Next
	Back                    // it answers again
)

var kinds = [...]string{Came: "came", Left: "left", Unready: "unready", Rested: "rested", Waiting: "waiting", Began: "began", Done: "done", Failed: "failed", Lost: "lost", Back: "back"}

// String is the word for a kind, as in a log.
func (k Kind) String() string {
	if int(k) < len(kinds) && kinds[k] != "" {
		return kinds[k]
	}
	return "unknown"
}

// Event is something that happened.
type Event struct {
	Kind  Kind
	At    time.Time
	Phone device.PhoneInfo // zero for Lost and Back
	Name  string           // by which Known knows it, if it does
	Err   error
	Next  time.Time // zero where there is none
}

// Why a phone waits.
var (
	ErrNoPower    = errors.New("it waits until it has power")
	ErrLowBattery = errors.New("it waits until its battery is fuller")
	ErrTwins      = errors.New("two connected phones say that they are the same one: unplug one of them")
)

const (
	tick          = time.Minute      // the longest wait: a computer that slept does not count it
	slack         = 15 * time.Second // for which a wait may end late
	longestWork   = 10 * time.Minute // of this goroutine, from one look at the clock to the next
	lookGap       = time.Second      // at the least between two looks
	longestLook   = 5 * time.Minute  // between two looks though nothing was heard
	connectStep   = 5 * time.Minute  // between attempts at addresses
	conditionStep = 5 * time.Minute  // between looks at a battery
	firstPause    = 30 * time.Second // after a turn that failed; doubled each time
	longestPause  = 30 * time.Minute
	firstServer   = time.Second // after an adb server that was not there; doubled each time
	longestServer = time.Minute
	untoldFactor  = 6 // a phone that does not say who it is must be readable so many times longer
)

// Watch waits for phones until ctx ends, and then for the turns to end. Its error is why ctx ended, or that adb is not installed at the start.
func Watch(ctx context.Context, o Options) error {
	o.fill()
	v := &vigil{
		o: o, visits: make(map[string]*visit), ended: make(chan result, o.AtOnce), changed: make(chan struct{}, 1), dirty: true,
		networks: make(map[string]bool),
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer v.all.Wait()
	defer cancel(nil)
	v.all.Go(func() { v.follow(ctx) })
	return v.run(ctx)
}

func (o *Options) fill() {
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{{&o.Every, 20 * time.Hour}, {&o.Settle, 5 * time.Second}} {
		if *d.value <= 0 {
			*d.value = d.usual
		}
	}
	if o.AtOnce <= 0 {
		o.AtOnce = 2
	}
	if o.Unknown == nil {
		o.Unknown = func(device.PhoneInfo) {}
	}
	if o.Addresses == nil {
		o.Addresses = func() []string { return nil }
	}
	if o.Tell == nil {
		o.Tell = func(Event) {}
	}
	if o.Last == nil {
		o.Last = func(context.Context, device.PhoneInfo) (time.Time, error) { return time.Time{}, nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = device.Sleep
	}
}

// vigil is one Watch. Only its own goroutine uses what is not said to be shared.
type vigil struct {
	o      Options
	visits map[string]*visit // by identity
	came   int               // visits and retries so far: the order of turns

	dirty     bool            // the list may have changed since the last look
	lookAfter time.Time       // not before
	lostTimes int             // looks that failed, one after the other
	networks  map[string]bool // addresses at which phones were seen
	connected time.Time       // when Addresses were tried last
	read      time.Time       // what the clock said last

	changed    chan struct{} // shared: the list changed
	ended      chan result   // shared: turns that ended
	busy       atomic.Int32  // shared: turns that are going on
	connecting atomic.Bool   // shared: addresses are being tried
	broke      atomic.Bool   // shared: the server hung up, so the next that answers may be a new one
	all        sync.WaitGroup
	telling    sync.Mutex
}

// now is the time of the wall clock.
func (v *vigil) now() time.Time { return v.o.Now().Round(0) }

// tell passes on what happened now, or At.
func (v *vigil) tell(e Event) {
	v.telling.Lock()
	defer v.telling.Unlock()
	if e.At.IsZero() {
		e.At = v.now()
	}
	v.o.Tell(e)
}

// run looks, gives turns and waits, until ctx ends.
func (v *vigil) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if now := v.now(); v.dirty && !now.Before(v.lookAfter) {
			if err := v.look(ctx); err != nil {
				return err
			}
		}
		now := v.now()
		if v.leapt(now, longestWork) {
			continue // nobody has a turn by a time that nobody waited for
		}
		v.leave(now)
		v.giveTurns(ctx, now)
		v.wait(ctx, v.pause(now))
	}
	return context.Cause(ctx)
}

// wait ends after a time, or when something happens.
func (v *vigil) wait(ctx context.Context, d time.Duration) {
	if v.leapt(v.now(), longestWork) {
		return
	}
	short, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = v.o.Sleep(short, d)
	}()
	select {
	case <-over:
		v.dirty = v.dirty || v.stale()
	case <-v.changed:
		v.dirty = true
	case r := <-v.ended:
		v.finish(r)
	case <-ctx.Done():
	}
	cancel()
	<-over
	v.leapt(v.now(), d+slack)
}

// leapt says whether since the time before this one more passed than can have, by any clock that runs. Then the computer slept, or the clock was set
// right, and everything is to be looked at anew.
func (v *vigil) leapt(now time.Time, most time.Duration) bool {
	passed := now.Sub(cmp.Or(v.read, now))
	v.read = now
	leapt := passed < -time.Second || passed > most
	if leapt {
		v.lookAgain(now)
	}
	return leapt
}

// stale says whether to look though nothing was heard: long after the last look, or when a phone did not say who it is.
func (v *vigil) stale() bool {
	for _, one := range v.visits {
		if !one.since.IsZero() && !one.phone.Told() {
			return true
		}
	}
	return !v.now().Before(v.lookAfter.Add(longestLook))
}

// lookAgain has phones looked at anew, and wait for a moment.
func (v *vigil) lookAgain(now time.Time) {
	v.dirty, v.lookAfter = true, now
	for _, one := range v.visits {
		if !one.since.IsZero() {
			one.since = now
		}
		if one.next.After(now.Add(v.o.Every)) || one.failures > 0 && one.next.After(now.Add(longestPause)) {
			one.next = now
		}
	}
}

// pause is until the next time after one at which something is to be done without an event. A time that passed since then may have been missed: others
// were told of phones meanwhile, which takes as long as it takes.
func (v *vigil) pause(since time.Time) time.Duration {
	now := v.now()
	at := now.Add(tick)
	sooner := func(t time.Time) {
		if t.After(since) && t.Before(at) {
			at = t
		}
	}
	if v.dirty {
		sooner(v.lookAfter)
	}
	for _, one := range v.visits {
		if one.gone.IsZero() {
			sooner(one.next)
			sooner(one.settled(v.o.Settle))
		} else {
			sooner(one.gone.Add(v.o.Settle))
		}
	}
	return max(0, at.Sub(now))
}

// follow tells of changes of the list, for as long as the server tells of them.
func (v *vigil) follow(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		for _, err := range v.o.Server.Track(ctx) {
			if err == nil {
				failures = 0
			}
			if err != nil {
				v.broke.Store(true)
			}
			v.notice()
		}
		_ = v.o.Sleep(ctx, doubled(firstServer, failures, longestServer))
		failures++
	}
}

func (v *vigil) notice() {
	select {
	case v.changed <- struct{}{}:
	default:
	}
}

// doubled is a pause that grows with each failure before.
func doubled(first time.Duration, failures int, most time.Duration) time.Duration {
	return min(first<<min(failures, 20), most)
}
