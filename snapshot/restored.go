package snapshot

import (
	"sync"

	"shoebox/device"
	"shoebox/repo"
)

// restore is one restore at work.
type restore struct {
	repo    *repo.Repo
	to      Target
	options RestoreOptions

	mu  sync.Mutex
	did Restored
}

func (w *restore) result() Restored {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.did
}

func (w *restore) fail(f device.File, err error) {
	w.mu.Lock()
	w.did.Failed = append(w.did.Failed, Failure{f.Path, err.Error()})
	w.mu.Unlock()
	w.options.Progress.Failed.Add(1)
	w.options.Each(Notice{Failed, f, err})
}

func (w *restore) count(what What, e Entry) {
	w.mu.Lock()
	switch what {
	case New, Changed:
		w.did.Files++
		w.did.Bytes += e.Size
	case Unchanged:
		w.did.Same++
	case Kept:
		w.did.Kept++
	}
	w.mu.Unlock()
	w.options.Progress.Files.Add(1)
	w.options.Progress.Bytes.Add(e.Size)
	w.options.Each(Notice{what, e.File, nil})
}
