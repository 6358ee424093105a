// Package shoebox_test holds the plan of the house: which room may import which, and what no room
// may hold. It reads the source itself, so no cached answer can hide a new arrow.
package shoebox_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// room says what one package may import: rooms of the house, and modules of others.
type room struct {
	rooms   string
	modules string
}

// house is the plan: chunk <- index <- repo <- snapshot <- gallery, cmd, with device at the side. To
// add a package or an arrow, add it here, and write in docs/decisions why the picture changes.
var house = map[string]room{
	"chunk/arena":  {},
	"chunk":        {rooms: "chunk/arena", modules: "github.com/restic/chunker github.com/zeebo/blake3"},
	"index":        {rooms: "chunk", modules: "github.com/dgraph-io/badger/v4 github.com/dgraph-io/ristretto/v2 github.com/zeebo/blake3 golang.org/x/sys"},
	"repo/wire":    {modules: "github.com/fxamacker/cbor/v2"},
	"repo/guard":   {},
	"repo/garbage": {},
	"repo/storage": {rooms: "repo/guard", modules: "golang.org/x/sys"},
	"repo/crypt":   {rooms: "chunk repo/guard", modules: "filippo.io/age github.com/zeebo/blake3 golang.org/x/crypto golang.org/x/sys"},
	"repo/pack":    {rooms: "chunk repo/crypt repo/guard", modules: "github.com/klauspost/compress github.com/zeebo/blake3"},
	"repo/parity":  {modules: "github.com/cespare/xxhash/v2 github.com/klauspost/reedsolomon github.com/zeebo/blake3"},
	"repo/vault":   {rooms: "repo/guard repo/storage repo/parity", modules: "github.com/zeebo/blake3 golang.org/x/sync"},
	"repo": {rooms: "chunk chunk/arena index repo/wire repo/storage repo/crypt repo/guard repo/pack repo/vault",
		modules: "github.com/fxamacker/cbor/v2 github.com/zeebo/blake3 golang.org/x/sync golang.org/x/sys"},
	"device/adb":     {modules: "github.com/electricbubble/gadb golang.org/x/sys"},
	"device":         {rooms: "device/adb", modules: "golang.org/x/sys"},
	"device/vigil":   {rooms: "device device/adb"},
	"snapshot/photo": {modules: "github.com/bep/imagemeta"},
	"snapshot": {rooms: "chunk device repo repo/crypt repo/guard repo/vault repo/wire snapshot/photo",
		modules: "github.com/fxamacker/cbor/v2 github.com/zeebo/blake3 golang.org/x/sync"},
	"snapshot/amount":     {},
	"snapshot/clearance":  {rooms: "device repo repo/crypt repo/wire snapshot", modules: "golang.org/x/sync"},
	"snapshot/report":     {rooms: "device repo repo/crypt snapshot snapshot/amount snapshot/photo"},
	"gallery/gate":        {},
	"gallery/shelf":       {},
	"gallery/exif":        {},
	"gallery/heif":        {},
	"gallery/thumb":       {rooms: "gallery/exif gallery/heif", modules: "github.com/gen2brain/heic golang.org/x/image"},
	"gallery/gallerytest": {rooms: "snapshot/photo/phototest", modules: "github.com/chromedp/chromedp github.com/chromedp/cdproto"},
	"gallery/library":     {rooms: "repo snapshot snapshot/photo"},
	"gallery":             {rooms: "gallery/gate gallery/shelf gallery/exif gallery/heif gallery/thumb gallery/library repo snapshot snapshot/amount snapshot/photo"},
	"cmd/shoebox/post":    {},
	"cmd/shoebox": {rooms: "cmd/shoebox/post device device/adb device/vigil gallery repo repo/crypt repo/garbage repo/storage repo/vault snapshot snapshot/amount snapshot/clearance snapshot/photo snapshot/report",
		modules: "github.com/spf13/cobra github.com/spf13/pflag github.com/BurntSushi/toml rsc.io/qr golang.org/x/term"},
	"bench": {rooms: "chunk index repo repo/wire repo/storage repo/crypt repo/garbage repo/pack repo/parity device device/adb snapshot snapshot/photo " +
		"gallery gallery/gallerytest repo/storage/storagetest device/adb/adbtest snapshot/photo/phototest",
		modules: "github.com/cespare/xxhash/v2 github.com/klauspost/reedsolomon github.com/zeebo/blake3 golang.org/x/crypto golang.org/x/sys golang.org/x/term golang.org/x/sync"},
	"bench/proof/law":   {rooms: "bench/proof/tried"},
	"bench/proof/tried": {},
	"bench/scale":       {rooms: "chunk index device repo repo/crypt repo/storage snapshot snapshot/photo/phototest"},
	"bench/proof": {rooms: "bench/proof/tried chunk device repo repo/crypt repo/garbage repo/guard repo/pack repo/storage repo/vault repo/wire snapshot " +
		"repo/storage/storagetest snapshot/photo/phototest",
		modules: "github.com/zeebo/blake3 golang.org/x/sys"},
	"docs/demo":            {},
	"bench/proof/tally":    {rooms: "bench/proof"},
	"bench/proof/model":    {},
	"bench/proof/ablation": {rooms: "bench/proof repo/guard"}, // tests alone
	// tests alone
	"docs/reader": {rooms: "chunk device repo repo/crypt repo/pack repo/storage snapshot", modules: "github.com/zeebo/blake3"},
	"":            {}, // this file

	"repo/storage/storagetest":    {rooms: "repo/storage"},
	"device/adb/adbtest":          {modules: "golang.org/x/sys"},
	"device/adb/adbtest/simphone": {rooms: "device/adb/adbtest"},
	"snapshot/photo/phototest":    {},
	"cmd/shoebox/post/posttest":   {},
}

