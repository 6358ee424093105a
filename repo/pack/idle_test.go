package pack

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
)

// As many are made as the computer has processors, however many are asked for at once; the others wait, and all are served.
func TestIdleMakesFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var i idle[int]
		made := 0
		number := func() (int, error) { made++; return made, nil }
		var all sync.WaitGroup
		leave := make(chan struct{})
		for range 10 * runtime.NumCPU() {
			all.Go(func() {
				one, err := i.take(number)
				if err != nil {
					t.Error(err)
				}
				<-leave
				i.give(one)
			})
		}
		synctest.Wait()
		close(leave)
		all.Wait()
		if made != runtime.NumCPU() || len(i.free) != made {
			t.Errorf("%d were made and %d are free, of %d", made, len(i.free), runtime.NumCPU())
		}
	})
}

// What could not be made is not counted.
func TestIdleThatCannotBeMade(t *testing.T) {
	var i idle[int]
	broken := errors.New("broken")
	for range 2 * runtime.NumCPU() {
		if _, err := i.take(func() (int, error) { return 0, broken }); err != broken {
			t.Fatal(err)
		}
	}
	if one, err := i.take(func() (int, error) { return 7, nil }); one != 7 || err != nil {
		t.Error(one, err)
	}
}
