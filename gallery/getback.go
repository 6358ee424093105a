package gallery

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	"shoebox/gallery/library"
	"shoebox/repo"
	"shoebox/snapshot"
)

// RestoreFunc writes entries below a folder on this machine, each whole or not at all. folder is relative, to the folder that
// restored files go below, and may be "".
type RestoreFunc func(ctx context.Context, r *repo.Repo, folder string, entries []snapshot.Entry) (Restored, error)

// PutBackFunc puts entries back onto a phone, each to the place it had there.
type PutBackFunc func(ctx context.Context, r *repo.Repo, phone string, entries []snapshot.Entry) (Restored, error)

// Restored says what came of it.
type Restored struct {
	Folder string             `json:"folder"` // where the files are: a folder, or the name of a phone
	Files  int                `json:"files"`  // written
	Same   int                `json:"same"`   // there already
	Failed []snapshot.Failure `json:"failed"`
}

// maxChosen bounds a selection.
const maxChosen = 100_000

// chosen reads the ids of a selection.
func (s *Server) chosen(ids []string) ([]*library.Picture, error) {
	l, _, _ := s.shown()
	if l == nil || len(ids) == 0 || len(ids) > maxChosen {
		return nil, fmt.Errorf("%w: nothing is selected", errAsked)
	}
	var all []*library.Picture
	for _, text := range ids {
		id, ok := library.ParseID(text)
		p, found := l.Get(id)
		if !ok || !found {
			return nil, errNoPicture
		}
		all = append(all, p)
	}
	return all, nil
}

// wholeInMemory is up to which size a file is read whole before its first byte goes into a zip, so that one that is damaged can be left out.
const wholeInMemory = 32 << 20

// serveZip streams a selection. What cannot be read is named in the zip; what turns out damaged midway breaks the download off, so that
// it is not taken for whole.
func (s *Server) serveZip(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, errAsked)
		return
	}
	all, err := s.chosen(strings.Fields(r.PostForm.Get("ids")))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="pictures.zip"`)
	z := zip.NewWriter(w)
	if err := s.fill(r.Context(), z, all); err != nil {
		s.o.Log(fmt.Sprintf("a zip was broken off: %v", err))
		panic(http.ErrAbortHandler)
	}
	_ = z.Close() // who went away needs no end
}

func (s *Server) fill(ctx context.Context, z *zip.Writer, all []*library.Picture) error {
	repository, giveBack := s.borrow()
	defer giveBack()
	names := make(map[string]bool)
	var missing []string
	for _, p := range all {
		e, err := s.entry(ctx, p)
		var data io.Reader
		if err == nil {
			data, err = s.begin(ctx, repository, e)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			missing = append(missing, fmt.Sprintf("%s: %s", printable(p.Path), adviceOn(err).Text))
			continue
		}
		to, err := z.CreateHeader(&zip.FileHeader{Name: unique(names, plainPath(e.Path)), Method: zip.Store, Modified: e.ModTime})
		if err == nil {
			_, err = io.Copy(to, data)
		}
		if err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	to, err := z.Create("NOT IN THIS ZIP.txt")
	if err == nil {
		_, err = io.WriteString(to, "These could not be read. Run \"shoebox check --read-data\", then \"shoebox heal\".\r\n\r\n"+strings.Join(missing, "\r\n")+"\r\n")
	}
	return err
}

// begin opens a file; a small one is read and verified whole.
func (s *Server) begin(ctx context.Context, repository *repo.Repo, e snapshot.Entry) (io.Reader, error) {
	stream := snapshot.Open(ctx, repository, e)
	if e.Size > wholeInMemory {
		return stream, nil
	}
	var whole bytes.Buffer
	if _, err := io.Copy(&whole, stream); err != nil {
		return nil, s.unreadable(ctx, err)
	}
	return &whole, nil
}

// plainPath is a path whose parts every file system takes.
func plainPath(name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = plainName(parts[i])
	}
	return strings.Join(parts, "/")
}

// unique gives a name that is not taken, whatever the case of its letters.
func unique(taken map[string]bool, name string) string {
	ext := path.Ext(name)
	free := name
	for n := 2; taken[strings.ToLower(free)]; n++ {
		free = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, ext), n, ext)
	}
	taken[strings.ToLower(free)] = true
	return free
}

// serveRestore writes a selection to a folder on this machine, or to a phone.
func (s *Server) serveRestore(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		IDs    []string `json:"ids"`
		Folder string   `json:"folder"`
		Phone  string   `json:"phone"` // "" for the folder
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		s.fail(w, r, errAsked)
		return
	}
	write, err := s.writer(asked.Folder, asked.Phone)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	all, err := s.chosen(asked.IDs)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	did, err := s.restore(r.Context(), all, write)
	switch {
	case err != nil && asked.Phone != "":
		s.phoneFail(w, err)
	case err != nil:
		s.fail(w, r, err)
	default:
		s.answer(w, http.StatusOK, did)
	}
}

// writeFunc is a RestoreFunc or a PutBackFunc whose target is chosen.
type writeFunc func(ctx context.Context, r *repo.Repo, entries []snapshot.Entry) (Restored, error)

func (s *Server) writer(folder, phone string) (writeFunc, error) {
	if phone != "" && s.o.PutBack != nil {
		return func(ctx context.Context, r *repo.Repo, entries []snapshot.Entry) (Restored, error) {
			return s.o.PutBack(ctx, r, phone, entries)
		}, nil
	}
	if phone != "" || s.o.Restore == nil {
		return nil, errAsked
	}
	folder, err := folderOf(folder)
	return func(ctx context.Context, r *repo.Repo, entries []snapshot.Entry) (Restored, error) {
		return s.o.Restore(ctx, r, folder, entries)
	}, err
}

// folderOf checks the name of a folder: below the one the server was started with, and plain.
func folderOf(name string) (string, error) {
	name = strings.Trim(strings.TrimSpace(name), "/")
	if name == "" {
		return "", nil
	}
	if len(name) > 200 || strings.ContainsAny(name, "\\:\x00") {
		return "", fmt.Errorf("%w: this is no name for a folder", errAsked)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part != plainName(part) || part == "." || part == ".." || part == "_" {
			return "", fmt.Errorf("%w: this is no name for a folder", errAsked)
		}
	}
	return name, nil
}

func (s *Server) restore(ctx context.Context, all []*library.Picture, write writeFunc) (Restored, error) {
	names := make(map[string]bool)
	var entries []snapshot.Entry
	var failed []snapshot.Failure
	for _, p := range all {
		e, err := s.entry(ctx, p)
		if err != nil {
			failed = append(failed, snapshot.Failure{Path: printable(p.Path), Reason: adviceOn(err).Text})
			continue
		}
		e.Path = unique(names, e.Path)
		entries = append(entries, e)
	}
	repository, giveBack := s.borrow()
	defer giveBack()
	did, err := write(ctx, repository, entries)
	did.Failed = append(failed, did.Failed...)
	return did, err
}
