// Package ablation removes each step of package guard in turn and sees a named test fail.
// It does not know what the steps do: the tests do.
package ablation

import "shoebox/repo/guard"

// sight is a test that fails when a step is left out, and passes when all are taken.
type sight struct {
	step guard.Step
	room string // package of the test, from the top of the project
	test string
	env  string // what the test needs to look closely enough, such as "SHOEBOX_PROOF=1"; "" for nothing
	how  how
}

// how a removed step shows.
type how string

const (
	// lost: the test itself asks for bytes back and does not get those that were stored, or it finds that a success was told of what is not
	// there. A power cut, a crash, a second computer or a fault of a disk may take part; nobody with a key does.
	lost how = "lost"
	// refused: what must end in an error, or in a warning, does not. Nothing is lost in the test: another step stands behind, or
	// the harm comes later, or from somebody with a key.
	refused how = "not refused"
)

// sights has at least one line for each step.
var sights = []sight{
	{guard.SyncFile, "repo/storage/storagetest", "TestFolderOnACrashDisk", "", lost},
	{guard.SyncDirectory, "repo/storage/storagetest", "TestFolderOnACrashDisk", "", lost},
	{guard.TemporaryName, "repo/storage/storagetest", "TestFolderOnACrashDisk", "", lost},
	{guard.ListErrors, "repo/storage", "TestListWithADirectoryThatCannotBeRead", "", refused},

	{guard.Binding, "repo/crypt", "TestRecordIsBoundToKindAndName", "", refused},
	{guard.CheckID, "repo", "TestChunkUnderAnotherName", "", refused},
	{guard.ExpandAgain, "repo/pack", "TestFaultOfTheCompressor", "", lost},
	{guard.PackName, "repo", "TestHeaderOfAPackIsChecked", "", refused},
	{guard.PackListed, "repo", "TestMissingPackIsNotQuiet", "", lost},
	{guard.SegmentOrder, "repo", "TestSegmentTellsOfDurablePacks", "", refused},
	{guard.RecordOrder, "repo", "TestRecordNeedsWhatIsDurable", "", lost},

	{guard.MarksFirst, "repo", "TestCondemnedPacksAreNotReliedOn", "", refused},
	{guard.LookAgain, "repo", "TestMarkBetweenBeginAndCommit", "", lost},
	{guard.LookAgain, "repo", "TestPackVanishesBeforeCommit", "", lost},
	{guard.LookRevoke, "repo", "TestRevokeAfterTheRecordIsWritten", "", lost},
	{guard.DoneLast, "repo", "TestSuccessIsToldAfterDone", "", lost},

	{guard.MarkFirst, "repo", "TestWriterWhilePacksAreDeleted", "", lost},
	{guard.MarkFirst, "bench/proof", "TestClass15_Simulation", "", lost},
	{guard.WaitSessions, "repo", "TestPruneWaitsForASession", "", lost},
	{guard.WaitSessions, "bench/proof", "TestClass15_Simulation", "", lost},
	{guard.ListAgain, "repo", "TestPruneSparesWhatBecameLive", "", lost},
	{guard.ListAgain, "bench/proof", "TestClass15_Simulation", "", lost},
	{guard.OtherMarks, "repo", "TestPruneTrustsNoHomeThatAnotherDeletes", "", lost},
	{guard.HomesAgain, "repo", "TestPruneLeavesDamagedPacks", "", refused},
	{guard.HomesAgain, "bench/proof", "TestClass15_Simulation", "", lost},
	{guard.MarkLast, "repo", "TestWriterWhilePacksAreDeleted", "", lost},

	{guard.ReadBack, "repo", "TestPruneReadsBackWhatItMoved", "", lost},
	{guard.ReadBack, "repo/vault", "TestReadBack", "", lost},

	{guard.CleanPaths, "snapshot", "TestHostilePages", "", refused},
	{guard.FileHash, "snapshot", "TestWrongHashIsNoticed", "", refused},
	{guard.StatTwice, "snapshot", "TestTornFileIsNotTaken", "", lost},
	{guard.Attic, "snapshot", "TestAtticKeepsAPictureThroughAYearOfThinning", "", lost},
	{guard.KeepsLast, "snapshot", "TestPruneKeepsForgottenLastCopies", "", lost},
	{guard.Vanished, "snapshot", "TestPruneRefusesWhenASnapshotVanished", "", refused},
	{guard.Brake, "snapshot", "TestBrakeHoldsForgetting", "", refused},
}
