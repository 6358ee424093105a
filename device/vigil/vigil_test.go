package vigil_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
	"shoebox/device/vigil"
)

// watched is a Watch over simulated phones, with a clock that the test moves.
type watched struct {
	*clock
	phone  *adbtest.Direct
	cancel context.CancelFunc
	end    chan error

	mu      sync.Mutex
	events  []vigil.Event
	unknown []string
	known   map[string]bool // by identity
	fails   error           // of Work
	last    time.Time
	lastErr error
	asked   int      // times that Last was asked
	turns   []string // identities, in order
	going   int
	most    int           // turns at once
	gate    chan struct{} // Work waits for one of it; nil: it does not
}

func watch(t *testing.T, phone *adbtest.Direct, known string, change func(*vigil.Options)) *watched {
	t.Helper()
	w := &watched{clock: newClock(), phone: phone, end: make(chan error, 1), known: make(map[string]bool)}
	for id := range strings.FieldsSeq(known) {
		w.known[id] = true
	}
	o := vigil.Options{
		Server: &adb.Server{Addr: phone.Addr(), Reply: 5 * time.Second, Stall: 5 * time.Second}, Now: w.Now, Sleep: w.Sleep, Tell: w.tell,
		Known: w.isKnown, Work: w.work,
		Unknown: func(p device.PhoneInfo) { w.locked(func() { w.unknown = append(w.unknown, p.Identity) }) },
		Last: func(context.Context, device.PhoneInfo) (last time.Time, err error) {
			w.locked(func() { w.asked++; last, err = w.last, w.lastErr })
			return last, err
		},
	}
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.cancel = cancel
	go func() { w.end <- vigil.Watch(ctx, o) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-w.end:
			if !errors.Is(err, context.Canceled) {
				t.Error("it ended with", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("it does not end")
		}
	})
	return w
}

