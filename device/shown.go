package device

import (
	"context"
	"maps"
	"slices"
)

// Flush has the phone write everything to its storage, and MediaStore look at what was written. What the gallery does not show afterwards
// is in Unseen: no error, as the files are there.
func (h *Home) Flush(ctx context.Context) error {
	h.mu.Lock()
	written := slices.Sorted(maps.Values(h.written))
	h.mu.Unlock()
	if len(written) == 0 {
		return nil
	}
	if err := h.phone.device.Sync(ctx); err != nil {
		return h.pathError("flush", "", err)
	}
	m := mediaStore{phone: h.phone, sleep: h.options.Sleep}
	unseen, err := m.settle(ctx, written, true, scanWays)
	if err != nil {
		return h.pathError("flush", "", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unseen = unseen
	return nil
}

// Unseen are the places of files that were written and that the phone's gallery does not know after Flush.
func (h *Home) Unseen() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.unseen)
}
