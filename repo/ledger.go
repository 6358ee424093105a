package repo

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"time"

	"shoebox/repo/pack"
)

// ledger remembers on this machine when each pack was last read whole. Losing it only means reading again sooner.
type ledger struct {
	Read map[string]int64 `json:"read"` // pack -> Unix seconds
}

func nameText(n pack.Name) string { return fmt.Sprintf("%x", n[:]) }

const ledgerName = "read.json"

func (r *Repo) openLedger() ledger {
	var l ledger
	if dir := r.CacheDir(); dir != "" {
		if data, err := os.ReadFile(filepath.Join(dir, ledgerName)); err == nil && json.Unmarshal(data, &l) != nil {
			l = ledger{}
		}
	}
	if l.Read == nil {
		l.Read = make(map[string]int64)
	}
	return l
}

// saveLedger forgets packs that are no more.
func (r *Repo) saveLedger(l ledger, listed map[pack.Name]int64) error {
	there := make(map[string]int64, len(listed))
	for name := range listed {
		if at, ok := l.Read[nameText(name)]; ok {
			there[nameText(name)] = at
		}
	}
	return r.Remember(ledgerName, ledger{there})
}

// Remember writes v as JSON to a file of that name in the cache folder of this repository, whole or not at all. A machine without a
// cache folder remembers nothing.
func (r *Repo) Remember(name string, v any) error {
	dir := r.CacheDir()
	if dir == "" {
		return nil
	}
	path := filepath.Join(dir, name)
	data, err := json.Marshal(v)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(path+".new", data, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("write %s, which this computer remembers things in: %w", path, errors.Join(err, os.Remove(path+".new")))
	}
	return nil
}

// order puts what was read longest ago first; those never read come in a random order, so that several machines together
// read more.
func (l ledger) order(listed map[pack.Name]int64) []pack.Name {
	names := make([]pack.Name, 0, len(listed))
	for name := range listed {
		names = append(names, name)
	}
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	sort.SliceStable(names, func(i, j int) bool { return l.Read[nameText(names[i])] < l.Read[nameText(names[j])] })
	return names
}

func (l ledger) oldest(listed map[pack.Name]int64) time.Time {
	var oldest int64
	for name := range listed {
		at := l.Read[nameText(name)]
		if at == 0 {
			return time.Time{}
		}
		if oldest == 0 || at < oldest {
			oldest = at
		}
	}
	return time.Unix(oldest, 0)
}
