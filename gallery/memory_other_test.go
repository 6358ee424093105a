//go:build !linux

package gallery_test

func resetPeak() {}

func peakMegabytes() int { return -1 }
