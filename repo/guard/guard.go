// Package guard names the steps that keep pictures from being lost, so that a proof can leave one out and see a test fail.
// It does not know how a step is taken, nor why.
//
// In every build but one all steps are taken, and the compiler removes the question. A build with the tag "ablate" leaves out
// the step that the environment variable SHOEBOX_ABLATE names: `make test-ablation` builds so, and each step it leaves out must
// make a named test fail.
package guard

// Step is one thing that is done for safety alone.
type Step string

// The steps, in the order of the rooms that take them.
const (
	SyncFile      Step = "sync-file"      // storage: the bytes of a file are synced before it gets its name
	SyncDirectory Step = "sync-directory" // storage: a name is synced before Put returns
	TemporaryName Step = "temporary-name" // storage: a file is written under another name first
	ListErrors    Step = "list-errors"    // storage: a listing that fails is an error, not a shorter list

	Binding      Step = "binding"       // crypt: a record is bound to its kind and name
	CheckID      Step = "check-id"      // repo: a chunk read is hashed again
	ExpandAgain  Step = "expand-again"  // pack: what was compressed is expanded again before it is kept
	PackName     Step = "pack-name"     // repo: a pack read whole is held against its name
	PackListed   Step = "pack-listed"   // repo: a chunk counts as stored only in a pack that is listed
	SegmentOrder Step = "segment-order" // repo: packs are durable before a segment tells of them
	RecordOrder  Step = "record-order"  // repo: segments are durable before a record needs them

	MarksFirst Step = "marks-first" // repo, writer: W1 looks at the marks
	LookAgain  Step = "look-again"  // repo, writer: W3 looks at marks and packs again
	LookRevoke Step = "look-revoke" // repo, writer: W5 looks for revokes
	DoneLast   Step = "done-last"   // repo, writer: success is told after .done

	MarkFirst    Step = "mark-first"    // repo, pruner: B1 marks before anything else
	WaitSessions Step = "wait-sessions" // repo, pruner: B2 waits for sessions, or revokes them
	ListAgain    Step = "list-again"    // repo, pruner: B3 lists the snapshots again
	OtherMarks   Step = "other-marks"   // repo, pruner: B3 trusts no home in another pruner's mark
	HomesAgain   Step = "homes-again"   // repo, pruner: B3 spares packs whose live chunks have no other home
	MarkLast     Step = "mark-last"     // repo, pruner: B6 removes the mark after the packs are gone

	ReadBack Step = "read-back" // vault: what was healed is read back and hashed

	CleanPaths Step = "clean-paths" // snapshot: paths that lead elsewhere are refused
	FileHash   Step = "file-hash"   // snapshot: a restored file is hashed before it gets its name
	StatTwice  Step = "stat-twice"  // snapshot: a file that changed while it was read is read again
	Attic      Step = "attic"       // snapshot: last copies are carried into the attic
	KeepsLast  Step = "keeps-last"  // snapshot: prune lets no forgotten snapshot go that holds last copies
	Vanished   Step = "vanished"    // snapshot: prune refuses when a snapshot is gone without a tombstone
	Brake      Step = "brake"       // snapshot: forget refuses after a backup that lost many pictures
)
