package storage

import (
	"fmt"
	"strings"
)

const (
	maxName  = 200 // bytes of a whole name: fits every file system and bucket, below any path we know
	maxDepth = 8   // parts of a name
)

// CheckName tells whether name may name an object: one to eight parts joined by "/", 200 bytes at
// most. A part is made of the letters, digits and "._-" of ASCII, starts and ends with no dot,
// holds no "..", and is no device of Windows (con, nul, com1 and so on). The error wraps ErrName.
func CheckName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("%.40q...: %d bytes long: %w", name, len(name), ErrName)
	}
	if strings.Count(name, "/") >= maxDepth {
		return fmt.Errorf("%q: too many parts: %w", name, ErrName)
	}
	for part := range strings.SplitSeq(name, "/") {
		if !goodPart(part) {
			return fmt.Errorf("%q: %w", name, ErrName)
		}
	}
	return nil
}

// checkPrefix tells whether prefix may be listed: nothing, or a directory with its slash.
func checkPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	dir, found := strings.CutSuffix(prefix, "/")
	if !found {
		return fmt.Errorf("%.40q: a prefix ends in a slash: %w", prefix, ErrName)
	}
	return CheckName(dir)
}

func goodPart(part string) bool {
	if part == "" || part[0] == '.' || part[len(part)-1] == '.' || strings.Contains(part, "..") {
		return false
	}
	for i := range len(part) {
		if !goodByte(part[i]) {
			return false
		}
	}
	return !isDevice(part)
}

func goodByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '.' || c == '_' || c == '-'
}

// isDevice knows the names that Windows gives to devices in every directory, whatever follows a dot.
func isDevice(part string) bool {
	stem, _, _ := strings.Cut(strings.ToLower(part), ".")
	switch stem {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(stem) == 4 && (stem[:3] == "com" || stem[:3] == "lpt") && '0' <= stem[3] && stem[3] <= '9'
}
