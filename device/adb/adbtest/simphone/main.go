// Simphone is a simulated phone for people and scripts: it serves a folder as
// the storage of a phone, for any adb server to connect to.
//
//	simphone -dir photos -adb 127.0.0.1:5039
//
// It does not know what is done with it; it ends when its standard input does,
// or at an interrupt.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"shoebox/device/adb/adbtest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "simphone:", err)
		os.Exit(1)
	}
}

type options struct {
	config        adbtest.Config
	dir, card     string
	listen, adb   string
	withServer    bool
	faults        faultList
	features      string
	battery       int
	charging      bool
	readOnly      bool
	known         bool
	authorizeWhen time.Duration
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o, err := parse(os.Args[1:])
	if err != nil {
		return err
	}
	d := adbtest.New(o.config)
	defer d.Close()
	d.Break(o.faults...)
	if o.known {
		if err := d.Learn(); err != nil {
			return err
		}
	}
	phone, err := adbtest.Listen(d, o.listen)
	if err != nil {
		return err
	}
	defer phone.Close()
	fmt.Println("phone", phone.Addr())
	if o.withServer {
		server, err := adbtest.StartServer(ctx)
		if err != nil {
			return err
		}
		defer server.Close()
		o.adb = server.Addr()
		fmt.Println("adb", server.Addr())
	}
	if o.adb != "" {
		answer, err := adbtest.Ask(ctx, o.adb, "host:connect:"+phone.Addr())
		if err != nil {
			return err
		}
		fmt.Println(strings.TrimSpace(answer))
	}
	if o.authorizeWhen > 0 {
		defer time.AfterFunc(o.authorizeWhen, d.Authorize).Stop()
	}
	fmt.Println("ready")
	wait(ctx)
	return nil
}

// wait ends with the context or with standard input, so that a script which dies
// takes its phone along.
func wait(ctx context.Context) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 512)
		for {
			if _, err := os.Stdin.Read(buf); err != nil {
				return
			}
		}
	}()
	select {
	case <-ctx.Done():
	case <-ended:
	}
}

func parse(args []string) (o options, err error) {
	fs := flag.NewFlagSet("simphone", flag.ContinueOnError)
	fs.StringVar(&o.dir, "dir", "", "folder to serve as /sdcard (made-up pictures without)")
	fs.StringVar(&o.card, "card", "", "folder to serve as /storage/1234-ABCD")
	fs.StringVar(&o.listen, "listen", "127.0.0.1:0", "address to listen on")
	fs.StringVar(&o.adb, "adb", "", "address of an adb server to connect to the phone")
	fs.BoolVar(&o.withServer, "server", false, "start a real adb server of its own and connect it")
	fs.StringVar(&o.config.Serial, "serial", "", "ro.serialno")
	fs.StringVar(&o.config.Model, "model", "", "model")
	fs.StringVar(&o.features, "features", "C", "A, B, C or D for a generation of phones, or a list")
	fs.BoolVar(&o.config.Unauthorized, "unauthorized", false, "do not allow the computer")
	fs.DurationVar(&o.authorizeWhen, "authorize-after", 0, "allow the computer after this time")
	fs.DurationVar(&o.config.Delay, "delay", 0, "delay of each packet, each way")
	fs.Int64Var(&o.config.Rate, "rate", 0, "bytes per second")
	fs.IntVar(&o.battery, "battery", 80, "level of the battery, per cent")
	fs.BoolVar(&o.charging, "charging", true, "whether it has power")
	fs.BoolVar(&o.readOnly, "card-read-only", false, "the card takes nothing and gives nothing away")
	fs.BoolVar(&o.known, "known", false, "MediaStore knows at the start what is there")
	fs.Int64Var(&o.config.Size, "size", 0, "bytes that each storage holds, as df tells (this computer's without)")
	fs.Func("without", "program that its shell does not have; may come several times", func(name string) error {
		o.config.Without = append(o.config.Without, name)
		return nil
	})
	fs.Func("program", "NAME=SCRIPT: what its shell has in place of a program; may come several times", o.program)
	fs.Var(&o.faults, "fault", "OP,PATHEND,KIND[,AT[,TIMES[,TEXT]]], such as RECV,b.jpg,cut,100000,1; kinds: cut hang fail raw endless end drip")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	return o, o.fill()
}

func (o *options) program(text string) error {
	name, script, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return fmt.Errorf("%q is not NAME=SCRIPT", text)
	}
	if o.config.Programs == nil {
		o.config.Programs = make(map[string]string)
	}
	o.config.Programs[name] = script
	return nil
}

func (o *options) fill() error {
	o.config.Battery = adbtest.BatteryText(o.battery, o.charging)
	if o.readOnly {
		o.config.ReadOnly = []string{"1234-ABCD"}
	}
	switch o.features {
	case "A":
		o.config.Features, o.config.MaxData, o.config.Version1 = adbtest.FeaturesA, 4096, true
	case "B":
		o.config.Features = adbtest.FeaturesB
	case "C":
		o.config.Features = adbtest.FeaturesC
	case "D":
		o.config.Features = adbtest.FeaturesD
	default:
		o.config.Features = strings.Split(o.features, ",")
	}
	if o.dir != "" {
		o.config.Storage = adbtest.DirTree(o.dir)
	} else {
		o.config.Storage = adbtest.Screenshots(20)
	}
	if o.card != "" {
		o.config.Cards = map[string]adbtest.Tree{"1234-ABCD": adbtest.DirTree(o.card)}
	}
	return nil
}

// faultList is the flag -fault, which may come several times.
type faultList []adbtest.Fault

func (l *faultList) String() string { return fmt.Sprint(len(*l)) }

var kinds = map[string]adbtest.Kind{
	"cut": adbtest.Cut, "hang": adbtest.Hang, "fail": adbtest.Fail, "raw": adbtest.RawClose,
	"endless": adbtest.Endless, "end": adbtest.EndSession, "drip": adbtest.Drip,
}

func (l *faultList) Set(text string) error {
	parts := append(strings.SplitN(text, ",", 6), "", "", "", "")
	kind, ok := kinds[parts[2]]
	if !ok {
		return fmt.Errorf("kind %q", parts[2])
	}
	f := adbtest.Fault{Op: parts[0], Path: parts[1], Kind: kind, Text: parts[5]}
	var err error
	if parts[3] != "" {
		if f.At, err = strconv.ParseInt(parts[3], 10, 64); err != nil {
			return err
		}
	}
	if parts[4] != "" {
		if f.Times, err = strconv.Atoi(parts[4]); err != nil {
			return err
		}
	}
	*l = append(*l, f)
	return nil
}
