// Package demo_test runs the demonstrations that a user can read. It knows of shoebox only what the scripts type.
package demo_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// What the script promises at its top it shows at its end; any step that fails ends it.
func TestNothingLost(t *testing.T) {
	var out bytes.Buffer
	script := exec.CommandContext(t.Context(), "bash", "nothing-lost.sh")
	script.Stdout, script.Stderr = &out, &out
	if err := script.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	text := out.String()
	if strings.Count(text, "No damage:") != 10 || strings.Contains(text, "lost:") {
		t.Errorf("not every check was clean:\n%s", text)
	}
	for _, shown := range []string{"A restore reads through the damage.", "The pack is byte for byte what it was", "The picture of that one night in February is still there."} {
		if !strings.Contains(text, shown) {
			t.Errorf("%q was not shown:\n%s", shown, text)
		}
	}
}
