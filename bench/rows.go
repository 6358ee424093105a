package main

import (
	"fmt"
	"slices"
	"strings"
)

// rowOf is one thing that can be asked for with -rows.
type rowOf struct {
	name, group string
	own         bool // only when it is named: it takes long
	run         func(*bench) error
}

// allRows are in the order in which they are measured: each leaves what the next one needs.
func allRows() []rowOf {
	return []rowOf{
		{"floors", "floors", false, (*bench).floors},
		{"first", "roll", false, (*bench).first},
		{"same", "roll", false, (*bench).same},
		{"restore", "roll", false, (*bench).everything},
		{"night", "roll", false, (*bench).night},
		{"one", "roll", false, (*bench).onePhoto},
		{"check", "roll", false, (*bench).check},
		{"prune", "roll", false, (*bench).prune},
		{"retag", "retag", false, (*bench).retag},
		{"many", "many", false, (*bench).many},
		{"fifty", "fifty", false, (*bench).fifty},
		{"history", "history", false, (*bench).history},
		{"phone", "phone", false, (*bench).phone},
		{"gallery", "gallery", false, (*bench).gallery},
		{"chunks", "chunks", false, (*bench).chunks},
		{"million", "million", true, (*bench).million},
		{"sweep", "sweep", true, (*bench).sweep},
	}
}

func rowNames() string {
	var names, own []string
	for _, r := range allRows() {
		if r.own {
			own = append(own, r.name)
		} else {
			names = append(names, r.name)
		}
	}
	return "all (" + strings.Join(names, ",") + "), roll for those of the camera roll, or by name; only by name " + strings.Join(own, ",")
}

// chooseRows are the rows of a list with commas.
func chooseRows(list string) (chosen []rowOf, err error) {
	words := strings.Split(list, ",")
	used := make(map[string]bool)
	for _, r := range allRows() {
		for _, word := range words {
			if word == r.name || word == r.group || word == "all" && !r.own {
				used[word] = true
				chosen = append(chosen, r)
				break
			}
		}
	}
	for _, word := range words {
		if !used[word] && !slices.ContainsFunc(allRows(), func(r rowOf) bool { return word == r.name || word == r.group }) && word != "all" {
			return nil, fmt.Errorf("there is no row %q; there are %s", word, rowNames())
		}
	}
	return chosen, nil
}
