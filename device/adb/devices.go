package adb

import (
	"context"
	"strconv"
	"strings"
)

// The states a phone can be in, as the server writes them. NoPermissions stands
// for the longer text that begins so.
const (
	StateDevice        = "device"
	StateOffline       = "offline"
	StateUnauthorized  = "unauthorized"
	StateAuthorizing   = "authorizing"
	StateConnecting    = "connecting"
	StateRecovery      = "recovery"
	StateSideload      = "sideload"
	StateBootloader    = "bootloader"
	StateRescue        = "rescue"
	StateHost          = "host"
	StateNoPermissions = "no permissions"
)

var states = []string{
	StateDevice, StateOffline, StateUnauthorized, StateAuthorizing, StateConnecting,
	StateRecovery, StateSideload, StateBootloader, StateRescue, StateHost,
}

// Info is one line of the server's list: one way to one phone. Fields but
// Serial and State may be empty.
type Info struct {
	Serial      string // may hold spaces
	State       string // one of the states, or whatever the server wrote
	Path        string // where it is plugged in, such as "usb:1-1"; empty over the network
	Product     string
	Model       string
	Device      string
	TransportID uint64 // 0 when the server gives none
}

// USB says whether the phone hangs on a cable. Not every system names the
// socket, but a serial from the network always shows its address.
func (i Info) USB() bool {
	network := strings.Contains(i.Serial, ":") || strings.Contains(i.Serial, "._tcp") ||
		strings.HasPrefix(i.Serial, "emulator-")
	return strings.HasPrefix(i.Path, "usb:") || !network
}

// transport is the service that switches a connection to this phone. Serials
// of cheap phones repeat, so the transport id is preferred.
func (i Info) transport() string {
	if i.TransportID != 0 {
		return "host:transport-id:" + strconv.FormatUint(i.TransportID, 10)
	}
	return "host:transport:" + i.Serial
}

// host is a question to the server about this phone.
func (i Info) host(question string) string {
	if i.TransportID != 0 {
		return "host-transport-id:" + strconv.FormatUint(i.TransportID, 10) + ":" + question
	}
	return "host-serial:" + i.Serial + ":" + question
}

// Devices lists every phone the server sees, in whatever state.
func (s *Server) Devices(ctx context.Context) ([]Info, error) {
	text, err := s.ask(ctx, "host:devices-l")
	if err != nil {
		return nil, err
	}
	return ParseDevices(text), nil
}

// ParseDevices reads the answer to host:devices-l. A line is
//
//	SERIAL STATE[ DEVPATH][ product:P][ model:M][ device:D] transport_id:N
//
// where the serial, the product and the state may hold spaces and every part but
// the first two may be missing: so it is read from its end. A line that is no
// such line is passed over.
func ParseDevices(text string) []Info {
	var infos []Info
	for line := range strings.SplitSeq(text, "\n") {
		if info, ok := parseDevice(strings.TrimSpace(line)); ok {
			infos = append(infos, info)
		}
	}
	return infos
}

func parseDevice(line string) (Info, bool) {
	var i Info
	var id string
	line, id = cutKey(line, "transport_id")
	i.TransportID, _ = strconv.ParseUint(id, 10, 64)
	line, i.Device = cutKey(line, "device")
	line, i.Model = cutKey(line, "model")
	line, i.Product = cutKey(line, "product")
	i.Serial, i.State, i.Path = cutState(line)
	return i, i.Serial != "" && i.State != ""
}

// cutKey takes " key:value" off the end of a line.
func cutKey(line, key string) (rest, value string) {
	at := strings.LastIndex(line, " "+key+":")
	if at < 0 {
		return line, ""
	}
	return strings.TrimSpace(line[:at]), strings.TrimSpace(line[at+len(key)+2:])
}

// cutState splits "SERIAL STATE[ DEVPATH]".
func cutState(line string) (serial, state, path string) {
	if at := strings.Index(line, " "+StateNoPermissions); at >= 0 {
		return strings.TrimSpace(line[:at]), StateNoPermissions, pathAfter(line[at:])
	}
	words := strings.Fields(line)
	for n := len(words) - 1; n > 0 && n >= len(words)-2; n-- {
		if isState(words[n]) {
			at := strings.LastIndex(line, " "+words[n])
			return strings.TrimSpace(line[:at]), words[n], strings.Join(words[n+1:], " ")
		}
	}
	return unknownState(words)
}

// unknownState serves a server with a state of its own.
func unknownState(words []string) (serial, state, path string) {
	switch {
	case len(words) < 2:
		return "", "", ""
	case len(words) > 2 && strings.Contains(words[len(words)-1], ":"):
		n := len(words) - 2
		return strings.Join(words[:n], " "), words[n], words[n+1]
	}
	n := len(words) - 1
	return strings.Join(words[:n], " "), words[n], ""
}

func isState(word string) bool {
	for _, s := range states {
		if s == word {
			return true
		}
	}
	return false
}

// pathAfter finds the usb path that may follow "no permissions (...); see [...]".
func pathAfter(text string) string {
	if at := strings.LastIndex(text, " usb:"); at >= 0 {
		return strings.Fields(text[at:])[0]
	}
	return ""
}