// support packages serve tests: only test files, bench, commands beside them and one another may import them.
var support = []string{"repo/storage/storagetest", "device/adb/adbtest", "snapshot/photo/phototest", "gallery/gallerytest", "cmd/shoebox/post/posttest", "bench/proof", "bench/proof/law", "bench/proof/tried"}

// testModules are for test files alone, and for any of them.
var testModules = []string{"pgregory.net/rapid", "github.com/rogpeppe/go-internal", "github.com/chromedp/chromedp", "github.com/chromedp/cdproto"}

// source is one parsed file.
type source struct {
	path, room string // from the top, with slashes
	test       bool
	lines      int
	*ast.File
}

func (s *source) command() bool { return s.Name.Name == "main" }

// sources parses every Go file of the project, whatever system it is for.
func sources(t *testing.T) (all []*source) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || name == filepath.Join("bench", "work") || strings.HasPrefix(d.Name(), ".") && name != ".") {
			return filepath.SkipDir
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		slashed := filepath.ToSlash(name)
		all = append(all, &source{
			path: slashed, room: strings.TrimPrefix(path.Dir("/"+slashed), "/"), test: strings.HasSuffix(name, "_test.go"),
			lines: files.File(f.FileStart).LineCount(), File: f,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d files found: this test must run at the top of the project", len(all))
	}
	return all
}

// mayImport are the rooms that a file may import: the arrows of its room; in a test also whatever
// lies below them, and the support packages.
func mayImport(s *source) map[string]bool {
	allowed := map[string]bool{}
	for _, below := range strings.Fields(house[s.room].rooms) {
		allowed[below] = true
	}
	if !s.test {
		return allowed
	}
	allowed[s.room] = true // from the outside
	for _, r := range support {
		allowed[r] = true
	}
	for grown := true; grown; {
		before := len(allowed)
		for r := range maps.Clone(allowed) {
			for _, below := range strings.Fields(house[r].rooms) {
				allowed[below] = true
			}
		}
		grown = len(allowed) > before
	}
	return allowed
}

func TestArrows(t *testing.T) {
	for _, s := range sources(t) {
		if _, known := house[s.room]; !known {
			t.Errorf("%s: package %q is not in the plan: add it to house in arch_test.go", s.path, s.room)
			continue
		}
		allowed := mayImport(s)
		for _, i := range s.Imports {
			target, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(s.path, err)
			}
			checkImport(t, s, allowed, target)
		}
	}
}

func checkImport(t *testing.T, s *source, allowed map[string]bool, target string) {
	first, _, _ := strings.Cut(target, "/")
	switch below, ours := strings.CutPrefix(target, "shoebox/"); {
	case ours && !allowed[below]:
		t.Errorf("%s imports %s: a new arrow. If it goes down, add it to house in arch_test.go and say why in docs/decisions", s.path, target)
	case ours && slices.Contains(support, below) && !s.test && !strings.HasPrefix(s.room, "bench") && !slices.Contains(support, s.room) && !s.command():
		t.Errorf("%s imports %s, which is for tests", s.path, target)
	case ours:
	case target == "C":
		t.Errorf("%s uses cgo: shoebox is pure Go", s.path)
	case target == "testing" && !s.test && !slices.Contains(support, s.room):
		t.Errorf("%s imports testing, which is for tests", s.path)
	case strings.Contains(first, ".") && !mayUse(s, allowed, target):
		t.Errorf("%s imports %s: a module new to this room. Add it to house in arch_test.go and say why in docs/decisions", s.path, target)
	}
}

