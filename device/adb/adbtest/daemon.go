package adbtest

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// Features of three generations of phones.
var (
	FeaturesA = []string{}                                                                                                    // 2013: sync v1, no shell_v2
	FeaturesB = []string{"shell_v2", "cmd", "stat_v2"}                                                                        // Android 8: sizes of 64 bits, listing of 32
	FeaturesC = []string{"shell_v2", "cmd", "stat_v2", "ls_v2", "fixed_push_mkdir", "abb", "abb_exec", "apex"}                // Android 11
	FeaturesD = []string{"shell_v2", "cmd", "stat_v2", "ls_v2", "fixed_push_mkdir", "sendrecv_v2", "abb", "abb_exec", "apex"} // Android 14
)

// Config is what the phone is. The zero value is an Android 11 phone without storage.
type Config struct {
	Storage  Tree            // what is at /sdcard
	Cards    map[string]Tree // what is at /storage/NAME
	Features []string        // nil is FeaturesC
	Product  string          // "" is "sim"; likewise Model and Device
	Model    string
	Device   string
	Serial   string            // ro.serialno; "" is "SIM0001"
	Props    map[string]string // further properties, for getprop

	Frame        int    // bytes in a DATA frame; 0 is 65528, as adbd has it
	MaxData      int    // of a packet; 0 is 1 MiB. 4096 and Version1 make an old phone.
	Version1     bool   // announce protocol version 0x01000000, with checksums
	Chatty       bool   // each write of a service is a packet of its own
	Unauthorized bool   // until Daemon.Authorize
	Banner       string // the state announced; "" is "device"

	Without  []string          // programs of the shell that this phone does not have
	Programs map[string]string // scripts in place of programs

	ReadOnly []string // cards from which nothing is removed and to which nothing is written
	Size     int64    // of each storage, in bytes, as df tells it; what is in use is what lies there. 0: df tells of this computer
	Battery  string   // what dumpsys battery prints; "" is BatteryText(80, true). See SetBattery

	Room  int64    // bytes that still fit; 0 is boundless, -1 is a full phone
	Scans []string // ways of asking MediaStore to look that this phone knows; nil is ScanWays

	Delay time.Duration // of each packet, each way
	Rate  int64         // bytes per second towards the computer; 0 is unbounded
}

// Daemon is a simulated phone.
type Daemon struct {
	Config
	Counters

	mu       sync.Mutex
	faults   []*Fault
	spoiled  int           // answers that met a fault
	allowed  chan struct{} // closed by Authorize
	shell    shell
	shellErr error
}

// New makes a phone; Close removes what its shell needs.
func New(c Config) *Daemon {
	if c.Scans == nil {
		c.Scans = ScanWays
	}
	if c.Features == nil {
		c.Features = FeaturesC
	}
	for _, s := range []*string{&c.Product, &c.Model, &c.Device} {
		if *s == "" {
			*s = "sim"
		}
	}
	if c.Serial == "" {
		c.Serial = "SIM0001"
	}
	if c.MaxData == 0 {
		c.MaxData = 1 << 20
	}
	if c.Battery == "" {
		c.Battery = BatteryText(80, true)
	}
	if c.Frame == 0 {
		c.Frame = dataFrame
	}
	if c.Banner == "" {
		c.Banner = "device"
	}
	if c.Storage == nil {
		c.Storage = NewMemTree()
	}
	d := &Daemon{Config: c, allowed: make(chan struct{})}
	if !c.Unauthorized {
		close(d.allowed)
	}
	return d
}

// Close removes the shell's files.
func (d *Daemon) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shell.dir == "" {
		return nil
	}
	return os.RemoveAll(d.shell.dir)
}

// Authorize is a tap on Allow.
func (d *Daemon) Authorize() {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.allowed:
	default:
		close(d.allowed)
	}
}

func (d *Daemon) authorized() bool {
	select {
	case <-d.allowed:
		return true
	default:
		return false
	}
}

func (d *Daemon) banner() string {
	return fmt.Sprintf("%s::ro.product.name=%s;ro.product.model=%s;ro.product.device=%s;features=%s",
		d.Banner, d.Product, d.Model, d.Device, strings.Join(d.Features, ","))
}

func (d *Daemon) has(feature string) bool {
	for _, f := range d.Features {
		if f == feature {
			return true
		}
	}
	return false
}

// service says what runs a service, or nil when this phone does not have it.
func (d *Daemon) service(name string) func(io.ReadWriter) {
	if f := d.fault("OPEN", name); f != nil && f.Kind == Refuse {
		return nil
	}
	switch {
	case name == "sync:":
		return d.serveSync
	case strings.HasPrefix(name, "shell:"):
		return func(rw io.ReadWriter) { d.shellV1(rw, strings.TrimPrefix(name, "shell:")) }
	case strings.HasPrefix(name, "shell,v2") && d.has("shell_v2"):
		_, line, ok := strings.Cut(name, ":")
		if ok {
			return func(rw io.ReadWriter) { d.shellV2(rw, line) }
		}
	}
	return nil
}

// Tree finds the storage that a path of the phone lies in. ok is false for
// paths that are above any storage or nowhere.
func (d *Daemon) tree(path string) (t Tree, rest string, ok bool) {
	for _, name := range []string{"/sdcard", "/storage/self/primary", "/storage/emulated/0", "/mnt/sdcard"} {
		if path == name || strings.HasPrefix(path, name+"/") {
			return d.Storage, strings.Trim(path[len(name):], "/"), true
		}
	}
	rest, ok = strings.CutPrefix(path, "/storage/")
	card, rest, _ := strings.Cut(rest, "/")
	t, known := d.Cards[card]
	return t, strings.Trim(rest, "/"), ok && known
}
