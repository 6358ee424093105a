package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"shoebox/device/adb"
)

var errMissing = fmt.Errorf("%w on the phone", fs.ErrNotExist)

// measure corrects the sizes and times of phones whose listing has 32 bits for
// each: a phone with stat_v2 is asked about every file; of an older one only the
// files above 4 GiB are, which it must find.
func (s *scan) measure() error {
	switch d := s.phone.device; {
	case d.Has("ls_v2"):
		return nil
	case d.Has("stat_v2"):
		return s.restat()
	default:
		return s.measureLarge()
	}
}

func (s *scan) restat() error {
	var paths []string
	var at []int
	for i, r := range s.results {
		if r.err == nil {
			paths = append(paths, remote(r.file.Path))
			at = append(at, i)
		}
	}
	next := 0
	return s.phone.device.Stats(s.ctx, paths, func(_ string, st adb.Stat, err error) {
		s.results[at[next]].correct(st, err)
		next++
	})
}

func (r *result) correct(st adb.Stat, err error) {
	if err == nil {
		err = vanished(st.Err())
	}
	if err != nil {
		r.err = &Problem{Path: r.file.Path, Err: err}
		return
	}
	r.file.Size, r.file.ModTime, r.file.Mode = st.Size, st.ModTime, st.Mode&0o777
}

// largeBlocks is one less than the blocks of 512 bytes in 4 GiB: an old phone
// counts in 32 bits, so its find is asked in blocks.
const largeBlocks = 1<<32/512 - 1

// measureLarge finds the files above 4 GiB and asks for their sizes. A phone too
// old for find and stat keeps its listing: reading such a file then ends in an
// error, never in half of it.
func (s *scan) measureLarge() error {
	for _, dir := range s.storages() {
		line := fmt.Sprintf("cd %s && find . -type f -size +%d -print0 2>/dev/null", adb.Quote(dir), largeBlocks)
		out, err := s.phone.device.Output(s.ctx, line)
		if err != nil {
			if stop := s.shellError(err); stop != nil {
				return stop
			}
			continue
		}
		if err := s.measureNamed(dir, out); err != nil {
			return err
		}
	}
	return nil
}

// storages are the phone's own storage and the cards on which files were found.
func (s *scan) storages() []string {
	dirs := []string{primary}
	for _, r := range s.results {
		if card, _, ok := cutCard(r.file.Path); ok && !slices.Contains(dirs, cards+"/"+card) {
			dirs = append(dirs, cards+"/"+card)
		}
	}
	return dirs
}

// measureNamed asks for the size of each file in a list of names, each ended by
// a zero byte.
func (s *scan) measureNamed(dir string, list []byte) error {
	for name := range bytes.SplitSeq(list, []byte{0}) {
		path, ok := strings.CutPrefix(string(name), "./")
		if !ok {
			continue
		}
		r := s.result(local(dir + "/" + path))
		if r == nil {
			continue
		}
		size, err := s.shellSize(dir + "/" + path)
		if err != nil {
			if stop := s.shellError(err); stop != nil {
				return stop
			}
			r.err = &Problem{Path: r.file.Path, Err: err}
			continue
		}
		if size&(1<<32-1) == r.file.Size { // else it changed meanwhile, which reading will find
			r.file.Size = size
		}
	}
	return nil
}

func (s *scan) result(path string) *result {
	for i := range s.results {
		if s.results[i].file.Path == path && s.results[i].err == nil {
			return &s.results[i]
		}
	}
	return nil
}

func (s *scan) shellSize(path string) (int64, error) {
	out, err := s.phone.device.Output(s.ctx, "stat -c %s -- "+adb.Quote(path))
	if err != nil {
		return 0, err
	}
	size, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil || size < 0 {
		return 0, fmt.Errorf("%w: a size of %q", adb.ErrProtocol, out)
	}
	return size, nil
}

// shellError keeps an error that ends the listing and drops one that means only
// that the phone's shell cannot do it.
func (s *scan) shellError(err error) error {
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	for _, end := range []error{adb.ErrGone, adb.ErrOffline, adb.ErrStalled, adb.ErrNoServer, adb.ErrUnauthorized} {
		if errors.Is(err, end) {
			return err
		}
	}
	return nil
}

// maxLinks is how many symlinks are asked for their target, each a command of its
// own: storage on phones has none, as a rule.
const maxLinks = 1000

// readLinks asks where the symlinks lead, which sync does not tell.
func (s *scan) readLinks() error {
	for n, i := range s.links {
		r := &s.results[i]
		if r.err != nil {
			continue
		}
		target, err := "", errors.New("one symlink of too many")
		if n < maxLinks {
			target, err = s.readLink(s.ctx, remote(r.file.Path))
		}
		if err != nil {
			if stop := s.shellError(err); stop != nil {
				return stop
			}
			r.err = &Problem{Path: r.file.Path, Err: err}
			continue
		}
		r.file.Target, r.file.Size = target, int64(len(target))
	}
	return nil
}

func (s *scan) readLink(ctx context.Context, path string) (string, error) {
	out, err := s.phone.device.Output(ctx, "readlink -- "+adb.Quote(path))
	if err != nil {
		return "", err
	}
	target, ended := strings.CutSuffix(string(out), "\n")
	if !ended || target == "" || len(target) > adb.MaxPath*4 || strings.ContainsRune(target, 0) {
		return "", fmt.Errorf("%w: the target of a symlink", adb.ErrProtocol)
	}
	return target, nil
}
