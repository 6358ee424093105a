//go:build race

package main

// raced: the race detector takes ten times the time, and looks for something else.
const raced = true
