package main

import "fmt"

// goal is what was wanted of a row, and what came of it.
type goal struct {
	Of    string  `json:"of"`             // what is compared: faster, within, value, share or memory
	Ours  string  `json:"ours,omitempty"` // the program of the row it is about; empty is the first
	Peer  string  `json:"peer,omitempty"`
	Least float64 `json:"at_least,omitempty"`
	Aim   float64 `json:"aim_for,omitempty"`
	Got   float64 `json:"got"`
	// Reached and Aimed say whether Least and Aim were; each means nothing without its number.
	Reached bool   `json:"reached"`
	Aimed   bool   `json:"aimed"`
	Unit    string `json:"unit,omitempty"`
}

// faster wants a peer to take so many times as long.
func faster(peer string, least, aim float64) goal {
	return goal{Of: "faster", Peer: peer, Least: least, Aim: aim}
}

// within wants no more than so many times what a peer or a floor takes.
func within(peer string, least, aim float64) goal {
	return goal{Of: "within", Peer: peer, Least: least, Aim: aim}
}

// atMost wants no more than so much, in the unit of the row.
func atMost(least, aim float64) goal { return goal{Of: "value", Least: least, Aim: aim} }

// atLeast wants no less than so much, in the unit of the row.
func atLeast(least, aim float64) goal { return goal{Of: "share", Least: least, Aim: aim} }

// memoryOf wants no more than so many MB at the peak.
func memoryOf(least float64) goal { return goal{Of: "memory", Least: least, Unit: "MB of memory"} }

// by makes a goal one of another program of ours.
func (g goal) by(program string) goal {
	g.Ours = program
	return g
}

// judge fills in what came of it. A peer that the row does not have makes the goal vain.
func (g goal) judge(r row) (goal, error) {
	ours, ok := r.result(g.Ours)
	if !ok {
		return g, fmt.Errorf("%s: no program %q to judge", r.Work, g.Ours)
	}
	switch g.Of {
	case "faster", "within":
		peer, ok := r.result(g.Peer)
		if !ok {
			return g, fmt.Errorf("%s: no peer %q to judge by", r.Work, g.Peer)
		}
		g.Got = quotient(peer.Median, ours.Median)
		if g.Of == "within" {
			g.Got = quotient(ours.Median, peer.Median)
		}
	case "memory":
		g.Got = float64(ours.Memory) / 1e6
	default:
		g.Got, g.Unit = ours.Median, r.Unit
	}
	g.Reached, g.Aimed = g.reaches(g.Least), g.reaches(g.Aim)
	return g, nil
}

func (g goal) reaches(wanted float64) bool {
	if g.Of == "faster" || g.Of == "share" {
		return g.Got >= wanted
	}
	return g.Got <= wanted
}

func quotient(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// number writes a value of the goal's kind.
func (g goal) number(v float64) string {
	switch {
	case g.Of == "faster":
		return fmt.Sprintf("%.1fx %s", v, g.Peer)
	case g.Of == "within":
		return fmt.Sprintf("%.2f of %s", v, g.Peer)
	case g.Unit == "s" && v < 1:
		return fmt.Sprintf("%.0f ms", v*1000)
	case g.Unit == "s":
		return fmt.Sprintf("%.2f s", v)
	}
	return digits(v) + " " + g.Unit
}

// cells are the three columns of the table: measured, at least, aim for.
func (g goal) cells() (got, least, aim string) {
	got = g.number(g.Got)
	if g.Ours != "" {
		got += " (" + g.Ours + ")"
	}
	return got, g.verdict(g.Least, g.Reached), g.verdict(g.Aim, g.Aimed)
}

func (g goal) verdict(wanted float64, reached bool) string {
	switch {
	case wanted == 0:
		return ""
	case reached:
		return g.number(wanted) + ": yes"
	}
	return g.number(wanted) + ": **no**"
}
