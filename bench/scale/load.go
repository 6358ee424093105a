package main

import "shoebox/snapshot"

// Kind is a kind of file on a phone.
type Kind struct {
	Name      string
	Share     float64 // of the number of files
	Heads     int     // new chunks that describe a picture, one file
	HeadBytes int     // plain bytes of all of them
	Low, High int     // plain bytes of the picture data, evenly in between
	Parts     float64 // chunks its entry names, those that files share too
}

// Load is a household: what its phones hold and do, and how it is backed up.
type Load struct {
	name   string
	Phones int
	Photos int // on each phone at first
	Nights int

	New, Retagged, Moved, Gone int // on each phone and day

	Kinds  []Kind
	Policy snapshot.Policy
	Every  int // nights between two runs of forget and prune; 0: never
	LetGo  int // nights between two `forget --last-copies` of every attic, before a forget; 0: never

	Data, Meta int   // bytes of a pack
	Cut        int   // plain bytes beyond which picture data is cut, and about the length of a piece
	Round      int64 // live bytes of one round of a prune
	Parity     bool  // sidecars and second copies
	Checkpoint int64 // bytes read between two checkpoints
	Cache      int64 // bytes of pages the computer keeps
	Slots      int   // key slots read before one opens
	PageBits   uint8 // of a real repository; 0 for the usual, which is all the simulation knows
	Seed       uint64
}

// roll is the camera roll of bench/make.go, as shares of the number of files instead of bytes. Heads, HeadBytes and Parts are measured (-measure
// prints them; heads that all files share are left out); the shares are an assumption.
var roll = []Kind{
	{"photo", 0.24, 1, 24_300, 2_000_000, 6_000_000, 2},
	{"screenshot", 0.41, 0, 0, 150_000, 450_000, 3},
	{"message", 0.33, 0, 0, 60_000, 310_000, 2},
	{"video", 0.004, 1, 39_600, 20_000_000, 140_000_000, 17.5},
	{"motion photo", 0.016, 2, 25_200, 5_000_000, 6_000_000, 5},
}

// checkpointEvery is the default of snapshot.BackupOptions, in seconds; a phone gives about 40 MB a second (an assumption).
const checkpointEvery, phoneSpeed = 5, 40_000_000

// household is one that is used much: what bench/make.go does in a night, on each of its phones.
func household(name string, phones, photos, nights int, seed uint64) Load {
	return Load{name: name, Phones: phones, Photos: photos, Nights: nights, New: 40, Retagged: 10, Moved: 5, Gone: 10, Kinds: roll,
		Policy: snapshot.Policy{Daily: 7, Weekly: 5, Monthly: 12, Yearly: 10}, Every: 7, Data: 16 << 20, Meta: 4 << 20, Cut: 5 << 20, Round: 1 << 30,
		Checkpoint: checkpointEvery * phoneSpeed, Cache: 64 << 20, Slots: 1, Seed: seed}
}

func households(seed uint64) []Load {
	one := household("one phone", 1, 20_000, 3650, seed)
	ten := household("ten phones", 10, 200_000, 3650, seed)
	keeper := household("ten phones, nothing forgotten", 10, 200_000, 2000, seed)
	keeper.Every = 0
	healed := household("ten phones with parity, attics let go once a year", 10, 200_000, 1092, seed)
	healed.Parity, healed.LetGo = true, 364
	return []Load{one, ten, keeper, healed}
}
