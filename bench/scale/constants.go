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
}

// measured is what `go run ./bench/scale -measure` printed; TestSimulation holds it against real runs.
var measured = constants{
	LeafBase: 232, LeafEntry: 114.5, UpperBase: 81, UpperChild: 57.5,
	SegmentBase: 40, SegmentPack: 46.1, MarkBase: 6, MarkPack: 34, NoteEntry: 223,
	Snapshot: 608, Tombstone: 608, Done: 608, Open: 608, Setup: 1046,
}
