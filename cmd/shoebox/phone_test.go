package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"shoebox/device/adb/adbtest"
)

// phoneCommand connects a phone.
//
//	phone NAME dir=FOLDER [model=MODEL] [serial=SERIAL] [unauthorized] [banner=STATE] [rate=BYTES/S] [allow=DURATION] [scans=WAYS] [size=BYTES] [df=SCRIPT] [drawn=ID]
//
// FOLDER is what is on the phone; adb's serial of it is then in $NAME.
func phoneCommand(ts *testscript.TestScript, _ bool, args []string) {
	config := adbtest.Config{Model: "Pixel_8", Serial: "SERIAL-" + args[0]}
	var allow time.Duration
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		var err error
		switch key {
		case "dir":
			config.Storage = adbtest.DirTree(ts.MkAbs(value))
		case "model":
			config.Model = value
		case "serial":
			config.Serial = value
		case "scans":
			config.Scans = strings.Split(value, ",")
		case "size":
			config.Size, err = strconv.ParseInt(value, 10, 64)
		case "df":
			config.Programs = map[string]string{"df": value}
		case "drawn":
			config.Programs = map[string]string{"settings": "echo " + value}
		case "banner":
			config.Banner = value
		case "unauthorized":
			config.Unauthorized = true
		case "rate":
			config.Rate, err = strconv.ParseInt(value, 10, 64)
		case "allow":
			allow, err = time.ParseDuration(value)
		default:
			err = fmt.Errorf("phone: what is %s?", key)
		}
		ts.Check(err)
	}
	one, err := phonesOf(ts).connect(args[0], config)
	ts.Check(err)
	ts.Setenv("ANDROID_ADB_SERVER_PORT", phonesOf(ts).server.Port())
	ts.Setenv(args[0], one.serial)
	if allow > 0 {
		stop := time.AfterFunc(allow, one.Authorize)
		ts.Defer(func() { stop.Stop() })
	}
}

// twinsCommand puts two phones of one serial, R58M, on two cables; transport_id:1 and transport_id:2 tell them apart. No real adb server stands
// before them, as it would need real cables.
//
//	twins FOLDER FOLDER
func twinsCommand(ts *testscript.TestScript, _ bool, args []string) {
	var both [2]*adbtest.Daemon
	for i := range both {
		d := adbtest.New(adbtest.Config{Model: "Pixel_8", Serial: "R58M", Storage: adbtest.DirTree(ts.MkAbs(args[i]))})
		ts.Defer(func() { _ = d.Close() })
		both[i] = d
	}
	x, err := adbtest.ListenDirect(both[0])
	ts.Check(err)
	ts.Defer(func() { _ = x.Close() })
	x.Also(2, both[1])
	list := ""
	for i := range both {
		list += fmt.Sprintf("R58M device usb:1-%d product:sim model:Pixel_8 device:sim transport_id:%d\n", i+1, i+1)
	}
	x.Devices(list)
	_, port, _ := net.SplitHostPort(x.Addr())
	ts.Setenv("ANDROID_ADB_SERVER_PORT", port)
}

