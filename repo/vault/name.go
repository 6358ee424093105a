package vault

import (
	"encoding/hex"
	"strings"
)

// The folders of a vault.
const (
	ParityDir     = "parity/"     // sidecars
	CopiesDir     = "copies/"     // second copies, under the names of their originals
	QuarantineDir = "quarantine/" // what is beyond healing, once what could be saved of it is safe elsewhere
)

const (
	packsDir = "packs/"

	hintName   = "shoebox.json"
	doneSuffix = ".done" // of a session that has confirmed its snapshot

	// removedName is an object that says that redundancy is being removed, or was: a sidecar or a copy that vanishes says nothing then.
	removedName = ParityDir + "removed"
)

// kind is what a name says of an object.
type kind int

const (
	strangeKind    kind = iota // of nobody
	packKind                   // a pack, named by its hash
	segmentKind                // a record named by its hash
	recordKind                 // a record that is never replaced, with a copy
	changingKind               // a record that may be put again, with a copy
	slotKind                   // a key slot
	hintKind                   // shoebox.json
	momentKind                 // of sessions at work: records without a copy
	sidecarKind                // parity of a pack
	copyKind                   // a second copy
	quarantineKind             // what was taken out of the way
	plainKind                  // of the house, and nothing to check
)

// copied tells whether objects of this kind have a second copy.
func (k kind) copied() bool {
	return k == segmentKind || k == recordKind || k == changingKind || k == slotKind || k == hintKind
}

// replaced tells whether other bytes may come to lie under the same name.
func (k kind) replaced() bool { return k == slotKind || k == changingKind || k == hintKind }

// folders are the kinds of what lies in each, packs and their sidecars aside.
var folders = map[string]kind{
	"segments": segmentKind, "snapshots": recordKind, "tombstones": recordKind, "releases": recordKind, "receipts": recordKind, "brakes": changingKind, "config": changingKind,
	"keys": slotKind, "sessions": momentKind, "marks": recordKind,
}

// hashed are the folders of what is named by its hash.
var hashed = map[string]kind{"packs": packKind, "parity": sidecarKind, "segments": segmentKind, "quarantine": quarantineKind}

func kindOf(name string) kind {
	switch name {
	case hintName:
		return hintKind
	case "README.txt", removedName:
		return plainKind
	}
	if original, ok := strings.CutPrefix(name, CopiesDir); ok {
		if kindOf(original).copied() {
			return copyKind
		}
		return strangeKind
	}
	folder, rest, below := strings.Cut(name, "/")
	if hashed[folder] != strangeKind {
		return hashedKind(folder, rest)
	}
	if k := folders[folder]; below && rest != "" && !strings.Contains(rest, "/") {
		if k == momentKind && strings.HasSuffix(rest, doneSuffix) {
			return recordKind // without it a snapshot is not shown
		}
		return k
	}
	return strangeKind
}

// hashedKind is the kind of an object named by a hash: rest is its name in the folder. It is asked at every call, so it takes no pattern.
func hashedKind(folder, rest string) kind {
	if folder == "packs" || folder == "parity" {
		digits, hash, below := strings.Cut(rest, "/")
		if !below || len(digits) != 2 || !strings.HasPrefix(hash, digits) {
			return strangeKind
		}
		rest = hash
	}
	if folder == "quarantine" {
		rest = strings.TrimSuffix(rest, ".parity") // the sidecar went with its pack
	}
	if len(rest) != 64 || strings.Trim(rest, "0123456789abcdef") != "" {
		return strangeKind
	}
	return hashed[folder]
}

func copyName(name string) string { return CopiesDir + name }

// SidecarName is the name of the sidecar of a pack, both as they stand in the store.
func SidecarName(pack string) string { return ParityDir + strings.TrimPrefix(pack, packsDir) }
func packOf(sidecar string) string   { return packsDir + strings.TrimPrefix(sidecar, ParityDir) }

// packHash reads the hash at the end of the name of a pack or a segment.
func packHash(name string) (h [32]byte) {
	_, _ = hex.Decode(h[:], []byte(name[len(name)-64:])) // kindOf has seen the digits
	return h
}
