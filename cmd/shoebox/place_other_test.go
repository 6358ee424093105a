//go:build !linux

package main

// placeCommands are programs that need Linux.
func placeCommands() map[string]func() { return nil }
