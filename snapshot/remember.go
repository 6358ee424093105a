package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"shoebox/repo"
)

// This computer remembers which confirmed snapshots it has seen, so that it notices when one is gone that nobody forgot, also
// the newest. Losing the memory only means noticing less.

const seenName = "snapshots.json"

// seen reads the memory. What cannot be understood is no memory.
func seen(r *repo.Repo) (names []string, err error) {
	if r.CacheDir() == "" {
		return nil, nil
	}
	data, err := os.ReadFile(filepath.Join(r.CacheDir(), seenName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read which snapshots this computer has seen: %w", err)
	}
	if json.Unmarshal(data, &names) != nil {
		return nil, nil
	}
	return slices.DeleteFunc(names, func(name string) bool { return !isName(name) }), nil
}

// missed names what this computer has seen and that is neither there, whatever its state, nor forgotten.
func missed(ctx context.Context, r *repo.Repo, v *survey) (gone []string, err error) {
	names, err := seen(r)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool)
	for _, s := range v.live {
		there[s.Name] = true
	}
	for _, d := range v.damaged {
		there[filepath.Base(d.Name)] = true
	}
	names = slices.DeleteFunc(names, func(name string) bool { return there[name] })
	if !slices.ContainsFunc(names, func(name string) bool { return !v.isForgotten(name) }) {
		return nil, nil
	}
	err = v.readTombstones(ctx, r) // it may have been forgotten and pruned since they were listed
	return slices.DeleteFunc(names, v.isForgotten), err
}

// remember adds the confirmed snapshots of a survey to the memory, or puts them in its place.
func remember(r *repo.Repo, v *survey, anew bool) error {
	if r.CacheDir() == "" {
		return nil
	}
	all := make(map[string]bool)
	if !anew {
		names, err := seen(r)
		if err != nil {
			return err
		}
		for _, name := range names {
			if !v.isForgotten(name) {
				all[name] = true
			}
		}
	}
	for _, s := range v.confirmed() {
		all[s.Name] = true
	}
	return r.Remember(seenName, slices.Sorted(maps.Keys(all)))
}
