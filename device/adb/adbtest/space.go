package adbtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// BatteryText is what dumpsys battery prints on a phone.
func BatteryText(level int, charging bool) string {
	status := 3
	if charging {
		status = 2
	}
	return fmt.Sprintf(`Current Battery Service state:
  AC powered: false
  USB powered: %v
  Wireless powered: false
  Max charging current: 500000
  Max charging voltage: 5000000
  Charge counter: 2500000
  status: %d
  health: 2
  present: true
  level: %d
  scale: 100
  voltage: 4100
  temperature: 270
  technology: Li-ion
`, charging, status, level)
}

// SetBattery changes what dumpsys battery prints.
func (d *Daemon) SetBattery(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Battery = text
}

// writeBattery leaves the text where dumpsys finds it.
func (d *Daemon) writeBattery(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return os.WriteFile(filepath.Join(dir, "battery"), []byte(d.Battery), 0o600)
}

// dumpsysProgram knows one service.
func dumpsysProgram(dir string) string {
	return fmt.Sprintf("[ \"$1\" = battery ] && exec cat '%s/battery'\necho \"Can't find service: $1\"", dir)
}

// readOnly says whether a path of the phone lies on a card that takes nothing.
func (d *Daemon) readOnly(path string) bool {
	for _, card := range d.ReadOnly {
		if strings.HasPrefix(path, "/storage/"+card+"/") {
			return true
		}
	}
	return false
}

// spacePrograms are df of storages of a size, and rm and mv that know which cards are read-only.
func (d *Daemon) spacePrograms(toybox string) map[string]string {
	programs := make(map[string]string)
	if d.Size > 0 {
		programs["df"] = fmt.Sprintf(`for at; do :; done
used=$(du -sk "$at") || exit 1
used=${used%%%%[!0-9]*}
size=%d
[ $used -gt $size ] && used=$size
echo "Filesystem     1K-blocks     Used Available Use%% Mounted on"
echo "/dev/fuse $size $used $((size-used)) $((used*100/size))%% /storage/emulated"`, d.Size>>10)
	}
	patterns := ""
	for _, card := range d.ReadOnly {
		if dir, ok := d.Cards[card].(DirTree); ok {
			patterns += fmt.Sprintf("case \"$at/\" in '%s'/*) echo \"$0: $at: Read-only file system\" >&2; exit 1;; esac\n", dir)
		}
	}
	for _, name := range []string{"rm", "mv"} {
		if patterns != "" {
			programs[name] = fmt.Sprintf("for at in \"$(pwd -P)\" \"$@\"; do\n%sdone\nexec '%s' %s \"$@\"", patterns, toybox, name)
		}
	}
	return programs
}
