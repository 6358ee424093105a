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

func (r *Repo) ledgerPath() string {
	if r.options.CacheDir == "" {
		return ""
	}
	return filepath.Join(r.options.CacheDir, r.keys.Repository.String(), "read.json")
}

func (r *Repo) openLedger() ledger {
	var l ledger
	if data, err := os.ReadFile(r.ledgerPath()); err == nil && json.Unmarshal(data, &l) != nil {
		l = ledger{}
	}
	if l.Read == nil {
		l.Read = make(map[string]int64)
	}
	return l
}

// saveLedger forgets packs that are no more. A machine without a cache folder remembers nothing.
func (r *Repo) saveLedger(l ledger, listed map[pack.Name]int64) error {
	path := r.ledgerPath()
	if path == "" {
		return nil
	}
	there := make(map[string]int64, len(listed))
	for name := range listed {
		if at, ok := l.Read[nameText(name)]; ok {
			there[nameText(name)] = at
		}
	}
	data, err := json.Marshal(ledger{there})
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = os.WriteFile(path+".new", data, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("remember which packs were read: %w", errors.Join(err, os.Remove(path+".new")))
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
