package gallery

import (
	"net/http"
)

// mux says what is found where. Everything it lists is behind the gate.
func (s *Server) mux() http.Handler {
	m := http.NewServeMux()
	m.Handle("GET /static/", s.static())
	m.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	m.HandleFunc("GET /{$}", s.ready(s.timelinePage))
	m.HandleFunc("GET /attic", s.ready(s.atticPage))
	m.HandleFunc("GET /snapshots", s.ready(s.snapshotsPage))
	m.HandleFunc("GET /night", s.ready(s.nightPage))
	m.HandleFunc("GET /albums", s.ready(s.albumsPage))
	m.HandleFunc("GET /search", s.ready(s.searchPage))
	m.HandleFunc("GET /picture/{id}", s.ready(s.picturePage))
	m.HandleFunc("GET /picture/{id}/story", s.ready(s.storyPart))
	m.HandleFunc("POST /picture/{id}/verify", s.verify)

	m.HandleFunc("GET /api/state", s.serveState)
	m.HandleFunc("GET /api/days", s.serveDays)
	m.HandleFunc("GET /api/items", s.serveItems)
	m.HandleFunc("GET /api/where", s.serveWhere)
	m.HandleFunc("GET /preview/{id}", s.jpegOf(s.preview))
	m.HandleFunc("GET /thumb/{id}", s.jpegOf(s.small))
	m.HandleFunc("GET /large/{id}", s.jpegOf(s.large))
	m.HandleFunc("GET /film/{id}", s.serveFilm)
	m.HandleFunc("GET /original/{id}", s.serveOriginal)

	m.HandleFunc("POST /zip", s.serveZip)
	m.HandleFunc("POST /restore", s.serveRestore)

	if s.o.Metrics != nil {
		m.HandleFunc("GET "+metricsPath, s.serveMetrics)
	}
	if s.o.Phones != nil {
		m.HandleFunc("GET /phone", s.ready(s.phonePage))
		m.HandleFunc("GET /api/phones", s.servePhones)
		m.HandleFunc("GET /api/waiting", s.serveWaiting)
		m.HandleFunc("GET /waiting/{id}", s.serveWaitingSmall)
		m.HandleFunc("POST /phone/backup", s.serveBackup)
		m.HandleFunc("GET /api/job", s.serveJob)
	}
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errNoPage) })
	return m
}

// ready shows that the catalog is being read, as long as there is none.
func (s *Server) ready(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l, _, trouble := s.shown()
		switch {
		case l != nil:
			page(w, r)
		case trouble != nil:
			s.render(w, r, http.StatusServiceUnavailable, "wait", "The repository cannot be reached", adviceOn(errGone))
		default:
			s.render(w, r, http.StatusOK, "wait", "Reading the catalog", adviceOn(errReading))
		}
	}
}

// timelinePage is the frame that the grid is drawn in.
func (s *Server) timelinePage(w http.ResponseWriter, r *http.Request) {
	_, v, _, err := s.view(r.Context(), queryOf(r.URL.Query()))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	title := "Timeline"
	if q := queryOf(r.URL.Query()); q.Text != "" {
		title = "Search"
	}
	s.render(w, r, http.StatusOK, "timeline", title, map[string]any{"Total": len(v.Items), "Address": addressOf(queryOf(r.URL.Query()))})
}

func (s *Server) atticPage(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	values.Set("attic", "1")
	r.URL.RawQuery = values.Encode()
	_, v, _, err := s.view(r.Context(), queryOf(values))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "timeline", "Attic", map[string]any{"Total": len(v.Items), "Address": addressOf(queryOf(values))})
}
