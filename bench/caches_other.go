//go:build !linux

package main

import "errors"

// dropCaches is for Linux only; elsewhere no row says cold.
func dropCaches() error { return errors.ErrUnsupported }

// settle is for Linux only.
func settle() {}
