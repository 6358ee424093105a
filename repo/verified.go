package repo

import (
	"context"
	"fmt"
	"time"

	"shoebox/repo/pack"
)

// Verified tells since when every byte of a content was read whole on this machine, by a check: the oldest reading of the packs its parts lie in.
// The zero time: some of it never was, as far as this machine remembers.
func (r *Repo) Verified(ctx context.Context, c Content) (time.Time, error) {
	ledger := r.openLedger()
	var oldest int64
	for _, p := range c {
		place, err := r.find(ctx, p.ID)
		if err != nil {
			return time.Time{}, err
		}
		at, ok := ledger.Read[nameText(pack.Name(place.Pack))]
		if !ok {
			return time.Time{}, nil
		}
		if oldest == 0 || at < oldest {
			oldest = at
		}
	}
	if oldest == 0 {
		return time.Time{}, nil
	}
	return time.Unix(oldest, 0), nil
}

// VerifiedAll tells since when every byte of the repository was read whole on this machine, by a check; the zero time: some of it never was.
func (r *Repo) VerifiedAll(ctx context.Context) (time.Time, error) {
	listed, err := r.listPacks(ctx)
	if err != nil || len(listed) == 0 {
		return time.Time{}, err
	}
	return r.openLedger().oldest(listed), nil
}

// Used is how many bytes the objects of the repository take.
func (r *Repo) Used(ctx context.Context) (bytes int64, err error) {
	for o, err := range r.store.List(ctx, "") {
		if err != nil {
			return 0, fmt.Errorf("list the repository: %w", err)
		}
		bytes += o.Size
	}
	return bytes, nil
}
