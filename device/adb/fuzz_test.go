package adb

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// played is a session whose answers are given bytes.
func played(data []byte, v2 bool) *frames {
	return &frames{in: bufio.NewReaderSize(bytes.NewReader(data), 64<<10), v2List: v2, v2Stat: v2, path: "/x"}
}

// settled is what any answer must come to: something, or an error of this package
// that is not the end of a file.
func settled(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	failure := (*Failure)(nil)
	if errors.Is(err, io.EOF) || !(errors.Is(err, ErrBroken) || errors.Is(err, ErrProtocol) || errors.As(err, &failure)) {
		t.Errorf("%v", err)
	}
	if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
		t.Errorf("control characters in %q", err)
	}
}

func listSeeds(f *testing.F) {
	v1 := "DENT" + strings.Repeat("\x01", 12) + "\x03\x00\x00\x00a.b"
	v2 := "DNT2" + strings.Repeat("\x00", 68) + "\x01\x00\x00\x00."
	for _, s := range []string{
		"", "DONE", v1, v1 + "DONE" + strings.Repeat("\x00", 16), v2 + "DONE" + strings.Repeat("\x00", 72),
		v1[:16] + "\xff\xff\xff\xff", "FAIL\x03\x00\x00\x00no\x1b", "FAIL\xff\xff\xff\xff", "STAT" + strings.Repeat("\x02", 12),
		"LST2" + strings.Repeat("\x02", 68), "LST2" + strings.Repeat("\xff", 68), "DATA\x02\x00\x00\x00xyDONE\x00\x00\x00\x00", "DATA\xff\xff\xff\xff",
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
}

// FuzzList: a listing of any bytes is entries, all of them, or an error.
func FuzzList(f *testing.F) {
	listSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, v2 bool) {
		entries, _, err := played(data, v2).list()
		settled(t, err)
		if err != nil && entries != nil {
			t.Error("half a listing was returned")
		}
		for _, e := range entries {
			if len(e.Name) > MaxName || e.Name == "." || e.Name == ".." {
				t.Errorf("name %q", e.Name)
			}
		}
		if err == nil && !bytes.Contains(data, []byte("DONE")) {
			t.Error("a listing without DONE passed")
		}
	})
}

// FuzzStat: a state of any bytes has a size that is one, or is an error.
func FuzzStat(f *testing.F) {
	listSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, v2 bool) {
		st, err := played(data, v2).stat()
		settled(t, err)
		if err == nil && st.Size < 0 {
			t.Error(st)
		}
		_ = st.Err()
	})
}

// FuzzData: the heads of a file's pieces never announce more than the bound.
func FuzzData(f *testing.F) {
	listSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, v2 bool) {
		frames := played(data, v2)
		for range 1000 {
			n, done, err := frames.data()
			settled(t, err)
			if n < 0 || n > MaxData {
				t.Error(n)
			}
			if done || err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, frames.in, int64(n)); err != nil {
				return
			}
		}
	})
}

// FuzzDevices: any list of phones is read without harm, and a phone that is there
// stays there whatever stands on other lines.
func FuzzDevices(f *testing.F) {
	f.Add("R58M device usb:1-1 product:a model:b device:c transport_id:1\n")
	f.Add("???? no permissions (x); see [http://y] usb:1 transport_id:2\nX unauthorized transport_id:13")
	f.Add(" transport_id:\n device:\n:")
	f.Fuzz(func(t *testing.T, text string) {
		for _, i := range ParseDevices(text) {
			if i.Serial == "" || i.State == "" || strings.Contains(i.Serial, "\n") {
				t.Errorf("%+v", i)
			}
		}
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		infos := ParseDevices(text + "REAL device usb:1-1 transport_id:77\n")
		if last := infos[len(infos)-1]; last.Serial != "REAL" || last.TransportID != 77 || last.State != StateDevice {
			t.Errorf("%+v", last)
		}
	})
}

// FuzzShell: shell packets of any bytes are output and an exit code, or an error.
func FuzzShell(f *testing.F) {
	packet := func(kind byte, data string) string {
		return string(binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(data)))) + data
	}
	f.Add([]byte(packet(1, "out") + packet(2, "err") + packet(3, "\x07")))
	f.Add([]byte(packet(9, "")))
	f.Add([]byte("\x01\xff\xff\xff\xffabc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		c := &conn{r: bufio.NewReader(bytes.NewReader(data))}
		exit, err := c.shellOutput(Command{Stdout: &out, Stderr: io.Discard})
		settled(t, err)
		if err != nil && exit != NoExit || out.Len() > len(data) {
			t.Error(exit, err, out.Len())
		}
	})
}

// FuzzTail: shell packets of any bytes are the rest of a file, ended by an exit code of 0 and no complaint, or an error.
func FuzzTail(f *testing.F) {
	f.Add([]byte("\x01\x03\x00\x00\x00out\x03\x01\x00\x00\x00\x00"))
	f.Add([]byte("\x01\x03\x00\x00\x00out\x02\x01\x00\x00\x00x"))
	f.Add([]byte("\x01\xff\xff\xff\xffabc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tail := &Tail{ctx: t.Context(), path: "/x", c: &conn{r: bufio.NewReader(bytes.NewReader(data))}}
		got, err := io.ReadAll(tail)
		settled(t, err)
		if len(got) > len(data) || err == nil && !bytes.Contains(data, []byte("\x03\x01\x00\x00\x00\x00")) {
			t.Error(len(got), err)
		}
	})
}

// FuzzSmart: any answer of a server to a request is OKAY, FAIL or an error.
func FuzzSmart(f *testing.F) {
	f.Add([]byte("OKAY0004abcd"))
	f.Add([]byte("FAIL0003no\x1b"))
	f.Add([]byte("FAILffff"))
	f.Add([]byte("OKAYzzzz"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ours, theirs := net.Pipe()
		go func() {
			_, _ = io.CopyN(io.Discard, theirs, 4+int64(len("host:x")))
			_, _ = theirs.Write(data)
			_ = theirs.Close()
		}()
		c := newConn(ours, 5*time.Second, 1)
		defer c.close()
		err := c.request("host:x")
		settled(t, err)
		if err == nil {
			_, err := c.text()
			settled(t, err)
		}
	})
}

// FuzzQuote: any name is one word to a shell that knows single quotes.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a b", "it's", "''", "$(x)", "\n", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if got, ok := unquote(Quote(name)); !ok || got != name {
			t.Errorf("%q became %q", name, got)
		}
	})
}

// unquote reads one word as a shell does.
func unquote(word string) (string, bool) {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(word); i++ {
		switch c := word[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
			b.WriteByte(c)
		case c == '\\' && i+1 < len(word):
			i++
			b.WriteByte(word[i])
		default:
			return "", false
		}
	}
	return b.String(), !quoted
}
