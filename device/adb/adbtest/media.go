package adbtest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ScanWays are the ways of asking Android's MediaStore to look for pictures, or to forget one; which of them a phone knows depends on its age
// and maker.
var ScanWays = []string{"scan_volume", "scan_file", "broadcast", "delete"}

// contentProgram is Android's content, as far as MediaStore goes: call with scan_volume or scan_file, query of a folder by _data, and delete of one
// _data, which takes the file along if it is there, as some versions do. What MediaStore knows is a file with a path of this computer on each line,
// a line feed in it being a byte 1. It forgets what is gone when it is told to look. Files and folders whose names begin with a dot are
// hidden from it.
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
	return fmt.Sprintf(`known='%s'
store='%s/mediastore'
touch "$store"
verb=$1
method=
shift
while [ $# -gt 1 ]; do
	case "$1" in
	--method) method=$2;;
	--arg) arg=$2;;
	--where) where=$2;;
	esac
	shift 2
done
[ $verb = delete ] && method=delete
case " $known " in *" $method "*) ;; *) [ $verb = query ] || { echo "Unsupported call: $method" >&2; exit 1; };; esac
`+storeFunctions+`
case "$verb:$method" in
call:scan_volume) find %s -name '.?*' -prune -o -type f -print0 | tr '\n\0' '\001\n' > "$store"; echo 'Result: null';;
call:scan_file) forget "$arg"; [ -f "$arg" ] && learn "$arg"; echo 'Result: Bundle[{}]';;
delete:delete)
	path=${where#_data=\'}
	path=$(printf %%s "${path%%\'}x" | sed "s/''/'/g")
	forget "${path%%x}"
	rm -f "${path%%x}";;
query:)
	from=${where#_data>=\'}
	from=$(printf '%%sx' "${from%%%%\' AND *}" | sed "s/''/'/g" | tr '\n' '\001')
	from=${from%%x*}
	grep -aqF -e "$from" "$store" || echo 'No result found.'
	n=0
	while IFS= read -r path; do
		case "$path" in "$from"*) printf 'Row: %%s _data=%%s\n' "$n" "$path"; n=$((n+1));; esac
	done < "$store" | sed '%s' | tr '\001' '\n';;
esac`, strings.Join(d.Scans, " "), dir, strings.Join(roots, " "), names)
}

// storeFunctions change what MediaStore knows.
const storeFunctions = `PATH="$PATH:/usr/bin:/bin" # for tr, which Debian's toybox lacks
forget() {
	grep -avxF -e "$(printf %%s "$1" | tr '\n' '\001')" "$store" > "$store.new"
	mv -f "$store.new" "$store"
}
learn() { printf %%s "$1" | tr '\n' '\001' >> "$store"; echo >> "$store"; }`

// amProgram is Android's am, as far as the broadcast goes that once asked MediaStore to look at a file.
func (d *Daemon) amProgram(dir string) string {
	if !slices.Contains(d.Scans, "broadcast") {
		return "exit 1"
	}
	return fmt.Sprintf(`store='%s/mediastore'
touch "$store"
path=${5#file://}
`+storeFunctions+`
forget "$path"
[ -f "$path" ] && learn "$path"
echo 'Broadcast completed: result=0'`, dir)
}

// Learn has MediaStore know all files that are there now, as after a scan long ago.
func (d *Daemon) Learn() error {
	sh, err := d.programs()
	if err != nil {
		return err
	}
	var known strings.Builder
	for _, t := range append([]Tree{d.Storage}, slices.Collect(maps.Values(d.Cards))...) {
		root, ok := t.(DirTree)
		if !ok {
			continue
		}
		err = errors.Join(err, filepath.WalkDir(string(root), func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				known.WriteString(strings.ReplaceAll(path, "\n", "\x01") + "\n")
			}
			return err
		}))
	}
	return errors.Join(err, os.WriteFile(filepath.Join(sh.dir, "mediastore"), []byte(known.String()), 0o600))
}

// Shown are the files that MediaStore knows, as paths of this computer.
func (d *Daemon) Shown() ([]string, error) {
	sh, err := d.programs()
	if err != nil {
		return nil, err
	}
	known, err := os.ReadFile(filepath.Join(sh.dir, "mediastore"))
	if err != nil {
		return nil, err
	}
	var shown []string
	for line := range strings.Lines(string(known)) {
		shown = append(shown, strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\x01", "\n"))
	}
	return shown, nil
}
