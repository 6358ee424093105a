package main

import (
	"fmt"
	"io"
)

func play(w io.Writer, l Load) {
	s := newSim(l)
	for range l.Nights {
		s.step()
		if s.night%365 == 0 || s.night == 1 {
			c := s.census()
			fmt.Fprintln(w, l.name, s.night, c, len(s.active))
		}
	}
	for k, v := range s.sum {
		fmt.Fprintf(w, "%s %+v\n", k, *v)
	}
}
func large(w io.Writer) {}
