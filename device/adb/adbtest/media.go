package adbtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ScanWays are the ways of asking Android's MediaStore to look for pictures; which of them a phone knows depends on its age and maker.
var ScanWays = []string{"scan_volume", "scan_file", "broadcast"}

// contentProgram is Android's content, as far as MediaStore goes: call with scan_volume or scan_file, and query of a folder by _data. What MediaStore knows is a
// file with a path of this computer on each line. Files and folders whose names begin with a dot are hidden from it.
func (d *Daemon) contentProgram(dir string) string {
	roots := []string{}
	for _, t := range append([]Tree{d.Storage}, slices.Collect(maps.Values(d.Cards))...) {
		if at, ok := t.(DirTree); ok {
			roots = append(roots, "'"+strings.ReplaceAll(string(at), "'", `'\''`)+"'")
		}
	}
	names := "" // paths as the phone has them
	for name, t := range d.Cards {
		if at, ok := t.(DirTree); ok {
			names += fmt.Sprintf("s|_data=%s/|_data=/storage/%s/|;", at, name)
		}
	}
	if at, ok := d.Storage.(DirTree); ok {
		names += fmt.Sprintf("s|_data=%s/|_data=/storage/emulated/0/|", at)
	}
	return fmt.Sprintf(`#!/bin/sh
known='%s'
store='%s/mediastore'
touch "$store"
verb=$1
shift
while [ $# -gt 1 ]; do
	case "$1" in
	--method) method=$2;;
	--arg) arg=$2;;
	--where) where=$2;;
	esac
	shift 2
done
case " $known " in *" $method "*) ;; *) [ $verb = query ] || { echo "Unsupported call: $method" >&2; exit 1; };; esac
case "$verb:$method" in
call:scan_volume) find %s -name '.?*' -prune -o -type f -print > "$store"; echo 'Result: null';;
call:scan_file) [ -f "$arg" ] && echo "$arg" >> "$store"; echo 'Result: Bundle[{}]';;
query:)
	from=${where#_data>=\'}
	from=$(echo "${from%%%%\' AND *}" | sed "s/''/'/g")
	n=0
	while IFS= read -r path; do
		case "$path" in "$from"*) [ -f "$path" ] && echo "Row: $n _data=$path" | sed '%s';; esac
		n=$((n+1))
	done < "$store";;
esac
`, strings.Join(d.Scans, " "), dir, strings.Join(roots, " "), names)
}

// amProgram is Android's am, as far as the broadcast goes that once asked MediaStore to look at a file.
func (d *Daemon) amProgram(dir string) string {
	does := "exit 1"
	if slices.Contains(d.Scans, "broadcast") {
		does = fmt.Sprintf(`echo "${5#file://}" >> '%s/mediastore'; echo 'Broadcast completed: result=0'`, dir)
	}
	return "#!/bin/sh\n" + does + "\n"
}
