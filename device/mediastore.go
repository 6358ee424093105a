package device

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"shoebox/device/adb"
)

// Android's gallery shows what MediaStore knows, and MediaStore learns of a file, and of one that is gone, only when it is told to look.

const (
	looks    = 5 // for what is awaited, a second apart
	lookStep = time.Second
	// scanPatience is for one look at a whole storage, on top of the usual wait for an answer.
	scanPatience = 5 * time.Minute
	// maxRows bounds what MediaStore tells of one folder, in bytes: some 500,000 files.
	maxRows = 64 << 20
)

// mediaStore is what a phone's gallery knows. Places are paths on the phone.
type mediaStore struct {
	phone *Phone
	sleep func(ctx context.Context, d time.Duration) error
}

// way has MediaStore look at some places.
type way func(m mediaStore, ctx context.Context, places []string) error

// scanWays are tried one after the other.
var scanWays = []way{mediaStore.scanVolumes, mediaStore.scanFiles, mediaStore.broadcast}

// settle tries one way after the other until MediaStore knows all places (or none of them), and returns those of which it is not so.
func (m mediaStore) settle(ctx context.Context, places []string, known bool, ways []way) (left []string, err error) {
	left = places
	for _, look := range ways {
		if len(left) == 0 {
			break
		}
		if err := look(m, ctx, left); err != nil {
			return left, err
		}
		if left, err = m.await(ctx, left, known); err != nil {
			return left, err
		}
	}
	return left, nil
}

// scanVolumes has whole storages looked at: Android 10 and later, by most makers.
func (m mediaStore) scanVolumes(ctx context.Context, places []string) error {
	volumes := make(map[string]bool)
	for _, at := range places {
		volume := "external_primary"
		if card, _, ok := cutCard(strings.TrimPrefix(at, "/")); ok {
			volume = strings.ToLower(card)
		}
		volumes[volume] = true
	}
	for _, volume := range slices.Sorted(maps.Keys(volumes)) {
		if err := m.tell(ctx, "content call --uri content://media --method scan_volume --arg "+adb.Quote(volume), scanPatience); err != nil {
			return err
		}
	}
	return nil
}

func (m mediaStore) scanFiles(ctx context.Context, places []string) error {
	return m.each(ctx, places, "content call --uri content://media --method scan_file --arg %s", mediaPath)
}

// broadcast is how phones before Android 10 were told.
func (m mediaStore) broadcast(ctx context.Context, places []string) error {
	return m.each(ctx, places, "am broadcast -a android.intent.action.MEDIA_SCANNER_SCAN_FILE -d %s", func(at string) string { return "file://" + mediaPath(at) })
}

// deleteRows takes the rows of files that are gone out of MediaStore. It would take a file along, so the same command line looks that there
// is none.
func (m mediaStore) deleteRows(ctx context.Context, places []string) error {
	for _, at := range places {
		where := "_data='" + strings.ReplaceAll(mediaPath(at), "'", "''") + "'"
		line := fmt.Sprintf("f=%s; [ -e \"$f\" ] || [ -L \"$f\" ] || content delete --uri content://media/external/file --where %s", adb.Quote(at), adb.Quote(where))
		if err := m.tell(ctx, line, 0); err != nil {
			return err
		}
	}
	return nil
}

func (m mediaStore) each(ctx context.Context, places []string, line string, word func(at string) string) error {
	for _, at := range places {
		if err := m.tell(ctx, fmt.Sprintf(line, adb.Quote(word(at))), 0); err != nil {
			return err
		}
	}
	return nil
}

