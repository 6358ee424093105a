package vault

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"shoebox/repo/parity"
	"shoebox/repo/storage"
)

// staged is a pack on its way, and the sidecar that is put once the pack is durable.
type staged struct {
	pack    storage.Staged
	sidecar *sidecar // nil without redundancy
}

// Stage is Put in two steps, for packs. Anything else is put at once: it is small.
func (v *Vault) Stage(ctx context.Context, name string, data []byte) (storage.Staged, error) {
	if kindOf(name) != packKind {
		return storage.Durable{}, v.Put(ctx, name, data)
	}
	return v.stage(name, data, func() (storage.Staged, error) { return storage.Stage(ctx, v.store, name, data) })
}

// stage has a pack written, and makes its sidecar meanwhile.
func (v *Vault) stage(name string, data []byte, write func() (storage.Staged, error)) (storage.Staged, error) {
	if !v.Redundant() {
		return write()
	}
	var s *sidecar
	var making errgroup.Group
	making.Go(func() (err error) { // while the store waits for the disk
		s, err = v.sidecarOf(name, data)
		return err
	})
	pack, err := write()
	failed := making.Wait()
	if err == nil && failed == nil {
		return &staged{pack, s}, nil
	}
	if err == nil {
		pack.Discard()
	}
	if failed == nil {
		s.letGo()
	}
	return nil, errors.Join(err, failed)
}

func (s *staged) Commit(ctx context.Context) error {
	if err := s.pack.Commit(ctx); err != nil {
		s.sidecar.letGo()
		return err
	}
	return s.sidecar.put(ctx)
}

func (s *staged) Discard() {
	s.pack.Discard()
	s.sidecar.letGo()
}

// sidecar is one in memory of the vault's.
type sidecar struct {
	vault *Vault
	name  string // of the pack
	room  *[]byte
}

func (v *Vault) sidecarOf(name string, pack []byte) (*sidecar, error) {
	room, _ := v.rooms.Get().(*[]byte)
	if room == nil {
		room = new([]byte)
	}
	made, err := parity.Make(*room, packHash(name), pack)
	if err != nil {
		v.rooms.Put(room)
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	*room = made
	return &sidecar{v, name, room}, nil
}

// put writes it, after the pack.
func (s *sidecar) put(ctx context.Context) error {
	defer s.letGo()
	if err := s.vault.store.Put(ctx, SidecarName(s.name), *s.room); err != nil {
		return fmt.Errorf("parity of %s: %w", s.name, err)
	}
	return nil
}

func (s *sidecar) letGo() { s.vault.rooms.Put(s.room) }
