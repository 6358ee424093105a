package vault

import (
	"context"
	"fmt"

	"shoebox/repo/storage"
)

// draft is a pack that is being written. Its sidecar needs all of it.
type draft struct {
	storage.Draft
	vault *Vault
}

// Draft is Stage for a pack of which there is only a part yet.
func (v *Vault) Draft(ctx context.Context, dir string) (storage.Draft, error) {
	d, err := storage.BeginDraft(ctx, v.store, dir)
	if d == nil || err != nil {
		return nil, err
	}
	return &draft{d, v}, nil
}

func (d *draft) Stage(ctx context.Context, name string, all []byte) (storage.Staged, error) {
	if kindOf(name) != packKind {
		d.Discard()
		return nil, fmt.Errorf("stage %s: only packs are drafted", name)
	}
	return d.vault.stage(name, all, func() (storage.Staged, error) { return d.Draft.Stage(ctx, name, all) })
}
