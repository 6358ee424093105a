package repo

import (
	"os"
	"runtime"
)

// waiting is how many goroutines of a backup, a restore or a prune may wait for the disk in calls of the system at once. Each keeps one
// of the runtime's processors (GOMAXPROCS) until the runtime notices, which takes it up to 10 ms: a program has so many more of them than the
// computer has, or its own stand idle. See docs/decisions/0017-waiting.md.
const waiting = 6

// MakeRoomToWait is for the program as a whole, once: whoever calls it is main, for commands that move many bytes. Where the environment sets GOMAXPROCS, that holds instead.
func MakeRoomToWait() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + waiting)
	}
}