// mayUse tells whether a module belongs to the room, in a test also to one of those below.
func mayUse(s *source, allowed map[string]bool, target string) bool {
	modules := strings.Fields(house[s.room].modules)
	if s.test {
		modules = append(modules, testModules...)
		for below := range allowed {
			modules = append(modules, strings.Fields(house[below].modules)...)
		}
	}
	return slices.ContainsFunc(modules, func(m string) bool { return target == m || strings.HasPrefix(target, m+"/") })
}

// The plan itself has no circle: each room stands on those below it.
func TestNoCircle(t *testing.T) {
	done := map[string]bool{}
	for len(done) < len(house) {
		before := len(done)
		for name, r := range house {
			if !slices.ContainsFunc(strings.Fields(r.rooms), func(below string) bool { return !done[below] }) {
				done[name] = true
			}
		}
		if len(done) == before {
			t.Fatal("the arrows of house go in a circle, or to a room it does not hold; these stand firm:", slices.Sorted(maps.Keys(done)))
		}
	}
}

// Every package opens with a comment; a room's says what it does not know.
func TestPackageComments(t *testing.T) {
	comments := map[string]string{}
	for _, s := range sources(t) {
		if !s.test || s.room == "" {
			comments[s.room] += s.Doc.Text()
		}
	}
	for name, comment := range comments {
		if comment == "" {
			t.Errorf("package %q has no comment that says what it is", name)
		}
	}
}

func TestSizeOfFiles(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test && s.lines > 400 {
			t.Errorf("%s has %d lines: above 400 a file is split in two", s.path, s.lines)
		}
	}
}

// bannedNames say nothing about what a thing is.
var bannedNames = []string{"manager", "helper", "helpers", "util", "utils", "common"}

func TestNames(t *testing.T) {
	for _, s := range sources(t) {
		names := []string{s.Name.Name, strings.TrimSuffix(path.Base(s.path), ".go")}
		for _, d := range s.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				for _, spec := range g.Specs {
					if typ, ok := spec.(*ast.TypeSpec); ok {
						names = append(names, typ.Name.Name)
					}
				}
			}
		}
		for _, name := range names {
			for _, word := range words(name) {
				if slices.Contains(bannedNames, word) {
					t.Errorf("%s: %q says nothing of what it is: name it after that", s.path, name)
				}
			}
		}
	}
}

// words cuts a name at underscores and where a capital follows a small letter.
func words(name string) []string {
	var cut strings.Builder
	small := false
	for _, c := range name {
		if 'A' <= c && c <= 'Z' && small {
			cut.WriteByte('_')
		}
		small = 'a' <= c && c <= 'z'
		cut.WriteRune(c)
	}
	return strings.FieldsFunc(strings.ToLower(cut.String()), func(c rune) bool { return c == '_' || c == '.' })
}

// bannedCalls may stand in commands only: elsewhere an error is returned.
var bannedCalls = map[string]string{"fmt": "Print", "os": "Exit", "log": "", "syscall": "Exit"}

func TestWhoPrintsAndExits(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.command() || strings.HasPrefix(s.room, "bench") {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := call.X.(*ast.Ident)
			if start, banned := bannedCalls[identName(pkg, ok)]; banned && strings.HasPrefix(call.Sel.Name, start) {
				t.Errorf("%s calls %s.%s: only commands print and exit", s.path, pkg.Name, call.Sel.Name)
			}
			return true
		})
	}
}

func identName(i *ast.Ident, ok bool) string {
	if !ok {
		return ""
	}
	return i.Name
}

func TestNoInitAndNoSkip(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has func init(): make what is needed where it is needed", s.path)
			}
		}
		if !s.test {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && skips(call) {
				t.Errorf("%s skips a test: what cannot run must fail and say what is missing", s.path)
			}
			return true
		})
	}
}

func skips(call *ast.CallExpr) bool {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, method.Sel.Name) {
		return false
	}
	test, ok := method.X.(*ast.Ident)
	return slices.Contains([]string{"t", "b", "tb", "f"}, identName(test, ok))
}
