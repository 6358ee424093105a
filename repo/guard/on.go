//go:build !ablate

package guard

// On tells whether a step is taken: always.
func On(Step) bool { return true }
