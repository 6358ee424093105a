package vigil

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"shoebox/device"
)

// result is what came of a turn.
type result struct {
	one  *visit
	kind Kind // Rested, Waiting, Done or Failed
	err  error
	next time.Time // of Rested
}

// giveTurns begins turns, to those who came first, while fewer than AtOnce are going on. All are counted before the first begins: each is to
// have its share from its beginning.
func (v *vigil) giveTurns(ctx context.Context, now time.Time) {
	var begin []*visit
	defer func() {
		for _, one := range begin {
			v.begin(ctx, one)
		}
	}()
	waiting := slices.SortedFunc(maps.Values(v.visits), func(a, b *visit) int { return cmp.Compare(a.order, b.order) })
	for _, one := range waiting {
		settled := one.settled(v.o.Settle)
		if settled.IsZero() || now.Before(settled) {
			continue
		}
		if !one.known { // somebody may have named it meanwhile
			one.name, one.known = v.o.Known(one.phone)
		}
		if !one.known {
			if !one.announced {
				one.announced = true
				v.o.Unknown(one.phone)
			}
			continue
		}
		v.greet(one)
		if int(v.busy.Load()) < v.o.AtOnce && !one.working && !now.Before(one.next) && !v.working(one.name) && ctx.Err() == nil {
			one.working = true
			v.busy.Add(1)
			begin = append(begin, one)
		}
	}
}

// working says whether a phone of this name has its turn: one that suddenly says that it is another must not have two.
func (v *vigil) working(name string) bool {
	for _, one := range v.visits {
		if one.working && one.name == name {
			return true
		}
	}
	return false
}

func (v *vigil) begin(ctx context.Context, one *visit) {
	phone, name := one.phone, one.name
	v.all.Go(func() {
		r := v.turn(ctx, phone, name)
		r.one = one
		v.ended <- r // there is room for as many as work at once
	})
}

// turn asks whether the phone is due and its battery full enough, and works.
func (v *vigil) turn(ctx context.Context, phone device.PhoneInfo, name string) result {
	last, err := v.o.Last(ctx, phone)
	if err != nil {
		return result{kind: Failed, err: fmt.Errorf("when its last turn was: %w", err)}
	}
	if now := v.now(); !v.due(last, now) {
		return result{kind: Rested, next: last.Round(0).Add(v.o.Every)}
	}
	why, err := v.condition(ctx, phone)
	switch {
	case err != nil:
		return result{kind: Failed, err: err}
	case why != nil:
		return result{kind: Waiting, err: why}
	}
	v.tell(Event{Kind: Began, Phone: phone, Name: name})
	if err := v.o.Work(ctx, phone, func() int { return int(v.busy.Load()) }); err != nil {
		return result{kind: Failed, err: err}
	}
	return result{kind: Done}
}

// due says whether the last turn is long enough ago. One in the future tells of a clock that was wrong.
func (v *vigil) due(last, now time.Time) bool {
	return last.IsZero() || now.Sub(last) >= v.o.Every || last.After(now.Add(time.Hour))
}

// condition is why a phone must wait, by its battery.
func (v *vigil) condition(ctx context.Context, info device.PhoneInfo) (why, err error) {
	if !v.o.Charging && v.o.MinBattery <= 0 {
		return nil, nil
	}
	phone, err := device.OpenPhone(ctx, v.o.Server, device.PhoneOptions{Serial: info.Select(), Connections: 1})
	if err != nil {
		return nil, err
	}
	defer phone.Close()
	battery, err := phone.Battery(ctx)
	switch {
	case err != nil || !battery.Known:
		return nil, err
	case v.o.Charging && !battery.Charging:
		return ErrNoPower, nil
	case battery.Level < v.o.MinBattery:
		return fmt.Errorf("%w: it has %d %% of %d", ErrLowBattery, battery.Level, v.o.MinBattery), nil
	}
	return nil, nil
}

// finish notes what came of a turn, and when the next may be.
func (v *vigil) finish(r result) {
	one, now := r.one, v.now()
	one.working = false
	v.busy.Add(-1)
	v.came++
	one.order = v.came // behind those who wait
	switch r.kind {
	case Done:
		one.failures, one.next, one.said = 0, now.Add(v.o.Every), nil
	case Rested:
		one.failures, one.next = 0, r.next
	case Waiting:
		one.next = now.Add(conditionStep)
		if sameReason(one.said, r.err) {
			return
		}
		one.said = r.err
	case Failed:
		one.next = now.Add(doubled(firstPause, one.failures, longestPause))
		one.failures++
		one.tried = now
	}
	v.tell(Event{Kind: r.kind, At: now, Phone: one.phone, Name: one.name, Err: r.err, Next: one.next})
}

func sameReason(a, b error) bool {
	return errors.Is(a, ErrNoPower) && errors.Is(b, ErrNoPower) || errors.Is(a, ErrLowBattery) && errors.Is(b, ErrLowBattery)
}
