package vault

import (
	"strings"
	"testing"
)

func TestKindOf(t *testing.T) {
	hash := strings.Repeat("0123456789abcdef", 4)
	for name, want := range map[string]kind{
		"packs/01/" + hash:                      packKind,
		"packs/02/" + hash:                      strangeKind, // not where it belongs
		"packs/" + hash:                         strangeKind,
		"packs/01/" + hash + "0":                strangeKind,
		"packs/01/" + hash[:63]:                 strangeKind,
		"packs/01/" + strings.ToUpper(hash):     strangeKind,
		"packs/01/" + hash + ".parity":          strangeKind,
		"packs/01/x/" + hash:                    strangeKind,
		"parity/01/" + hash:                     sidecarKind,
		"parity/removed":                        plainKind,
		"parity/" + hash:                        strangeKind,
		"segments/" + hash:                      segmentKind,
		"segments/01/" + hash:                   strangeKind,
		"segments/" + hash + ".parity":          strangeKind,
		"quarantine/" + hash:                    quarantineKind,
		"quarantine/" + hash + ".parity":        quarantineKind,
		"quarantine/" + hash + ".parity.parity": strangeKind,
		"segments/":                             strangeKind,
		"segments":                              strangeKind,
		"":                                      strangeKind,
		"keys/" + hash:                          slotKind,
		"keys/a/b":                              strangeKind,
		"sessions/x.open":                       momentKind,
		"sessions/x.done":                       recordKind,
		"copies/segments/" + hash:               copyKind,
		"copies/packs/01/" + hash:               strangeKind,
		"copies/copies/keys/x":                  strangeKind,
		"shoebox.json":                          hintKind,
		"README.txt":                            plainKind,
	} {
		if got := kindOf(name); got != want {
			t.Errorf("%q is of kind %d, want %d", name, got, want)
		}
	}
}

// Healing settles all folders of small objects: it relies on what a writer that died has put there.
func TestFoldersOfSmallObjects(t *testing.T) {
	for _, folder := range []string{"segments", "snapshots", "tombstones", "releases", "receipts", "brakes", "config", "keys", "sessions", "marks"} {
		if folders[folder] == strangeKind {
			t.Errorf("%s is not settled", folder)
		}
	}
}
