package parity_test

import "testing"

func count(t testing.TB, n int) { t.Logf("class %d: %d", healing, n) }
