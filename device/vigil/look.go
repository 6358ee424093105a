package vigil

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"time"

	"shoebox/device"
)

// visit is one phone for as long as it is there.
type visit struct {
	phone device.PhoneInfo
	name  string
	known bool

	since time.Time // readable since then; zero: it is not
	gone  time.Time // since when it is not in the list; zero: it is
	order int       // of turns

	working  bool
	failures int       // turns that failed, one after the other
	tried    time.Time // when the last turn that failed ended
	next     time.Time // no turn before

	greeted, announced bool  // Came and Unknown were told
	said               error // why it waits or cannot be read, as told last
}

// settled is when a phone was readable for long enough; zero: it is not readable.
func (one *visit) settled(settle time.Duration) time.Time {
	switch {
	case one.since.IsZero():
		return time.Time{}
	case !one.phone.Told():
		return one.since.Add(untoldFactor * settle)
	}
	return one.since.Add(settle)
}

// look takes in the list of phones as it is now. Only at the start is its failure the end.
func (v *vigil) look(ctx context.Context) error {
	first := v.lookAfter.IsZero()
	select {
	case <-v.changed: // it is seen now
	default:
	}
	phones, err := device.Phones(ctx, v.o.Server)
	now := v.now()
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil && first && errors.Is(err, device.ErrNoADB):
		return err
	case err != nil:
		v.serverLost(err)
		return nil
	}
	v.lookAfter, v.dirty = now.Add(lookGap), false
	if v.lostTimes > 0 {
		v.lostTimes = 0
		v.tell(Event{Kind: Back})
	}
	if v.broke.Swap(false) { // a new server knows none of the addresses
		v.connect(ctx, phones, slices.Collect(maps.Keys(v.networks)))
		v.connected = time.Time{}
	}
	if now.Sub(v.connected) >= connectStep || now.Before(v.connected) {
		v.connected = now
		v.connect(ctx, phones, v.o.Addresses())
	}
	v.takeIn(phones)
	return nil
}

func (v *vigil) serverLost(err error) {
	now := v.now()
	next := now.Add(doubled(firstServer, v.lostTimes, longestServer))
	if v.lostTimes == 0 {
		v.tell(Event{Kind: Lost, At: now, Err: err, Next: next})
	}
	v.lostTimes++
	v.lookAfter, v.dirty = next, true
}

// takeIn compares the list with the visits. Of several ways to what calls itself one phone those that cannot be read say nothing.
func (v *vigil) takeIn(phones []device.PhoneInfo) {
	ready, seen := make(map[string]int), make(map[string]bool)
	for _, p := range phones {
		if p.State == nil {
			ready[p.Identity]++
		}
	}
	for _, p := range phones {
		if seen[p.Identity] || p.State != nil && ready[p.Identity] > 0 {
			continue
		}
		seen[p.Identity] = true
		if ready[p.Identity] > 1 {
			v.here(p, ErrTwins)
		} else {
			v.here(p, p.Err())
		}
	}
	for id, one := range v.visits {
		if !seen[id] && one.gone.IsZero() {
			one.gone, one.since = v.now(), time.Time{}
		}
	}
}

// here notes a phone that is in the list. trouble is why it can have no turn.
func (v *vigil) here(p device.PhoneInfo, trouble error) {
	one := v.visits[p.Identity]
	if one == nil {
		one = &visit{}
		v.visits[p.Identity] = one
	}
	if one.order == 0 || !one.gone.IsZero() {
		v.came++
		one.order = v.came
	}
	now := v.now()
	if one.since.IsZero() || !one.gone.IsZero() || one.phone.Connection() != p.Connection() {
		one.since = now
	}
	one.gone, one.phone = time.Time{}, p
	one.name, one.known = v.o.Known(p)
	if trouble != nil {
		one.since = time.Time{}
		v.sayUnready(one, trouble)
		return
	}
	if errors.Is(one.said, errUnready) {
		one.said = nil
	}
	v.note(p)
	v.greet(one)
}

func (v *vigil) greet(one *visit) {
	if one.known && !one.greeted {
		one.greeted = true
		v.tell(Event{Kind: Came, Phone: one.phone, Name: one.name})
	}
}

// errUnready marks in visit.said that the phone cannot be read.
var errUnready = errors.New("unready")

// sayUnready tells once why a phone cannot be read. An address on the network that does not answer is nothing to do anything about.
func (v *vigil) sayUnready(one *visit, trouble error) {
	if errors.Is(one.said, errUnready) && errors.Is(one.said, cause(trouble)) || one.phone.State == device.ErrOffline && !one.phone.USB {
		return
	}
	one.said = errors.Join(errUnready, cause(trouble))
	v.tell(Event{Kind: Unready, Phone: one.phone, Name: one.name, Err: trouble})
}

// cause is the state of a phone without the words around it.
func cause(trouble error) error {
	if phone := (*device.PhoneError)(nil); errors.As(trouble, &phone) {
		return phone.State
	}
	return trouble
}

// leave lets go of the visits of phones that are not in the list. One that comes back before Settle is over was never away, so that a loose
// plug tells nobody twice.
func (v *vigil) leave(now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(v.visits)) {
		if one := v.visits[id]; !one.gone.IsZero() && !one.working && !now.Before(one.gone.Add(v.o.Settle)) {
			v.left(id, one, now)
		}
	}
}

func (v *vigil) left(id string, one *visit, now time.Time) {
	if one.greeted {
		v.tell(Event{Kind: Left, Phone: one.phone, Name: one.name})
	}
	one.greeted, one.announced, one.said = false, false, nil
	switch pause := one.tried.Add(firstPause); {
	case one.failures == 0 || now.After(one.tried.Add(longestPause)):
		delete(v.visits, id)
	case pause.Before(one.next): // somebody plugs it in again: it need not wait long
		one.next = pause
	}
}

const maxNetworks = 16 // addresses of phones that are kept

// note keeps the addresses by which phones were reached over the network.
func (v *vigil) note(p device.PhoneInfo) {
	for _, serial := range append([]string{p.Serial}, p.Others...) {
		if _, _, err := net.SplitHostPort(serial); err != nil || v.networks[serial] {
			continue
		}
		for old := range v.networks {
			if len(v.networks) >= maxNetworks {
				delete(v.networks, old)
			}
		}
		v.networks[serial] = true
	}
}

// connect has the server connect to the addresses that are not in its list, one after the other beside everything else. What comes of it is
// seen in the list.
func (v *vigil) connect(ctx context.Context, phones []device.PhoneInfo, addresses []string) {
	missing := slices.DeleteFunc(slices.Clone(addresses), func(addr string) bool {
		return slices.ContainsFunc(phones, func(p device.PhoneInfo) bool { return p.Serial == addr || slices.Contains(p.Others, addr) })
	})
	if len(missing) == 0 || !v.connecting.CompareAndSwap(false, true) {
		return
	}
	v.all.Go(func() {
		defer v.connecting.Store(false)
		for _, addr := range missing {
			_ = v.o.Server.Connect(ctx, addr)
		}
	})
}
