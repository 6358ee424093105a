package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"shoebox/device/adb"
)

// PhoneInfo is one phone as adb sees it, in whatever state. The same phone on a
// cable and over Wi-Fi is one.
type PhoneInfo struct {
	Identity string // what the phone calls itself wherever it is plugged in; the key of an alias
	Serial   string // what adb calls the way to it: choose it by this
	Model    string
	State    error    // nil: ready. Else as in PhoneError.State.
	USB      bool     // on a cable
	Others   []string // further ways to the same phone, by serial
	// SameSerial says that another connected phone has the same serial, or says so of
	// itself: both are then called by Select only.
	SameSerial bool

	told  bool   // Identity is what the phone said, not what it is called for want of an answer
	drawn string // what Android drew on first start; asked only of phones that say they are the same
	info  adb.Info
}

// Told says whether the phone itself told its Identity. One that is busy or broken may not, and is then called by its serial.
func (p PhoneInfo) Told() bool { return p.told }

// Connection is another text after each time the phone was connected anew, where the adb server tells that.
func (p PhoneInfo) Connection() string {
	return fmt.Sprintf("%s transport_id:%d", p.Serial, p.info.TransportID)
}

// Select is what chooses this very phone in PhoneOptions.Serial.
func (p PhoneInfo) Select() string {
	if p.SameSerial && p.info.TransportID != 0 {
		return fmt.Sprintf("transport_id:%d", p.info.TransportID)
	}
	return p.Serial
}

// Name is what to call the phone in a message.
func (p PhoneInfo) Name() string {
	if p.Model == "" {
		return p.Select()
	}
	return p.Model + ", " + p.Select()
}

// Err is nil for a phone that is ready, else says what to do.
func (p PhoneInfo) Err() error {
	if p.State == nil {
		return nil
	}
	return phoneError(p.State, p.Name(), nil)
}

const (
	maxPhones = 64 // more are not looked at

	askTime    = 5 * time.Second        // for the properties of one phone
	settleTime = 3 * time.Second        // for a phone that is just connecting
	settleStep = 200 * time.Millisecond // between looks at it
)

// Phones lists every phone, after starting the adb server if none runs. No phone
// is an empty list.
func Phones(ctx context.Context, server *adb.Server) ([]PhoneInfo, error) {
	infos, err := devices(ctx, server)
	if err != nil {
		return nil, reachError(err, "", ErrNoServer)
	}
	var phones []PhoneInfo
	for _, info := range infos[:min(len(infos), maxPhones)] {
		if info.State == adb.StateHost {
			continue
		}
		p, err := look(ctx, server, info)
		if err != nil {
			return nil, err
		}
		phones = append(phones, p)
	}
	tellApart(ctx, server, phones)
	return mergePhones(phones), ctx.Err()
}

