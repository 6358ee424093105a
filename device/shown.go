package device

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"shoebox/device/adb"
)

// Android's gallery shows what MediaStore knows, and MediaStore learns of a file only when it is told to look.

const (
	looks    = 5 // for what was written, a second apart
	lookStep = time.Second
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
	unseen, err := h.show(ctx, written)
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

// show tries one way after the other until all files are known.
func (h *Home) show(ctx context.Context, written []string) (unseen []string, err error) {
	unseen = written
	for _, way := range []func(context.Context, []string) error{h.scanVolumes, h.scanFiles, h.broadcast} {
		if err := way(ctx, unseen); err != nil {
			return unseen, err
		}
		if unseen, err = h.await(ctx, unseen); err != nil || len(unseen) == 0 {
			return unseen, err
		}
	}
	return unseen, nil
}

// scanVolumes has whole storages looked at: Android 10 and later, by most makers.
func (h *Home) scanVolumes(ctx context.Context, files []string) error {
	volumes := make(map[string]bool)
	for _, at := range files {
		volume := "external_primary"
		if card, _, ok := cutCard(strings.TrimPrefix(at, "/")); ok {
			volume = strings.ToLower(card)
		}
		volumes[volume] = true
	}
	for _, volume := range slices.Sorted(maps.Keys(volumes)) {
		if err := h.tell(ctx, "content call --uri content://media --method scan_volume --arg "+adb.Quote(volume)); err != nil {
			return err
		}
	}
	return nil
}

func (h *Home) scanFiles(ctx context.Context, files []string) error {
	for _, at := range files {
		if err := h.tell(ctx, "content call --uri content://media --method scan_file --arg "+adb.Quote(mediaPath(at))); err != nil {
			return err
		}
	}
	return nil
}

// broadcast is how phones before Android 10 were told.
func (h *Home) broadcast(ctx context.Context, files []string) error {
	for _, at := range files {
		if err := h.tell(ctx, "am broadcast -a android.intent.action.MEDIA_SCANNER_SCAN_FILE -d "+adb.Quote("file://"+mediaPath(at))); err != nil {
			return err
		}
	}
	return nil
}

// tell runs a command whose outcome is seen by asking MediaStore.
func (h *Home) tell(ctx context.Context, line string) error {
	_, err := h.phone.device.Run(ctx, adb.Command{Line: line})
	return err
}

// mediaPath is what MediaStore calls a place.
func mediaPath(at string) string {
	if rest, ok := strings.CutPrefix(at, primary+"/"); ok {
		return "/storage/emulated/0/" + rest
	}
	return at
}

// await asks MediaStore a few times, as it may take a moment.
func (h *Home) await(ctx context.Context, files []string) (unseen []string, err error) {
	for i := range looks {
		if unseen, err = h.unknown(ctx, files); err != nil || len(unseen) == 0 || len(unseen) == len(files) && i > 0 {
			return unseen, err
		}
		if err := h.options.Sleep(ctx, lookStep); err != nil {
			return unseen, err
		}
		files = unseen
	}
	return unseen, nil
}

// unknown are the files that MediaStore does not know. It is asked a folder at a time: each question starts a program on the phone.
func (h *Home) unknown(ctx context.Context, files []string) (unseen []string, err error) {
	known, asked := make(map[string]bool), make(map[string]bool)
	for _, at := range files {
		folder, _ := splitPath(mediaPath(at))
		if !asked[folder] {
			asked[folder] = true
			if err := h.askFolder(ctx, folder, known); err != nil {
				return nil, err
			}
		}
		if !known[mediaPath(at)] {
			unseen = append(unseen, at)
		}
	}
	return unseen, nil
}

// askFolder notes all paths below a folder that MediaStore knows. '0' follows '/'.
func (h *Home) askFolder(ctx context.Context, folder string, known map[string]bool) error {
	sql := strings.ReplaceAll(folder, "'", "''")
	where := fmt.Sprintf("_data>='%s/' AND _data<'%s0'", sql, sql)
	out, err := h.phone.device.Output(ctx, "content query --uri content://media/external/file --projection _data --where "+adb.Quote(where))
	if ctx.Err() != nil {
		return err
	}
	for line := range strings.SplitSeq(string(out), "\n") { // a phone that cannot tell shows nothing, which is said
		if _, path, ok := strings.Cut(line, "_data="); ok && strings.HasPrefix(line, "Row: ") {
			known[path] = true
		}
	}
	return nil
}
