package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/snapshot"
)

func TestTextsForPeople(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{durationText(1400 * time.Millisecond), "1.4 s"}, {durationText(61 * time.Second), "61 s"}, {durationText(5 * time.Minute), "5 min"}, {durationText(3 * time.Hour), "3 h"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestAmounts(t *testing.T) {
	for text, want := range map[string]repo.Budget{
		"": {}, "all": {All: true}, "5%": {Share: 0.05}, "100%": {Share: 1}, "10m": {Time: 10 * time.Minute}, "1h30m": {Time: 90 * time.Minute},
		"2GiB": {Bytes: 2 << 30}, "2G": {Bytes: 2 << 30}, "500MB": {Bytes: 500_000_000}, "1.5KiB": {Bytes: 1536}, "700B": {Bytes: 700},
	} {
		if got, err := parseBudget(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"lots", "0%", "101%", "-5%", "%", "-1h", "0s", "5", "GiB", "-2GiB", "2XiB", "2iB", "2GiBB", "2BG", "9999999999TiB", "NaN%", "NaNGiB"} {
		if got, err := parseBudget(text); err == nil {
			t.Errorf("%q is understood as %+v", text, got)
		}
	}
}

func TestExitCodes(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want int
	}{
		{t.Context(), errors.New("x"), exitFailed},
		{t.Context(), fmt.Errorf("open: %w", repo.ErrNoRepository), exitNoRepository},
		{t.Context(), fmt.Errorf("open: %w", crypt.ErrWrongKey), exitPassword},
		{t.Context(), crypt.ErrNoPassword, exitPassword},
		{t.Context(), errNoSecret, exitPassword},
		{t.Context(), &device.PhoneError{State: device.ErrNoPhone}, exitPhone},
		{t.Context(), fmt.Errorf("backup: %w", snapshot.ErrLost), exitPhone},
		{t.Context(), fmt.Errorf("page: %w", crypt.ErrDamaged), exitDamage},
		{t.Context(), fmt.Errorf("chunk: %w", repo.ErrMissing), exitDamage},
		{t.Context(), &exitError{code: exitSome}, exitSome},
		{t.Context(), fs.ErrPermission, exitFailed},
		{over, errors.New("x"), exitInterrupted},
		{over, context.Canceled, exitInterrupted},
	} {
		if got := codeOf(c.ctx, c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
	phone, some := &device.PhoneError{State: device.ErrNoPhone}, &exitError{code: exitSome}
	if codeOf(t.Context(), worse(phone, some)) != exitPhone || codeOf(t.Context(), worse(some, phone)) != exitPhone || worse(nil, some) != error(some) {
		t.Error("a missing phone is worse than an unread file")
	}
}

// What is put into a unit or a crontab comes out as it was, whatever characters are in it.
func TestQuotes(t *testing.T) {
	if got, want := systemdQuote(`a "b" $c %d \e`), `"a \"b\" $$c %%d \\e"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := cronQuote(`it's 5%`), `'it'\''s 5\%'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestJSONTimeOfAnyYear(t *testing.T) {
	for _, seconds := range []int64{0, -1e11, 3e11, 1 << 60} {
		if _, err := json.Marshal(jsonTime(time.Unix(seconds, 0))); err != nil {
			t.Errorf("%d: %v", seconds, err)
		}
	}
}
