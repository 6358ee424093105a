package main

import (
	"fmt"
	"runtime"
	"slices"

	"shoebox/gallery/gallerytest"
)

// driver drives a browser for a measurement.
type driver struct {
	undo []func()
	err  error
}

func (d *driver) Helper() {}

func (d *driver) Cleanup(undo func()) { d.undo = append(d.undo, undo) }

// Fatalf ends the measurement, as that of a test ends the test.
func (d *driver) Fatalf(format string, args ...any) {
	d.err = fmt.Errorf(format, args...)
	runtime.Goexit()
}

// drive does something with a browser, which is closed in the end.
func drive(do func(gallerytest.T)) error {
	d := new(driver)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			for _, undo := range slices.Backward(d.undo) {
				undo()
			}
		}()
		do(d)
	}()
	<-ended
	return d.err
}
