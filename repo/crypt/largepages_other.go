//go:build !linux

package crypt

func askLargePages(int) {}