// tell runs a command whose outcome is seen by asking MediaStore.
func (m mediaStore) tell(ctx context.Context, line string, patience time.Duration) error {
	_, err := m.phone.device.Run(ctx, adb.Command{Line: line, Patience: patience})
	if errors.Is(err, adb.ErrTooLong) {
		return nil // the place stays as it is, which is said
	}
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
func (m mediaStore) await(ctx context.Context, places []string, known bool) (left []string, err error) {
	for i := range looks {
		if left, err = m.others(ctx, places, known); err != nil || len(left) == 0 || len(left) == len(places) && i > 0 {
			return left, err
		}
		if err := m.sleep(ctx, lookStep); err != nil {
			return left, err
		}
		places = left
	}
	return left, nil
}

// others are the places that MediaStore does not know, or with known false those that it does. It is asked a folder at a time: each
// question starts a program on the phone. A phone that cannot tell knows nothing when places are to be known; else that is ErrUntold.
func (m mediaStore) others(ctx context.Context, places []string, known bool) (others []string, err error) {
	rows, asked := make(map[string]bool), make(map[string]bool)
	for _, at := range places {
		folder, _ := splitPath(mediaPath(at))
		if !asked[folder] {
			asked[folder] = true
			if err := m.askFolder(ctx, folder, rows); err != nil && !(known && errors.Is(err, ErrUntold)) {
				return places, err
			}
		}
		if rows[mediaPath(at)] != known {
			others = append(others, at)
		}
	}
	return others, nil
}

// askFolder notes all paths below a folder that MediaStore knows. '0' follows '/'.
func (m mediaStore) askFolder(ctx context.Context, folder string, rows map[string]bool) error {
	sql := strings.ReplaceAll(folder, "'", "''")
	where := fmt.Sprintf("_data>='%s/' AND _data<'%s0'", sql, sql)
	out, err := m.phone.device.LongOutput(ctx, "content query --uri content://media/external/file --projection _data --where "+adb.Quote(where), maxRows)
	if ctx.Err() != nil || adb.Unreachable(err) {
		return err
	}
	if !readRows(string(out), rows) {
		return fmt.Errorf("%w what its gallery shows: content printed %s", ErrUntold, excerpt(string(out)))
	}
	return nil
}

// readRows reads "Row: 0 _data=PATH", where a path may hold line feeds: the next row begins with the next number. false means that the answer is
// none.
func readRows(out string, rows map[string]bool) bool {
	if strings.TrimSpace(out) == "No result found." {
		return true
	}
	out, ok := strings.CutPrefix("\n"+out, "\nRow: 0 _data=")
	read := ok
	for n := 1; ok; n++ {
		var path string
		path, out, ok = strings.Cut(out, fmt.Sprintf("\nRow: %d _data=", n))
		if !ok {
			path = strings.TrimSuffix(path, "\n")
		}
		rows[path] = true
	}
	return read
}

// Forget has the phone's gallery forget files that are gone from it, and returns the places (paths on the phone) that it shows nevertheless,
// or may show: with ErrUntold the phone does not tell. A file that is there is left alone.
func (p *Phone) Forget(ctx context.Context, files []File) (left []string, err error) {
	left, err = p.forget(ctx, files)
	if err != nil && ctx.Err() == nil {
		if adb.Unreachable(err) {
			err = reachError(err, p.Name(), ErrPhoneGone)
		}
		if !errors.As(err, new(*PhoneError)) {
			err = fmt.Errorf("have the gallery forget: %w", err)
		}
	}
	return left, err
}

func (p *Phone) forget(ctx context.Context, files []File) ([]string, error) {
	var places []string
	for _, f := range files {
		if err := checkPath(f.Path); err != nil {
			return nil, pathError("forget", f.Path, err)
		}
		places = append(places, remote(f.Path))
	}
	gone, err := p.gone(ctx, places)
	if err != nil {
		return gone, err
	}
	m := mediaStore{phone: p, sleep: p.sleep}
	known, err := m.others(ctx, gone, false)
	if err != nil {
		return gone, err
	}
	return m.settle(ctx, known, false, append(slices.Clone(scanWays), mediaStore.deleteRows))
}

// gone are the places at which the phone says that nothing is.
func (p *Phone) gone(ctx context.Context, places []string) (gone []string, err error) {
	lost := p.device.Stats(ctx, places, func(at string, st adb.Stat, failed error) {
		if failed == nil {
			failed = st.Err()
		}
		if errors.Is(failed, fs.ErrNotExist) {
			gone = append(gone, at)
		}
	})
	return gone, lost
}
