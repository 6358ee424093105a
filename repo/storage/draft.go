package storage

import (
	"context"
	"fmt"
	"path"

	"shoebox/repo/guard"
)

// draft is a file that is being written, without a name of its own yet.
type draft struct {
	staged
	written int // bytes
}

// Draft begins a file under a temporary name in dir. It moves to where it belongs when it has a name: that may be in a directory further down.
func (f *Folder) Draft(ctx context.Context, dir string) (Draft, error) {
	if !guard.On(guard.TemporaryName) {
		return nil, nil
	}
	if err := ready(ctx, dir); err != nil {
		return nil, fmt.Errorf("begin a draft: %w", err)
	}
	if err := f.reach(dir); err != nil {
		return nil, putError(dir, err)
	}
	s, err := f.createIn(dir, "")
	if err != nil {
		return nil, putError(dir, err)
	}
	return &draft{staged: *s}, nil
}

func (d *draft) Write(data []byte) (int, error) {
	n, err := d.file.Write(data)
	d.written += n
	if err != nil {
		err = putError(d.tmp, err)
	}
	return n, err
}

func (d *draft) Stage(ctx context.Context, name string, all []byte) (Staged, error) {
	err := ready(ctx, name)
	if err == nil && len(all) < d.written {
		err = fmt.Errorf("%d bytes, of which %d were written", len(all), d.written)
	}
	if err == nil {
		err = d.folder.reach(path.Dir(name))
	}
	if err != nil {
		d.Discard()
		return nil, putError(name, err)
	}
	d.name = name
	return d.write(all[d.written:])
}
