package device

import (
	"fmt"
	"path/filepath"
	"strings"
)

// checkHere refuses names that mean something else on Windows: devices such as
// CON, streams after a colon, a backslash, and endings that are dropped.
func checkHere(name string) error {
	if strings.ContainsAny(name, `\:*?"<>|`) || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") || !filepath.IsLocal(name) {
		return fmt.Errorf("%w: %q on Windows", ErrName, name)
	}
	for _, c := range []byte(name) {
		if c < ' ' {
			return fmt.Errorf("%w: %q on Windows", ErrName, name)
		}
	}
	return nil
}
