// Package gallery shows what a repository holds in a browser: pictures by the day they were taken, snapshots, what changed last night, and the way
// to get a picture back. It does not know packs and keys, nor how a phone is reached: what is plugged in, and where restored files go, comes in from
// outside. It changes nothing in the repository but by a backup that a person asks for.
package gallery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"shoebox/gallery/gate"
	"shoebox/gallery/library"
	"shoebox/gallery/shelf"
	"shoebox/gallery/thumb"
	"shoebox/repo"
	"shoebox/snapshot"
)

// Options say what is shown, and to whom. Open and Hosts must be given; the rest of the zero value works.
type Options struct {
	Open     func(context.Context) (*repo.Repo, error) // opens the repository: at the start, and again when it was gone
	CacheDir string                                    // where thumbnails and the compact catalog are kept, sealed; "" for the repository's own
	Cache    int64                                     // bytes of it; 0 for 1 GiB
	Zone     *time.Location                            // in which times are shown; nil for the machine's
	Now      func() time.Time                          // nil for the system's clock
	Poll     time.Duration                             // between two looks for new snapshots; 0 for 5 s
	Limits   thumb.Limits                              // of decoding a picture
	FFmpeg   string                                    // the program that shows a frame of a film; "" for none
	Idle     bool                                      // make thumbnails ahead while nothing else is asked

	Hosts    []string // exactly what requests may name as their host
	Cookie   string   // its name; "" for "shoebox"
	TLS      bool
	Password string // opens the gallery beside tokens; "" for tokens alone

	Phones    Phones      // nil: phones are not spoken of
	Restore   RestoreFunc // nil: nothing can be restored to this machine
	PutBack   PutBackFunc // nil: nothing can be put back onto a phone
	RestoreTo string      // in words: the folder that restored files go below
	Metrics   MetricsFunc // nil: there is no /metrics
	Log       func(line string)
}

// Server is the gallery. It may serve many requests at once.
type Server struct {
	o       Options
	gate    *gate.Gate
	maker   *thumb.Maker
	routes  http.Handler
	busy    chan struct{} // bounds requests at once
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	poke    chan struct{} // asks for a look before its time
	asked   activity
	jobs    jobs
	views   views
	nights  nights
	listed  listings
	metrics metrics

	mu         sync.Mutex
	lease      *lease
	shelf      *shelf.Shelf
	library    *library.Library
	generation int64
	trouble    error // why the repository cannot be reached; nil when it can
}

// lease is an open repository and those who use it.
type lease struct {
	repo  *repo.Repo
	users sync.WaitGroup
}

// maxRequests bounds requests that are answered at once.
const maxRequests = 64

// New opens the repository and makes a server. The catalog may still be read in the background when it returns.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Poll == 0 {
		o.Poll = 5 * time.Second
	}
	if o.Cookie == "" {
		o.Cookie = "shoebox"
	}
	if o.Cache == 0 {
		o.Cache = 1 << 30
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	r, err := o.Open(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, maker: thumb.NewMaker(o.Limits), busy: make(chan struct{}, maxRequests), poke: make(chan struct{}, 1), lease: &lease{repo: r}}
	if err := s.openShelf(r); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	s.gate = gate.New(gate.Options{Hosts: o.Hosts, Cookie: o.Cookie, TLS: o.TLS, Password: o.Password, Open: []string{"/static/", "/favicon.ico"}, Programs: s.programs(),
		Door: http.HandlerFunc(s.door)})
	s.routes = s.gate.Guard(s.limited(s.mux()))
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.fromShelf(ctx, r)
	s.running.Go(s.watch)
	if o.Idle {
		s.running.Go(s.ahead)
	}
	return s, nil
}

// openShelf opens the sealed cache, in the folder of this repository unless another is named.
func (s *Server) openShelf(r *repo.Repo) (err error) {
	dir := s.o.CacheDir
	if dir == "" && r.CacheDir() != "" {
		dir = filepath.Join(r.CacheDir(), "gallery")
	}
	if dir == "" {
		return errors.New("the gallery needs a folder for its cache; name one with --cache-dir")
	}
	s.shelf, err = shelf.Open(dir, r.Key("gallery cache"), s.o.Cache)
	return err
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

// Token gives a token that opens the gallery once, in a browser that is sent to /#TOKEN.
func (s *Server) Token() string { return s.gate.Token() }

// Close ends what runs in the background and closes the repository. Requests must have ended.
func (s *Server) Close() error {
	s.stop()
	s.running.Wait()
	s.mu.Lock()
	l := s.lease
	s.mu.Unlock()
	l.users.Wait()
	return errors.Join(l.repo.Close(), s.shelf.Close())
}

// limited bounds how many requests are answered at once.
func (s *Server) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.busy <- struct{}{}:
			defer func() { <-s.busy }()
			if r.URL.Path != "/api/state" && r.URL.Path != metricsPath { // these are asked for all the time
				s.asked.note()
			}
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

// borrow gives the repository. It stays open until giveBack is called.
func (s *Server) borrow() (r *repo.Repo, giveBack func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lease
	l.users.Add(1)
	return l.repo, l.users.Done
}

// replace puts a repository that was opened again in the place of the old one, which is closed when nobody uses it.
func (s *Server) replace(r *repo.Repo) {
	s.mu.Lock()
	old := s.lease
	s.lease = &lease{repo: r}
	s.mu.Unlock()
	s.running.Go(func() {
		old.users.Wait()
		if err := old.repo.Close(); err != nil {
			s.o.Log(fmt.Sprintf("the repository as it was opened before could not be closed: %v", err))
		}
	})
}

// shown gives the library as it is now; nil while it is read for the first time.
func (s *Server) shown() (l *library.Library, generation int64, trouble error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.library, s.generation, s.trouble
}

func (s *Server) show(l *library.Library) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.library = l
	s.generation++
}

func (s *Server) setTrouble(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if (err == nil) != (s.trouble == nil) {
		s.generation++
	}
	s.trouble = err
}

// look asks for a look at the repository now.
func (s *Server) look() {
	select {
	case s.poke <- struct{}{}:
	default: // one is asked for already
	}
}

// snapshotsOf lists the snapshots. Records that are damaged are left to check.
func snapshotsOf(ctx context.Context, r *repo.Repo) ([]snapshot.Snapshot, error) {
	all, _, err := snapshot.List(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("list the snapshots: %w", err)
	}
	return all, nil
}