// devices asks for the list. A server just started knows a phone only after a
// moment, and so does one to which a phone is just connecting.
func devices(ctx context.Context, server *adb.Server) ([]adb.Info, error) {
	started, err := ready(ctx, server)
	if err != nil {
		return nil, err
	}
	until := time.Now().Add(settleTime)
	for {
		infos, err := server.Devices(ctx)
		if err != nil || !settling(infos, started) || time.Now().After(until) {
			return infos, err
		}
		select {
		case <-time.After(settleStep):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func ready(ctx context.Context, server *adb.Server) (started bool, err error) {
	_, err = server.Version(ctx)
	if !errors.Is(err, adb.ErrNoServer) {
		return false, err
	}
	return true, server.Ready(ctx)
}

func settling(infos []adb.Info, started bool) bool {
	if started && len(infos) == 0 {
		return true
	}
	return slices.ContainsFunc(infos, func(i adb.Info) bool {
		return i.State == adb.StateConnecting || i.State == adb.StateAuthorizing || (started && i.State == adb.StateOffline)
	})
}

// look finds out who a phone is. One that does not say is called by its serial.
func look(ctx context.Context, server *adb.Server, info adb.Info) (PhoneInfo, error) {
	p := PhoneInfo{
		Identity: info.Serial, Serial: info.Serial, USB: info.USB(), info: info,
		Model: strings.ReplaceAll(info.Model, "_", " "), State: stateOf(info),
	}
	if p.State != nil {
		return p, nil
	}
	short, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if id := askIdentity(short, server, info); id != "" {
		p.Identity, p.told = id, true
	}
	return p, ctx.Err()
}

func stateOf(info adb.Info) error {
	switch info.State {
	case adb.StateDevice:
		return nil
	case adb.StateUnauthorized, adb.StateAuthorizing:
		return ErrUnauthorized
	case adb.StateOffline:
		return ErrOffline
	case adb.StateNoPermissions:
		return ErrNoPermissions
	}
	return ErrNotReady
}

// askIdentity asks for the serial a phone was made with. Cheap phones share
// one; to those the identity that Android drew on first start is added.
func askIdentity(ctx context.Context, server *adb.Server, info adb.Info) string {
	d, err := server.Open(ctx, info)
	if err != nil {
		return ""
	}
	serial, err := d.Property(ctx, "ro.serialno")
	if err != nil || !sharedSerial(serial) {
		return serial
	}
	id := askDrawn(ctx, d)
	if id == "" {
		return serial
	}
	return strings.Trim(serial+"-"+id, "-")
}

// askDrawn asks for the identity that Android drew on first start; "" where it is not told.
func askDrawn(ctx context.Context, d *adb.Device) string {
	drawn, err := d.Output(ctx, "settings get secure android_id")
	id := strings.TrimSpace(string(drawn))
	if err != nil || len(id) > 64 || strings.ContainsAny(id, " \n\t:") {
		return ""
	}
	return id
}

// tellApart asks two ways that would be taken for one phone's, by the serial it was made with, whether they are.
func tellApart(ctx context.Context, server *adb.Server, phones []PhoneInfo) {
	twin := make([]bool, len(phones))
	for i, p := range phones {
		for j := range i {
			if p.sameAs(phones[j]) {
				twin[i], twin[j] = true, true
			}
		}
	}
	for i := range phones {
		if !twin[i] {
			continue
		}
		short, cancel := context.WithTimeout(ctx, askTime)
		if d, err := server.Open(short, phones[i].info); err == nil {
			phones[i].drawn = askDrawn(short, d)
		}
		cancel()
	}
}

// sharedSerial knows the serials that makers did not trouble to set.
func sharedSerial(serial string) bool {
	switch strings.ToLower(serial) {
	case "", "unknown", "0", "0123456789abcdef", "1234567890abcdef", "123456789abcdef", "0123456789", "1234567890", "00000000":
		return true
	}
	return false
}

// mergePhones makes one of a phone seen on a cable and over Wi-Fi, the cable
// first. Two on cables with one serial are two phones, and so are two for which Android drew different identities.
func mergePhones(phones []PhoneInfo) []PhoneInfo {
	slices.SortStableFunc(phones, func(a, b PhoneInfo) int {
		return cmp.Or(-cmpBool(a.State == nil, b.State == nil), -cmpBool(a.USB, b.USB))
	})
	var merged []PhoneInfo
	for _, p := range phones {
		if at := slices.IndexFunc(merged, p.sameAs); at >= 0 {
			merged[at].Others = append(merged[at].Others, p.Serial)
			continue
		}
		merged = append(merged, p)
	}
	for i := range merged {
		merged[i].SameSerial = sharesSerial(merged, i)
	}
	return merged
}

// sameAs says whether two ways lead to one phone: at most one can be a cable.
func (p PhoneInfo) sameAs(q PhoneInfo) bool {
	return p.Identity == q.Identity && p.State == nil && q.State == nil && !(p.USB && q.USB) && (p.drawn == q.drawn || p.drawn == "" || q.drawn == "")
}

func sharesSerial(phones []PhoneInfo, i int) bool {
	for j, p := range phones {
		if q := phones[i]; j != i && (p.Serial == q.Serial || p.told && q.told && p.Identity == q.Identity) {
			return true
		}
	}
	return false
}

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// choosePhone picks the phone that is meant.
func choosePhone(phones []PhoneInfo, choice string) (PhoneInfo, error) {
	var fits []PhoneInfo
	for _, p := range phones {
		if choice == "" || p.called(choice) {
			fits = append(fits, p)
		}
	}
	if choice == "" && len(fits) > 1 {
		fits = preferReady(fits)
	}
	switch {
	case len(fits) == 1:
		return fits[0], fits[0].Err()
	case len(fits) > 1:
		return PhoneInfo{}, severalPhones(fits)
	case choice != "" && len(phones) > 0:
		err := phoneError(ErrNoPhone, choice, nil)
		err.Next = "Connected are:" + listPhones(phones)
		return PhoneInfo{}, err
	}
	return PhoneInfo{}, phoneError(ErrNoPhone, choice, nil)
}

func (p PhoneInfo) called(name string) bool {
	if name == p.Select() || name == fmt.Sprintf("transport_id:%d", p.info.TransportID) {
		return true
	}
	return name == p.Serial || name == p.Identity || slices.Contains(p.Others, name)
}

// preferReady leaves out a way that is dead, such as a phone's old Wi-Fi address,
// when exactly one phone is ready and the others do not even answer.
func preferReady(phones []PhoneInfo) []PhoneInfo {
	alive := slices.DeleteFunc(slices.Clone(phones), func(p PhoneInfo) bool { return p.State == ErrOffline })
	if len(alive) == 0 {
		return phones
	}
	return alive
}

// sharedSerial is what a phone shares with another: what both say they are, or what adb calls both.
func (p PhoneInfo) sharedSerial(phones []PhoneInfo) string {
	for _, q := range phones {
		if q.Identity == p.Identity && q.info.TransportID != p.info.TransportID {
			return p.Identity
		}
	}
	return p.Serial
}

func severalPhones(phones []PhoneInfo) error {
	err := phoneError(ErrSeveralPhones, "", nil)
	err.Phones = phones
	err.Next += listPhones(phones)
	return err
}

func listPhones(phones []PhoneInfo) string {
	var b strings.Builder
	for _, p := range phones {
		fmt.Fprintf(&b, "\n  %s", p.Select())
		if p.Model != "" {
			fmt.Fprintf(&b, "  %s", p.Model)
		}
		if p.SameSerial {
			fmt.Fprintf(&b, "  (serial %s, which two phones share)", p.sharedSerial(phones))
		}
		if p.State != nil {
			fmt.Fprintf(&b, "  (%v)", p.State)
		}
	}
	return b.String()
}
