package repo_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"shoebox/repo/crypt"
	"shoebox/repo/storage"
)

// Many records come in order of name, each with its own bytes; a damaged one is told of in its place, one that is gone by the time it is read is passed
// over, and who stops is not told more.
func TestManyRecordsComeInOrder(t *testing.T) {
	store := &vanishing{gone: "tombstones/" + fmt.Sprintf("%032x", 123)}
	r := create(t, store, "")
	const many = 400
	for i := range many {
		if err := r.PutRecord(t.Context(), "tombstones", fmt.Sprintf("%032x", i), fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"tombstones/", "copies/tombstones/"} {
		if err := store.Delete(t.Context(), name+fmt.Sprintf("%032x", 200)); err != nil {
			t.Fatal(err)
		}
		if err := store.Put(t.Context(), name+fmt.Sprintf("%032x", 200), []byte("damage")); err != nil {
			t.Fatal(err)
		}
	}
	store.on = true
	next := 0
	for rec, err := range r.Records(t.Context(), "tombstones") {
		if next == 123 {
			next++
		}
		if rec.Name != fmt.Sprintf("%032x", next) {
			t.Fatalf("%s came, want number %d", rec.Name, next)
		}
		if damaged := errors.Is(err, crypt.ErrDamaged); damaged != (next == 200) || !damaged && (err != nil || string(rec.Body) != fmt.Sprint(next)) {
			t.Fatalf("number %d: %q, %v", next, rec.Body, err)
		}
		next++
	}
	if next != many {
		t.Errorf("%d records of %d", next, many)
	}
	for range r.Records(t.Context(), "tombstones") {
		break
	}
}

// vanishing lists one object that is gone when it is asked for.
type vanishing struct {
	storage.Memory
	gone string
	on   bool
}

func (v *vanishing) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	if v.on && (name == v.gone || name == "copies/"+v.gone) {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return v.Memory.Get(ctx, name, off, n)
}
