package gallery

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"shoebox/gallery/library"

	"shoebox/snapshot/amount"
)

// assets are the pages and what they load: nothing comes from anywhere else.
//
//go:embed assets
var assets embed.FS

// page is what every page shows around its own content.
type page struct {
	Title   string
	Path    string
	Query   library.Query
	About   string
	Phones  bool
	PutBack bool   // pictures can go back onto a phone
	Restore string // in words: where restored files go; "" for nowhere
	Body    any
}

// templates reads the pages. It is asked once for each answer: parsing takes a millisecond, which nobody sees.
func templates() (*template.Template, error) {
	return template.New("").Funcs(template.FuncMap{
		"number": number, "size": amount.Bytes, "plural": plural, "address": addressOf,
		"day": func(t time.Time) string { return t.Format("Monday, 2 January 2006") }, "clock": func(t time.Time) string { return t.Format("15:04") },
	}).ParseFS(assets, "assets/*.html")
}

// render answers with a page.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, name, title string, body any) {
	q := queryOf(r.URL.Query())
	p := page{Title: title, Path: r.URL.Path, Query: q, Phones: s.o.Phones != nil, PutBack: s.o.Phones != nil && s.o.PutBack != nil, Body: body}
	if s.o.Restore != nil {
		p.Restore = s.o.RestoreTo
	}
	if l, _, _ := s.shown(); l != nil {
		p.About = s.about(l, q)
	}
	all, err := templates()
	var out bytes.Buffer
	if err == nil {
		err = all.ExecuteTemplate(&out, name+".html", p)
	}
	if err != nil {
		s.o.Log(err.Error())
		http.Error(w, "this page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // who went away needs no answer
}

// static serves scripts and styles.
func (s *Server) static() http.Handler {
	sub, err := fs.Sub(assets, "assets/static")
	if err != nil {
		panic(err) // only for a path that is not valid
	}
	return http.StripPrefix("/static/", http.FileServerFS(sub))
}

// door is shown to whoever has no cookie: its script takes the token from the address.
func (s *Server) door(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusUnauthorized, "door", "Open the gallery", s.o.Password != "")
}

// number and plural take what templates count with; words of things stand there in the plural.
func number(n int) string { return amount.Number(int64(n)) }

func plural(n int, things string) string {
	return amount.Plural(int64(n), strings.TrimSuffix(things, "s"))
}
