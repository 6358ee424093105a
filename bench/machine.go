package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine says where it was measured, with work on its disk.
func machine(work string) map[string]string {
	return map[string]string{
		"processors": fmt.Sprintf("%d x %s", runtime.NumCPU(), firstAfter("/proc/cpuinfo", "model name")),
		"memory":     firstAfter("/proc/meminfo", "MemTotal"),
		"system":     said("uname", "-srm"),
		"disk":       fileSystem(work),
	}
}

// fileSystem is the kind of file system that a folder lies on.
func fileSystem(dir string) string {
	out, err := exec.Command("findmnt", "-no", "FSTYPE", "-T", dir).Output()
	if err != nil {
		return "file system unknown"
	}
	return strings.TrimSpace(string(out))
}

func versions() map[string]string {
	return map[string]string{"go": runtime.Version(), "restic": said("restic", "version"), "borg": said("borg", "--version"), "kopia": "kopia " + kopiaVersion, "adb": said("adb", "--version"), "b3sum": said("b3sum", "--version")}
}

// firstAfter is the value of the first line that begins with a key, as /proc has them.
func firstAfter(path, key string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, key) {
			_, value, _ := strings.Cut(line, ":")
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func said(program string, args ...string) string {
	out, err := exec.Command(program, args...).Output()
	if err != nil {
		return program + " unknown"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