func (p *phones) connect(name string, config adbtest.Config) (*onePhone, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if p.server == nil {
		server, err := adbtest.StartServer(ctx)
		if err != nil {
			return nil, err
		}
		p.server, p.all = server, make(map[string]*onePhone)
	}
	phone, err := adbtest.Listen(adbtest.New(config), "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	one := &onePhone{Phone: phone}
	p.all[name] = one
	one.serial, err = p.server.Connect(ctx, phone)
	return one, err
}

func (p *phones) get(ts *testscript.TestScript, name string) *onePhone {
	one := p.all[name]
	if one == nil {
		ts.Fatalf("there is no phone %s", name)
	}
	return one
}

// faultCommand makes a phone misbehave.
//
//	fault NAME OP PATH KIND [at=BYTES] [times=N] [skip=N] [text=TEXT]
//
// OP is a request of adb's sync protocol (RECV, LIS2), PATH the end of the path it is for. KIND is cut, hang, fail, drip, or
// interrupt, which is Ctrl-C to the program run by code, or run:FILE, which runs a shell script.
func faultCommand(ts *testscript.TestScript, _ bool, args []string) {
	one := phonesOf(ts).get(ts, args[0])
	f := adbtest.Fault{Op: args[1], Path: args[2]}
	switch kind, file, _ := strings.Cut(args[3], ":"); kind {
	case "cut":
		f.Kind = adbtest.Cut
	case "hang":
		f.Kind = adbtest.Hang
	case "fail":
		f.Kind = adbtest.Fail
	case "drip":
		f.Kind = adbtest.Drip
	case "interrupt":
		f.Kind, f.Func = adbtest.Do, interrupter(filepath.Join(ts.Getenv("WORK"), pidFile))
	case "touch":
		path := ts.MkAbs(file)
		f.Kind, f.Func = adbtest.Do, func() { _ = os.Chtimes(path, time.Now(), time.Now().Add(time.Hour)) }
	default:
		ts.Fatalf("what is a fault of kind %s?", kind)
	}
	for _, arg := range args[4:] {
		key, value, _ := strings.Cut(arg, "=")
		n, err := strconv.Atoi(value)
		switch key {
		case "at":
			f.At = int64(n)
		case "times":
			f.Times = n
		case "skip":
			f.Skip = n
		case "text":
			f.Text, err = value, nil
		}
		ts.Check(err)
	}
	one.Break(f)
}

// interrupter presses Ctrl-C.
func interrupter(pidFile string) func() {
	return func() {
		text, err := os.ReadFile(pidFile)
		if err != nil {
			return // the script notices that nothing was interrupted
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Signal(syscall.SIGINT)
			}
		}
	}
}

func mendCommand(ts *testscript.TestScript, _ bool, args []string) {
	phonesOf(ts).get(ts, args[0]).Mend()
}

// unplugCommand takes a phone away for good. "offline" leaves it in adb's list, as a phone on Wi-Fi that went out of the house.
func unplugCommand(ts *testscript.TestScript, _ bool, args []string) {
	one := phonesOf(ts).get(ts, args[0])
	ts.Check(one.Phone.Close())
	ts.Check(one.Daemon.Close())
	delete(phonesOf(ts).all, args[0])
	if len(args) > 1 && args[1] == "offline" {
		return // adb still knows it
	}
	ts.Check(phonesOf(ts).server.Disconnect(context.Background(), one.serial))
}

// pulledCommand holds the files that were read from a phone against those that should have been.
func pulledCommand(ts *testscript.TestScript, _ bool, args []string) {
	one := phonesOf(ts).get(ts, args[0])
	var got []string
	for path, times := range one.Pulls() {
		path = strings.TrimPrefix(path, "/sdcard/")
		if slices.Contains(args[1:], path+"+") {
			path, times = path+"+", 1
		}
		for range times {
			got = append(got, path)
		}
	}
	slices.Sort(got)
	want := slices.Sorted(slices.Values(args[1:]))
	if !slices.Equal(got, want) {
		ts.Fatalf("read from the phone: %q\nwant: %q", got, want)
	}
	if len(want) == 0 && one.Bytes() != 0 {
		ts.Fatalf("%d bytes were read from the phone", one.Bytes())
	}
	one.ResetCounters()
}

func plugCommand(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := phonesOf(ts).server.Connect(ctx, phonesOf(ts).get(ts, args[0]).Phone)
	ts.Check(err)
}

func sparedCommand(ts *testscript.TestScript, _ bool, args []string) {
	one := phonesOf(ts).get(ts, args[0])
	spared := strings.Fields(ts.ReadFile(args[1]))
	if len(spared) == 0 {
		ts.Fatalf("no files are named in %s", args[1])
	}
	for path := range one.Pulls() {
		if slices.Contains(spared, strings.TrimPrefix(path, "/sdcard/")) {
			ts.Fatalf("%s was read again", path)
		}
	}
}

func sentCommand(ts *testscript.TestScript, neg bool, args []string) {
	most, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	if got := phonesOf(ts).get(ts, args[0]).Bytes(); (got <= most) == neg {
		ts.Fatalf("%d bytes were read from the phone", got)
	}
}
