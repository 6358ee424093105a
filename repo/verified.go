package repo

import (
	"context"
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
