package gallery

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"shoebox/gallery/thumb"
)

// What can be wrong, each with what to do about it in advice.
var (
	errNoPicture = errors.New("there is no such picture here")
	errNoPage    = errors.New("there is no such page here")
	errDamaged   = errors.New("the repository is damaged: this cannot be read")
	errGone      = errors.New("the repository cannot be reached")
	errReading   = errors.New("the catalog is still being read")
	errAsked     = errors.New("this was not asked for in the right way")
)

// advice is what to say of an error: a word for scripts, and the next step for people.
type advice struct {
	Status int    `json:"-"`
	State  string `json:"state"`
	Text   string `json:"text"`
	Next   string `json:"next"`
}

func adviceOn(err error) advice {
	switch {
	case errors.Is(err, errNoPicture), errors.Is(err, errNoPage):
		return advice{http.StatusNotFound, "missing", sentence(err), "It may have been forgotten since. Go back to the timeline."}
	case errors.Is(err, errGone):
		return advice{http.StatusServiceUnavailable, "gone", "The repository cannot be reached.", "Is its disk or NAS connected? This page goes on by itself as soon as it is."}
	case errors.Is(err, errDamaged):
		return advice{http.StatusBadGateway, "damaged", "This picture is damaged in the repository.", "Run “shoebox check --read-data” to see how far it goes, then “shoebox heal”. Everything else works on."}
	case errors.Is(err, errReading):
		return advice{http.StatusServiceUnavailable, "reading", "The catalog is being read.", "This takes a few seconds the first time."}
	case errors.Is(err, thumb.ErrHuge), errors.Is(err, thumb.ErrUnknown), errors.Is(err, thumb.ErrBroken):
		return advice{http.StatusUnsupportedMediaType, "unshown", "This file cannot be shown here.", "It is safe all the same: download it to look at it with another program."}
	case errors.Is(err, errAsked):
		return advice{http.StatusBadRequest, "asked", sentence(err), "Go back and try again."}
	case errors.Is(err, context.Canceled):
		return advice{499, "left", "The page was left.", ""}
	case errors.Is(err, context.DeadlineExceeded):
		return advice{http.StatusUnsupportedMediaType, "unshown", "This file takes too long to be shown here.", "It is safe all the same: download it to look at it with another program."}
	}
	return advice{http.StatusInternalServerError, "error", sentence(err), "Try again. If it stays so, run “shoebox check”."}
}

// sentence makes an error one.
func sentence(err error) string {
	text := strings.TrimRight(err.Error(), ".\n") + "."
	return strings.ToUpper(text[:1]) + text[1:]
}

// fail answers with an error: as a page where a page was asked for, else as JSON.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	a := adviceOn(err)
	for _, name := range []string{"Content-Disposition", "Content-Length", "Content-Type"} {
		w.Header().Del(name)
	}
	if r.Header.Get("Sec-Fetch-Dest") == "document" || r.Header.Get("Sec-Fetch-Dest") == "" && strings.Contains(r.Header.Get("Accept"), "text/html") {
		s.render(w, r, a.Status, "error", "Something is wrong", a)
		return
	}
	s.answer(w, a.Status, a)
}

// answer gives JSON.
func (s *Server) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who went away needs no answer
}
