package device_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shoebox/device"
)

// FuzzWrite: whatever the path, a file is written below the target, exactly
// there, or nowhere; and nothing lands beside it.
func FuzzWrite(f *testing.F) {
	for _, s := range []string{"a", "a/b", "../x", "/x", "a/../../x", "", ".", "a//b", "a\x00b", "CON", "a:b", `..\x`, "\xff", strings.Repeat("x", 256), "a/./b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		above := t.TempDir()
		target := filepath.Join(above, "in/target")
		if err := os.MkdirAll(target, 0o755); err != nil {
			t.Fatal(err)
		}
		d := openDir(t, target, device.DirOptions{})
		err := d.Write(t.Context(), device.File{Path: path, Size: 1}, strings.NewReader("x"))
		if count(t, above) != 1 || count(t, filepath.Join(above, "in")) != 1 {
			t.Fatalf("%q was written beside the target", path)
		}
		if err != nil || strings.Contains(path, ".shoebox-") {
			return // what looks like our own temporary file is not listed
		}
		files, problems, end := list(t.Context(), d)
		if len(files) != 1 || files[0].Path != path || len(problems) > 0 || end != nil {
			t.Errorf("%q became %v %v %v", path, files, problems, end)
		}
	})
}
