package snapshot

import "errors"

// differ walks the older snapshot beside the newer one. Its methods report whether to go on.
type differ struct {
	pull func() (located, error, bool)
	old  *Entry
	has  bool
}

func (d *differ) advance(yield func(Change, error) bool) bool {
	for {
		e, err, ok := d.pull()
		d.old, d.has = e.Entry, ok
		if err == nil {
			return true
		}
		if !yield(Change{}, err) {
			return false
		}
	}
}

// meet tells of everything up to one entry of the newer snapshot.
func (d *differ) meet(e Entry, yield func(Change, error) bool) bool {
	for d.has && d.old.Path < e.Path {
		if !yield(Change{What: Gone, Old: *d.old}, nil) || !d.advance(yield) {
			return false
		}
	}
	if !d.has || d.old.Path != e.Path {
		return yield(Change{What: New, New: e}, nil)
	}
	old := *d.old
	content := old.Hash != e.Hash || old.Target != e.Target || old.Type != e.Type
	if content || !sameFile(old.File, e.File) {
		if !yield(Change{Changed, old, e, content}, nil) {
			return false
		}
	}
	return d.advance(yield)
}

func isNoSuchPath(err error) bool { return errors.Is(err, ErrNoSuchPath) }
