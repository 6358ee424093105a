package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// patience is how long a dialog waits for what the program should say.
const patience = 20 * time.Second

// terminal runs a program at a terminal and plays the dialog in a file: lines of
//
//	see TEXT     wait until the program has said TEXT, behind what was seen before
//	type TEXT    type it, and return
//	press ^C     press Ctrl-C; ^D likewise
//
// What was on the screen goes to the standard output.
func terminal(args []string) error {
	dialog, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	keyboard, tty, err := openTerminal()
	if err != nil {
		return fmt.Errorf("open a terminal: %w", err)
	}
	c := exec.Command(args[1], args[2:]...)
	c.Stdin, c.Stdout, c.Stderr = tty, tty, tty
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		return err
	}
	_ = tty.Close()
	s := &screen{}
	var reading sync.WaitGroup
	reading.Go(func() { s.readFrom(keyboard) })
	played := play(string(dialog), s, keyboard)
	if played != nil {
		_ = c.Process.Kill()
	}
	err = c.Wait()
	reading.Wait()
	fmt.Print(s.text())
	if played != nil {
		return played
	}
	return err
}

func play(dialog string, s *screen, keyboard *os.File) error {
	for line := range strings.Lines(dialog) {
		line = strings.TrimSuffix(line, "\n")
		word, text, _ := strings.Cut(line, " ")
		var err error
		switch word {
		case "see":
			err = s.await(text)
		case "type":
			_, err = keyboard.WriteString(text + "\n")
		case "press":
			_, err = keyboard.Write([]byte{text[1] - '@'})
		case "":
		default:
			err = fmt.Errorf("what is %q?", line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// screen is all that a program has said.
type screen struct {
	lock sync.Mutex
	said bytes.Buffer
	seen int // what the dialog has waited for already
	over bool
}

func (s *screen) readFrom(f *os.File) {
	buf := make([]byte, 4096)
	for {
		n, err := f.Read(buf)
		s.lock.Lock()
		s.said.Write(buf[:n])
		s.over = err != nil // EIO: the program has closed its side
		s.lock.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *screen) text() string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return strings.ReplaceAll(s.said.String(), "\r\n", "\n")
}

func (s *screen) await(text string) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		s.lock.Lock()
		at, over := bytes.Index(s.said.Bytes()[s.seen:], []byte(text)), s.over
		if at >= 0 {
			s.seen += at + len(text)
		}
		s.lock.Unlock()
		if at >= 0 {
			return nil
		}
		if over {
			break
		}
	}
	return fmt.Errorf("the program never said %q", text)
}

// openTerminal opens a pseudo terminal, pty(7).
func openTerminal() (keyboard, tty *os.File, err error) {
	if keyboard, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	var unlock, number int32
	if err := ioctl(keyboard, syscall.TIOCSPTLCK, &unlock); err != nil {
		return nil, nil, err
	}
	if err := ioctl(keyboard, syscall.TIOCGPTN, &number); err != nil {
		return nil, nil, err
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	return keyboard, tty, err
}

func ioctl(f *os.File, request uintptr, value *int32) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
		return errno
	}
	return nil
}
