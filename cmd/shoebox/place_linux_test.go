package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// placeCommands are programs for scripts that run another program in a special place:
//
//	terminal DIALOG PROGRAM ARG...       at a terminal, where a person types what DIALOG says; see playTerminal
//	smalldisk SIZE DIR PROGRAM ARG...    with a disk of SIZE at DIR, which is gone afterwards
//	powerless PROGRAM ARG...             as a user who may not read everything, even if it is root
//
// Each ends with the exit code of the program.
func placeCommands() map[string]func() {
	return map[string]func(){"terminal": func() { endAs(terminal(os.Args[1:])) }, "smalldisk": func() { endAs(smallDisk(os.Args[1:])) },
		"powerless": func() { endAs(powerless(os.Args[1:])) }}
}

func endAs(err error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
	os.Exit(125)
}

const insideDisk = "SMALLDISK_INSIDE"

// smallDisk runs a program in a name space of its own, in which anybody may mount a disk.
func smallDisk(args []string) error {
	size, dir, program := args[0], args[1], args[2:]
	if os.Getenv(insideDisk) == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		c := exec.Command(self, args...)
		c.Args[0] = "smalldisk"
		c.Env = append(os.Environ(), insideDisk+"=1")
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}
		return c.Run()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size="+size); err != nil {
		return fmt.Errorf("mount a small disk: %w", err)
	}
	return inPlace(program)
}

// powerless gives up the right to pass by permissions, which root has, and runs a program.
func powerless(program []string) error {
	const (
		capBoundingSetDrop = 24 // PR_CAPBSET_DROP, prctl(2)
		dacOverride        = 1  // CAP_DAC_OVERRIDE, capabilities(7)
		dacReadSearch      = 2  // CAP_DAC_READ_SEARCH
	)
	runtime.LockOSThread() // what follows counts for this thread, and for the program that takes its place
	if os.Getuid() == 0 {
		for _, right := range []uintptr{dacOverride, dacReadSearch} {
			if _, _, errno := syscall.Syscall(syscall.SYS_PRCTL, capBoundingSetDrop, right, 0); errno != 0 {
				return fmt.Errorf("give up a right: %w", errno)
			}
		}
	}
	return inPlace(program)
}

// inPlace makes this process another program.
func inPlace(program []string) error {
	path, err := exec.LookPath(program[0])
	if err != nil {
		return err
	}
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, insideDisk+"=") {
			env = append(env, v)
		}
	}
	return syscall.Exec(path, program, env)
}
