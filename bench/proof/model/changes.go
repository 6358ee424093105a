package model

// Change is a set of alterations of the protocol.
type Change uint64

// Guards that are left out, or steps in another order.
const (
	NoSession          Change = 1 << iota // W0: no session is opened
	BlindFirst                            // W1: dedup without a look at the marks
	NoSecondLook                          // W3: no second look
	SnapshotFirst                         // W4 before the packs are put
	DoneFirst                             // W6 before the packs are put
	PacksBeforeMarks                      // W1, W3, W5: packs are listed before the marks
	NoRevokeCheck                         // W5: no look at the revokes
	RevokeCheckEarly                      // W5 before W4
	DoneEarly                             // W6 before W5: success is told too early
	OneLookWhenRevoked                    // W5: what was copied is not followed by another look

	NoMark            // B1: packs are deleted without a mark
	MarkAfterSessions // B2 before the mark of B1
	NoWait            // B2: a grace period alone, no session is waited for or revoked
	NoSecondSnapshots // B3: the snapshots are not listed again
	UnconfirmedDead   // B0, B3: a snapshot whose session is not done is not live
	IgnoreMarks       // B3: homes in packs that other pruners condemn are trusted
	NoSpare           // B3: nothing is spared
	StaleHomes        // B3: homes as they were listed at B0
	PacksFirst        // B3: packs, snapshots, marks
	PacksBeforeOthers // B3: snapshots, packs, marks
	SnapshotsLast     // B3: marks, packs, snapshots
	MarksFirst        // B3: marks, snapshots, packs
	UnmarkFirst       // B6 before B5
	DropRevokes       // after B6 a pruner deletes its revokes
	RemoveTheirMark   // a pruner deletes the mark of another without emptying its packs
	BorrowMark        // the second pruner deletes packs of another's mark without putting them in one of its own
)

// What somebody would like to do besides.
const (
	ReuseRevokes   Change = 1 << (32 + iota) // B2: a session that anybody revoked is not revoked again
	FailedDropOpen                           // a writer that gives up deletes its snapshot, then its .open
	FailedOpenOnly                           // a writer that gives up deletes its .open, then its snapshot
	DoneDropsOpen                            // after .done somebody deletes .open
	OpenThenDone                             // LIST sessions reads the .open first and the .done later
	DoneThenOpen                             // LIST sessions reads the .done first and the .open later
	Abandon                                  // a pruner that has deleted nothing removes its mark and stops
	AbandonMidway                            // a pruner removes its mark and stops, whatever it has deleted
	SharedLive                               // B3 adds what is new to what was live, and forgets nothing
	SpareOne                                 // B3 spares one home of a chunk, not in another's mark if there is one
	LoopThird                                // W3 is repeated until a look finds nothing
	NoTakeover                               // nobody removes the empty mark of another
	WaitOnly                                 // B2: nobody is presumed dead
	WaitOnce                                 // B2 in the first round alone
	ParentFirst                              // before W0 a writer lists the snapshots; what its parent needs it trusts unlooked-at while no mark stands
	ParentLater                              // the same, but it lists them after W1
)

func (c Change) has(x Change) bool { return c&x != 0 }
