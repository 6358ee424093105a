package storage_test

import (
	"errors"
	"slices"
	"testing"

	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

// Every fault strikes exactly the call it should and shows what it promises.
func TestFaulty(t *testing.T) {
	// calls 1 to 5: put a, put b, get a, list, delete a
	strikes := map[storagetest.Fault][]int{
		storagetest.Fails: {1, 2, 3, 4, 5}, storagetest.Full: {1, 2}, storagetest.AfterCommit: {1, 2, 5},
		storagetest.ShortRead: {3}, storagetest.FlippedBit: {3}, storagetest.BrokenList: {4}, storagetest.StaleList: {4},
		storagetest.NoAccess: {1, 2, 3, 4, 5},
	}
	for fault := range storagetest.Faults {
		for at := 1; at <= 5; at++ {
			f := &storagetest.Faulty{Store: new(storage.Memory), At: at, Fault: fault}
			seen := fiveCalls(f)
			want := slices.Contains(strikes[fault], at)
			if f.Struck() != want || f.Calls() != 5 || (seen != "") != want {
				t.Errorf("%v at call %d: struck %v, seen %q", fault, at, f.Struck(), seen)
			}
		}
	}
}

// fiveCalls tells what went wrong first.
func fiveCalls(f *storagetest.Faulty) (seen string) {
	note := func(wrong bool, what string) {
		if wrong && seen == "" {
			seen = what
		}
	}
	errA, errB := f.Put(ctx, "a", []byte("0123456789")), f.Put(ctx, "b", []byte("b"))
	note(errA != nil || errB != nil, "put")
	data, err := f.Get(ctx, "a", 0, 10)
	note(err != nil || string(data) != "0123456789", "get")
	listed := 0
	for _, failed := range f.List(ctx, "") {
		if err = failed; err == nil {
			listed++
		}
	}
	note(err != nil || listed != 2, "list")
	note(f.Delete(ctx, "a") != nil, "delete")
	return seen
}

func TestFaultyAfterCommit(t *testing.T) {
	f := &storagetest.Faulty{Store: new(storage.Memory), At: 1, Fault: storagetest.AfterCommit}
	if err := f.Put(ctx, "a", []byte("x")); !errors.Is(err, storagetest.ErrFault) {
		t.Fatal(err)
	}
	if data, err := f.Get(ctx, "a", 0, -1); err != nil || string(data) != "x" {
		t.Fatal(data, err)
	}
}

func TestLogged(t *testing.T) {
	l := &storagetest.Logged{Store: new(storage.Memory)}
	put(t, l, "a/b", "xyz")
	_, _ = l.Get(ctx, "a/b", 1, -1)
	_ = listError(l, "a/")
	_ = l.Delete(ctx, "a/b")
	if want := []string{"put a/b 3", "get a/b 1 -1", "list a/", "delete a/b"}; !slices.Equal(l.Lines(), want) {
		t.Fatal(l.Lines())
	}
}
