package main

// constants are what one thing costs. Bytes unless said otherwise.
type constants struct {
	LeafBase, LeafEntry   float64 // stored bytes of a page of entries
	UpperBase, UpperChild float64 // and of a page of pages

	SegmentBase, SegmentPack float64 // plain bytes of a segment, beside 42 a chunk
	MarkBase, MarkPack       float64 // and of a mark
	NoteEntry                float64 // and of a note, a file

	Snapshot, Tombstone, Done, Open int64 // whole records
	Setup                           int64 // hint, a key slot and the configuration

	// Memory and disk of the computer.
	IndexDisk   float64 // of a chunk, in its index
	IndexMemory float64 // of a chunk, when the index has no folder
	IndexSpeed  float64 // chunks a second, into an index on disk
	LiveChunk   float64 // of a chunk, in a prune
	LivePage    float64 // of a page, in a prune
	ListedPack  float64 // of a pack, in a backup
	PrunedPack  float64 // of a pack, in a prune
}

// measured is what `go run ./bench/scale -measure` printed; TestSimulation holds it against real runs.
var measured = constants{
	LeafBase: 218, LeafEntry: 114.6, UpperBase: 80.5, UpperChild: 56.3,
	SegmentBase: 40, SegmentPack: 49.5, MarkBase: 6, MarkPack: 34, NoteEntry: 223,
	Snapshot: 608, Tombstone: 608, Done: 608, Open: 608, Setup: 1046,
	IndexDisk: 78.6, IndexMemory: 73.8, IndexSpeed: 322_000, LiveChunk: 16.8, LivePage: 52.5, ListedPack: 63.0, PrunedPack: 199,
}
