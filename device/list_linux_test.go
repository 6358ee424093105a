package device_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"shoebox/device"
)

// asNobody runs on a thread that may not read what only root may, which is what
// tests often run as. The thread ends with the test.
func asNobody(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // and never unlock: the thread is spoiled
	if os.Getuid() != 0 {
		return
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
}

// What cannot be read is named, and the rest is listed.
func TestDirUnreadable(t *testing.T) {
	dir, err := os.MkdirTemp("", "unreadable")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, p := range []string{"a/x", "closed/x", "z/y", "z/secret"} {
		write(t, filepath.Join(dir, p), p)
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Join(dir, "closed"), 0), os.Chmod(filepath.Join(dir, "z/secret"), 0)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Chmod(filepath.Join(dir, "closed"), 0o755) }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		asNobody(t)
		d := openDir(t, dir, device.DirOptions{})
		files, problems, err := list(t.Context(), d)
		if err != nil || !slices.Equal(paths(files), []string{"a/x", "z/secret", "z/y"}) {
			t.Error(paths(files), err)
		}
		if len(problems) != 1 || !errors.Is(problems["closed"], fs.ErrPermission) {
			t.Error(problems)
		}
		for _, f := range files {
			r, err := d.Open(t.Context(), f)
			if secret := f.Path == "z/secret"; secret != errors.Is(err, fs.ErrPermission) {
				t.Error(f.Path, err)
			}
			if err == nil {
				_ = r.Close()
			}
		}
	}()
	<-done
}

// What is neither file nor link is passed over, also by Open.
func TestDirPassesOver(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "a")
	write(t, filepath.Join(dir, "sub/b"), "b")
	write(t, filepath.Join(dir, ".shoebox-0123456789abcdef.tmp"), "left behind")
	if err := errors.Join(syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644), os.Symlink("sub", filepath.Join(dir, "link")),
		os.Symlink(".", filepath.Join(dir, "sub/loop"))); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, dir, device.DirOptions{})
	files, problems, err := list(t.Context(), d)
	if err != nil || len(problems) > 0 || !slices.Equal(paths(files), []string{"a", "link", "sub/b", "sub/loop"}) {
		t.Error(paths(files), problems, err)
	}
	for _, path := range []string{"fifo", "link", "sub"} {
		if _, err := d.Open(t.Context(), device.File{Path: path}); err == nil {
			t.Errorf("%s was opened", path)
		}
	}
	if _, err := d.Stat(t.Context(), "sub"); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
}
