package device

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"shoebox/device/adb"
)

// ErrUntold is wrapped when a phone does not tell what it was asked, in words known here.
var ErrUntold = errors.New("the phone does not tell")

// Space is the room on one storage, in bytes.
type Space struct {
	Free, Total int64 // Free is what can still be written
}

// Space asks for the room on the storage that a path, as in File, lies on; "" is the phone's own. ErrUntold where df is missing or odd.
func (p *Phone) Space(ctx context.Context, path string) (Space, error) {
	out, err := p.tells(ctx, "df -k "+adb.Quote(storageOf(path)))
	if err != nil {
		return Space{}, err
	}
	s, ok := parseSpace(out)
	if !ok {
		return Space{}, fmt.Errorf("%w how much room it has: df printed %s", ErrUntold, excerpt(out))
	}
	return s, nil
}

// parseSpace finds size, used and available, in KiB, before the percentage. The name in front may be long, and stand on a line of its own.
func parseSpace(out string) (s Space, ok bool) {
	_, body, _ := strings.Cut(out, "\n") // the heading
	words := strings.Fields(body)
	for i := 3; i < len(words); i++ {
		if !strings.HasSuffix(words[i], "%") {
			continue
		}
		total, all := parseKiB(words[i-3])
		_, used := parseKiB(words[i-2])
		free, left := parseKiB(words[i-1])
		if all && used && left && free <= total {
			return Space{Free: free, Total: total}, true
		}
	}
	return Space{}, false
}

// parseKiB reads a number of KiB as bytes; an exbibyte and more is no phone's.
func parseKiB(word string) (int64, bool) {
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil || n < 0 || n >= 1<<50 {
		return 0, false
	}
	return n << 10, true
}

// Battery is how a phone stands.
type Battery struct {
	Level    int  // per cent
	Charging bool // on power, charging or full
	Known    bool // false: the phone does not tell
}

// Battery asks how charged a phone is. One that does not tell is no error.
func (p *Phone) Battery(ctx context.Context) (Battery, error) {
	out, err := p.tells(ctx, "dumpsys battery")
	if errors.Is(err, ErrUntold) {
		return Battery{}, nil
	}
	return parseBattery(out), err
}

func parseBattery(out string) (b Battery) {
	level, scale := -1, 100
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		switch {
		case key == "level" && err == nil:
			level = n
		case key == "scale" && err == nil && n > 0:
			scale = n
		case key == "status" && (n == 2 || n == 5), strings.HasSuffix(key, "powered") && value == "true": // charging, full
			b.Charging = true
		}
	}
	if level < 0 || level > scale || scale > 1<<20 {
		return Battery{}
	}
	b.Level, b.Known = level*100/scale, true
	return b
}

// tells is what a command prints that a phone need not know; ErrUntold when it fails or prints nothing.
func (p *Phone) tells(ctx context.Context, line string) (string, error) {
	out, err := p.device.Output(ctx, line)
	switch {
	case err != nil && ctx.Err() != nil:
		return "", ctx.Err()
	case adb.Unreachable(err):
		return "", reachError(err, p.Name(), ErrPhoneGone)
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrUntold, err)
	case len(out) == 0:
		return "", fmt.Errorf("%w: %s printed nothing", ErrUntold, line)
	}
	return string(out), nil
}

// excerpt is the beginning of what a phone printed, fit for a message.
func excerpt(out string) string {
	const most = 120
	if len(out) > most {
		out = out[:most] + "…"
	}
	return strconv.Quote(out)
}
