package gallerytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Visitor asks a gallery as a page of it would, without a browser.
type Visitor struct {
	Base   string // such as http://127.0.0.1:8123
	Client *http.Client
}

// Enter goes in by the address that was printed, whose token is used up.
func Enter(ctx context.Context, address string) (*Visitor, error) {
	base, token, _ := strings.Cut(address, "/#")
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	v := &Visitor{Base: base, Client: &http.Client{Jar: jar}}
	r, err := v.Ask(ctx, "POST", "/enter", "application/x-www-form-urlencoded", url.Values{"token": {token}}.Encode())
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusNoContent {
		return nil, fmt.Errorf("enter %s: %s", base, r.Status)
	}
	return v, nil
}

// Ask sends a request; header is name, value, name, value. The caller closes the body.
func (v *Visitor) Ask(ctx context.Context, method, path, kind, body string, header ...string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, v.Base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		r.Header.Set("Origin", v.Base)
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return v.Client.Do(r)
}

// Get gives all of an answer, which must be a good one.
func (v *Visitor) Get(ctx context.Context, path string) ([]byte, error) {
	r, err := v.Ask(ctx, http.MethodGet, path, "", "")
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.200s", path, r.Status, data)
	}
	return data, err
}

// JSON reads an answer into what v points to.
func (v *Visitor) JSON(ctx context.Context, path string, to any) error {
	data, err := v.Get(ctx, path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("%s: %w: %.200s", path, err, data)
	}
	return nil
}

// Previews gets the embedded previews of pictures, six at a time as browsers do.
func (v *Visitor) Previews(ctx context.Context, items []Item) error {
	work, wrong := make(chan Item), make([]error, 6)
	var asking sync.WaitGroup
	for i := range wrong {
		asking.Go(func() {
			for item := range work {
				data, err := v.Get(ctx, "/preview/"+item.ID)
				if err == nil && len(data) < 500 {
					err = fmt.Errorf("the preview of %s has %d bytes", item.Name, len(data))
				}
				wrong[i] = errors.Join(wrong[i], err)
			}
		})
	}
	for _, item := range items {
		work <- item
	}
	close(work)
	asking.Wait()
	return errors.Join(wrong...)
}

// FirstByte is how long an original takes to begin.
func (v *Visitor) FirstByte(ctx context.Context, item Item) (time.Duration, error) {
	began := time.Now()
	r, err := v.Ask(ctx, http.MethodGet, "/original/"+item.ID, "", "")
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	if _, err := io.ReadFull(r.Body, make([]byte, 1)); err != nil || r.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("the original of %s: %s, %w", item.Name, r.Status, err)
	}
	return time.Since(began), nil
}

// Item is a picture of the timeline.
type Item struct{ ID, Name string }

// Items gives n pictures of the timeline from one on, newest first.
func (v *Visitor) Items(ctx context.Context, from, n int) (all []Item, err error) {
	var told struct{ Items [][4]any }
	if err := v.JSON(ctx, fmt.Sprintf("/api/items?from=%d&n=%d", from, n), &told); err != nil {
		return nil, err
	}
	for _, i := range told.Items {
		all = append(all, Item{fmt.Sprint(i[0]), fmt.Sprint(i[3])})
	}
	return all, nil
}