func (w *watched) locked(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

func (w *watched) isKnown(p device.PhoneInfo) (name string, ok bool) {
	w.locked(func() { name, ok = "phone "+p.Identity, w.known[p.Identity] })
	return name, ok
}

func (w *watched) tell(e vigil.Event) { w.locked(func() { w.events = append(w.events, e) }) }

func (w *watched) work(ctx context.Context, p device.PhoneInfo, _ func() int) (err error) {
	var gate chan struct{}
	w.locked(func() {
		w.turns = append(w.turns, p.Identity)
		w.going++
		w.most = max(w.most, w.going)
		gate, err = w.gate, w.fails
	})
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	w.locked(func() { w.going-- })
	return err
}

func (w *watched) count(kind vigil.Kind) (n int) {
	w.locked(func() {
		for _, e := range w.events {
			if e.Kind == kind {
				n++
			}
		}
	})
	return n
}

// until moves the clock until the nth event of a kind came, and returns it.
func (w *watched) until(t *testing.T, kind vigil.Kind, nth int, most time.Duration) (found vigil.Event) {
	t.Helper()
	came := func() bool {
		n := 0
		for _, e := range w.events {
			if e.Kind == kind {
				if n++; n == nth {
					found = e
					return true
				}
			}
		}
		return false
	}
	idle := func() bool { // no turn is going on
		ends := 0
		for _, e := range w.events {
			if e.Kind == vigil.Rested || e.Kind == vigil.Waiting || e.Kind == vigil.Done || e.Kind == vigil.Failed {
				ends++
			}
		}
		return w.asked == ends
	}
	for !w.now(came) {
		if most <= 0 {
			w.truly(t, fmt.Sprintf("event %d did not come %d times: %+v", kind, nth, w.all()), came)
			break
		}
		if w.soon(func() bool { return came() || idle() }); !w.now(came) {
			most -= w.step(t, most)
		}
	}
	return found
}

// now asks something about what the other goroutines use too.
func (w *watched) now(is func() bool) (yes bool) {
	w.locked(func() { yes = is() })
	return yes
}

// all are the events so far.
func (w *watched) all() (events []vigil.Event) {
	w.locked(func() { events = slices.Clone(w.events) })
	return events
}

// soon gives what other goroutines are at a moment of real time.
func (w *watched) soon(is func() bool) bool {
	for range 10 {
		yes := false
		w.locked(func() { yes = is() })
		if yes {
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// truly waits for something, in real time.
func (w *watched) truly(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 400 {
		if w.soon(is) {
			return
		}
	}
	t.Fatal(what)
}

// devices changes the adb server's list, and waits until somebody has looked at it.
func (w *watched) devices(t *testing.T, list string) {
	t.Helper()
	before := w.phone.Asked("host:devices-l")
	w.phone.Devices(list)
	for range 100 {
		if w.soon(func() bool { return w.phone.Asked("host:devices-l") > before }) {
			return
		}
		w.step(t, time.Second)
	}
	t.Fatal("nobody looks at the list")
}

func direct(t *testing.T, c adbtest.Config) *adbtest.Direct {
	t.Helper()
	d := adbtest.New(c)
	x, err := adbtest.ListenDirect(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = x.Close()
		_ = d.Close()
	})
	return x
}

// A phone that stays plugged has a turn each 20 hours, after a moment of being readable.
func TestEachEvening(t *testing.T) {
	w := watch(t, direct(t, adbtest.Config{}), "SIM0001", nil)
	began := w.Now()
	for n, at := range []time.Duration{5 * time.Second, 20 * time.Hour, 40 * time.Hour} {
		done := w.until(t, vigil.Done, n+1, 21*time.Hour)
		if late := done.At.Sub(began) - at; late < 0 || late > 10*time.Minute || done.Name != "phone SIM0001" || done.Next != done.At.Add(20*time.Hour) {
			t.Errorf("turn %d after %v: %+v", n, done.At.Sub(began), done)
		}
	}
	if vigil.Done.String() != "done" || vigil.Kind(99).String() != "unknown" || vigil.Kind(0).String() != "unknown" {
		t.Error(vigil.Done, vigil.Kind(99))
	}
	if w.count(vigil.Came) != 1 || w.count(vigil.Began) != 3 || len(w.unknown) > 0 {
		t.Errorf("%+v", w.all())
	}
}

// What is plugged in and out has no turn, and nobody hears of it again and again.
func TestLoosePlug(t *testing.T) {
	x := direct(t, adbtest.Config{})
	w := watch(t, x, "SIM0001", nil)
	for range 20 {
		w.run(t, 3*time.Second)
		w.devices(t, "\n")
		w.run(t, time.Second)
		w.devices(t, "")
	}
	if w.count(vigil.Began) > 0 || w.count(vigil.Came) != 1 || w.count(vigil.Left) > 0 {
		t.Errorf("%+v", w.all())
	}
	w.until(t, vigil.Done, 1, time.Minute)
	w.devices(t, "\n")
	w.until(t, vigil.Left, 1, time.Minute)
	w.devices(t, "")
	w.until(t, vigil.Came, 2, time.Minute)
	w.run(t, time.Hour)
	if w.count(vigil.Began) != 2 { // Last says never
		t.Errorf("%+v", w.all())
	}
}

// A turn that fails is tried again with growing pauses, and soon when the phone is plugged in anew.
func TestFailing(t *testing.T) {
	x := direct(t, adbtest.Config{})
	broken := errors.New("the repository is away")
	w := watch(t, x, "SIM0001", nil)
	w.locked(func() { w.fails = broken })
	first := w.until(t, vigil.Failed, 1, time.Minute)
	if !errors.Is(first.Err, broken) || first.Next.Sub(first.At) != 30*time.Second {
		t.Errorf("%+v", first)
	}
	w.run(t, 10*time.Hour)
	if n := w.count(vigil.Failed); n < 15 || n > 28 {
		t.Errorf("tried %d times in ten hours", n)
	}
	n := w.count(vigil.Failed)
	last := w.until(t, vigil.Failed, n+1, time.Hour).At
	w.devices(t, "\n")
	w.until(t, vigil.Left, 1, time.Minute)
	w.devices(t, "")
	if again := w.until(t, vigil.Failed, n+2, time.Hour).At; again.Sub(last) > 10*time.Minute {
		t.Error("plugged in anew, and tried after", again.Sub(last))
	}
	w.locked(func() { w.fails = nil })
	w.until(t, vigil.Done, 1, time.Hour)
}

// When a turn ended and when the next may be are told from one look at the clock, which goes on meanwhile.
func TestEventHasOneTime(t *testing.T) {
	var looks atomic.Int64
	w := watch(t, direct(t, adbtest.Config{}), "SIM0001", func(o *vigil.Options) {
		now := o.Now
		o.Now = func() time.Time { return now().Add(time.Duration(looks.Add(1)) * time.Microsecond) }
	})
	w.locked(func() { w.fails = errors.New("the repository is away") })
	if e := w.until(t, vigil.Failed, 1, time.Minute); e.Next.Sub(e.At) != 30*time.Second {
		t.Errorf("%+v", e)
	}
	w.locked(func() { w.fails = nil })
	if e := w.until(t, vigil.Done, 1, time.Hour); e.Next.Sub(e.At) != 20*time.Hour {
		t.Errorf("%+v", e)
	}
}

// A phone whose time comes while something else takes long is not forgotten over that: here another phone is told of.
func TestSlowNews(t *testing.T) {
	x := direct(t, adbtest.Config{Serial: "P1"})
	second := adbtest.New(adbtest.Config{Serial: "P2"})
	t.Cleanup(func() { _ = second.Close() })
	x.Also(2, second)
	x.Devices(row("P1", "device", 1) + row("P2", "device", 2))
	var spent atomic.Int64
	told, next := make(chan bool, 1), make(chan time.Duration, 1)
	w := watch(t, x, "P2", func(o *vigil.Options) {
		now, known, unknown, sleep := o.Now, o.Known, o.Unknown, o.Sleep
		o.Sleep = func(ctx context.Context, d time.Duration) error {
			select {
			case <-told:
				next <- d
			default:
			}
			return sleep(ctx, d)
		}
		o.Now = func() time.Time { return now().Add(time.Duration(spent.Load())) }
		o.Known = func(p device.PhoneInfo) (string, bool) {
			spent.CompareAndSwap(0, int64(300*time.Millisecond)) // of the first look: the second phone is that much later than the first
			return known(p)
		}
		o.Unknown = func(p device.PhoneInfo) {
			spent.Add(int64(2 * time.Second))
			unknown(p)
			told <- true
		}
	})
	w.until(t, vigil.Done, 1, 5*time.Minute)
	if d := <-next; d > time.Second {
		t.Errorf("it slept %v while a phone could have had its turn", d)
	}
}

// An unknown phone is told of once per plugging, and has its turn as soon as it has a name.
func TestUnknown(t *testing.T) {
	x := direct(t, adbtest.Config{})
	w := watch(t, x, "", nil)
	w.run(t, time.Hour)
	w.devices(t, "\n")
	w.run(t, time.Minute)
	w.devices(t, "")
	w.run(t, time.Hour)
	w.truly(t, "not told of twice", func() bool { return slices.Equal(w.unknown, []string{"SIM0001", "SIM0001"}) })
	if len(w.all()) > 0 {
		t.Errorf("%+v", w.all())
	}
	w.locked(func() { w.known["SIM0001"] = true })
	w.until(t, vigil.Done, 1, 5*time.Minute)
}

// What the last turn was is asked of whoever knows.
func TestLast(t *testing.T) {
	w := watch(t, direct(t, adbtest.Config{}), "SIM0001", nil)
	broken := errors.New("no key")
	w.locked(func() { w.lastErr = broken })
	if e := w.until(t, vigil.Failed, 1, time.Minute); !errors.Is(e.Err, broken) {
		t.Errorf("%+v", e)
	}
	w.locked(func() { w.lastErr, w.last = nil, w.Now().Add(-19*time.Hour) })
	rested := w.until(t, vigil.Rested, 1, time.Hour)
	if rested.Next != w.last.Add(20*time.Hour) {
		t.Errorf("%+v", rested)
	}
	if done := w.until(t, vigil.Done, 1, 2*time.Hour); done.At.Before(rested.Next) {
		t.Errorf("%+v", done)
	}
	w.locked(func() { w.last = w.Now().Add(1000 * time.Hour) }) // a clock was wrong
	w.until(t, vigil.Done, 2, 21*time.Hour)
}

// Power and battery are waited for, and said once.
func TestBattery(t *testing.T) {
	x := direct(t, adbtest.Config{Battery: adbtest.BatteryText(10, false)})
	w := watch(t, x, "SIM0001", func(o *vigil.Options) { o.Charging, o.MinBattery = true, 30 })
	if e := w.until(t, vigil.Waiting, 1, 9*time.Hour); !errors.Is(e.Err, vigil.ErrNoPower) {
		t.Errorf("%+v", e)
	}
	x.SetBattery(adbtest.BatteryText(10, true))
	if e := w.until(t, vigil.Waiting, 2, 9*time.Hour); !errors.Is(e.Err, vigil.ErrLowBattery) {
		t.Errorf("%+v", e)
	}
	x.SetBattery(adbtest.BatteryText(29, true))
	w.run(t, time.Hour)
	if w.count(vigil.Waiting) != 2 || w.count(vigil.Began) > 0 {
		t.Errorf("%+v", w.all())
	}
	x.SetBattery(adbtest.BatteryText(30, true))
	w.until(t, vigil.Done, 1, 9*time.Hour)

	silent := watch(t, direct(t, adbtest.Config{Without: []string{"dumpsys"}}), "SIM0001", func(o *vigil.Options) { o.MinBattery = 99 })
	silent.until(t, vigil.Done, 1, 9*time.Hour)
}

// row is a line of the adb server's list.
func row(serial, state string, id int) string {
	return fmt.Sprintf("%-22s %s product:sim model:sim device:sim transport_id:%d\n", serial, state, id)
}

// Of five phones two have their turn at once, in the order in which they came.
func TestAtOnce(t *testing.T) {
	x := direct(t, adbtest.Config{Serial: "P1"})
	for i := 2; i <= 5; i++ {
		d := adbtest.New(adbtest.Config{Serial: fmt.Sprintf("P%d", i)})
		t.Cleanup(func() { _ = d.Close() })
		x.Also(i, d)
	}
	x.Devices("\n")
	w := watch(t, x, "P1 P2 P3 P4 P5", nil)
	w.run(t, time.Second)
	gate := make(chan struct{})
	w.locked(func() { w.gate = gate })
	list := ""
	for _, i := range []int{3, 1, 5, 2, 4} {
		list = row(fmt.Sprintf("P%d", i), "device", i) + list
		w.devices(t, list)
		w.until(t, vigil.Came, strings.Count(list, "\n"), time.Minute)
	}
	w.run(t, time.Minute)
	for n := 2; n <= 5; n++ {
		w.truly(t, "the next has no turn", func() bool { return len(w.turns) == n && w.going == 2 })
		w.run(t, time.Hour)
		if n == 2 {
			w.locked(func() { w.fails = errors.New("broken") }) // of the later ones; they go to the back
		}
		gate <- struct{}{}
	}
	gate <- struct{}{}
	w.locked(func() {
		if slices.Sort(w.turns[:2]); !slices.Equal(w.turns[:5], []string{"P1", "P3", "P5", "P2", "P4"}) || w.most != 2 {
			t.Errorf("turns of %q, %d at once", w.turns, w.most)
		}
		w.gate = nil
	})
}

// A phone on a cable and on Wi-Fi has one turn at a time, whichever way is left.
func TestTwoWays(t *testing.T) {
	x := direct(t, adbtest.Config{Serial: "R58M"})
	x.Devices(row("192.168.1.9:5555", "device", 2) + row("R58M", "device", 1))
	w := watch(t, x, "R58M", nil)
	gate := make(chan struct{})
	w.locked(func() { w.gate = gate })
	w.until(t, vigil.Began, 1, time.Minute)
	w.devices(t, row("192.168.1.9:5555", "device", 2))
	w.run(t, 30*time.Hour)
	w.devices(t, row("R58M", "device", 7)+row("192.168.1.9:5555", "offline", 2))
	w.run(t, 30*time.Hour)
	if w.count(vigil.Began) != 1 || w.count(vigil.Unready) > 0 {
		t.Errorf("%+v", w.all())
	}
	close(gate)
	w.until(t, vigil.Done, 1, time.Minute)
}

// Two phones that say they are one have no turn: nobody can tell which is which.
func TestTwins(t *testing.T) {
	x := direct(t, adbtest.Config{Serial: "R58M"})
	x.Devices(row("R58M", "device", 1) + row("R58M", "device", 2))
	w := watch(t, x, "R58M", nil)
	if e := w.until(t, vigil.Unready, 1, time.Minute); !errors.Is(e.Err, vigil.ErrTwins) {
		t.Errorf("%+v", e)
	}
	w.run(t, time.Hour)
	if w.count(vigil.Began) > 0 || w.count(vigil.Unready) != 1 {
		t.Errorf("%+v", w.all())
	}
	w.devices(t, row("R58M", "device", 2))
	w.until(t, vigil.Done, 1, time.Minute)
}

// A phone that cannot be read says why, once, and has its turn when it can.
func TestUnready(t *testing.T) {
	x := direct(t, adbtest.Config{Serial: "R58M"})
	x.Devices(row("R58M", "unauthorized", 1))
	w := watch(t, x, "R58M", nil)
	if e := w.until(t, vigil.Unready, 1, time.Minute); !errors.Is(e.Err, device.ErrUnauthorized) || !strings.Contains(e.Err.Error(), "Allow") {
		t.Errorf("%+v", e)
	}
	w.run(t, time.Hour)
	w.devices(t, row("R58M", "device", 1))
	w.until(t, vigil.Done, 1, time.Minute)
	if w.count(vigil.Unready) != 1 {
		t.Errorf("%+v", w.all())
	}
}

// A computer that slept, and a clock set back by days, cost a moment and no turn.
func TestLeaps(t *testing.T) {
	w := watch(t, direct(t, adbtest.Config{}), "SIM0001", nil)
	w.until(t, vigil.Done, 1, time.Minute)
	w.leap(21 * time.Hour)
	woke := w.Now()
	if done := w.until(t, vigil.Done, 2, 10*time.Minute); done.At.Sub(woke) < 5*time.Second {
		t.Errorf("at once after waking: %+v", done)
	}
	w.leap(-30 * 24 * time.Hour)
	w.until(t, vigil.Done, 3, 10*time.Minute)
}

// A computer that falls asleep while its adb server is asked waits too after it woke.
func TestLeapInALook(t *testing.T) {
	var w *watched
	var woke atomic.Pointer[time.Time]
	sleeping := make(chan struct{}, 1)
	w = watch(t, direct(t, adbtest.Config{}), "SIM0001", func(o *vigil.Options) {
		known := o.Known
		o.Known = func(p device.PhoneInfo) (string, bool) {
			select {
			case <-sleeping:
				w.leap(21 * time.Hour)
				now := w.Now()
				woke.Store(&now)
			default:
			}
			return known(p)
		}
	})
	w.until(t, vigil.Done, 1, time.Minute)
	sleeping <- struct{}{} // in the next look
	done := w.until(t, vigil.Done, 2, 10*time.Minute)
	if at := woke.Load(); at == nil || done.At.Sub(*at) < 5*time.Second {
		t.Errorf("it woke at %v: %+v", at, done)
	}
}

// It ends when the context does, after the turns, and does not tell them done.
func TestEnd(t *testing.T) {
	w := watch(t, direct(t, adbtest.Config{}), "SIM0001", nil)
	w.locked(func() { w.gate = make(chan struct{}) })
	w.until(t, vigil.Began, 1, time.Minute)
	w.cancel()
	err := <-w.end
	if w.going != 0 || !errors.Is(err, context.Canceled) || w.count(vigil.Done) > 0 {
		t.Error(w.going, err)
	}
	w.end <- err
}
