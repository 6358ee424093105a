package ablation

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"shoebox/bench/proof"
	"shoebox/repo/guard"
)

// top is the folder of the project, seen from here.
const top = "../../.."

// patience is what one test may take. A test that is cut off has seen nothing.
const patience = 2 * time.Minute

// Every step that package guard names has a test that sees it, and every test that is named is there.
func TestTableIsWhole(t *testing.T) {
	steps := namedSteps(t)
	for _, step := range steps {
		if !slices.ContainsFunc(sights, func(s sight) bool { return s.step == step }) {
			t.Errorf("no test sees that the step %q is left out", step)
		}
	}
	for _, s := range sights {
		if !slices.Contains(steps, s.step) {
			t.Errorf("%s: the step %q is not named", s.test, s.step)
		}
		if !slices.Contains(testsOf(t, s.room), s.test) {
			t.Errorf("%q: there is no test %s in %s", s.step, s.test, s.room)
		}
	}
}

// namedSteps reads package guard.
func namedSteps(t *testing.T) (steps []guard.Step) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(top, "repo/guard/guard.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.BasicLit); ok && v.Kind == token.STRING {
			text, err := strconv.Unquote(v.Value)
			if err != nil {
				t.Fatal(err)
			}
			steps = append(steps, guard.Step(text))
		}
		return true
	})
	if len(steps) < 15 {
		t.Fatalf("only %d steps found", len(steps))
	}
	return steps
}

// testsOf lists the tests of a package, whatever system they are for.
func testsOf(t *testing.T, room string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(top, room, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				names = append(names, fn.Name.Name)
			}
		}
	}
	return names
}

// Each step is left out in turn, and each test that is to see it fails, by its name. With all steps taken the same test of the same
// binary passes. Only the long run does it: it builds half of the project.
func TestClass23_EachStepLeftOut(t *testing.T) {
	if proof.Level(t) != proof.Long {
		return
	}
	binaries, seen := t.TempDir(), map[guard.Step]bool{}
	whole := map[string]bool{} // whether a test passes with all steps taken, by room, name and environment
	for _, s := range sights {
		binary := filepath.Join(binaries, strings.ReplaceAll(s.room, "/", "-"))
		if err := build(t.Context(), binary, s.room); err != nil {
			t.Fatal(err)
		}
		key := s.room + " " + s.test + " " + s.env
		if _, asked := whole[key]; !asked {
			out, err := s.run(t.Context(), binary, "")
			whole[key] = err == nil && strings.Contains(out, "--- PASS: "+s.test+" (")
			if !whole[key] {
				t.Errorf("%s in %s does not pass with all steps taken: %v\n%s", s.test, s.room, err, last(out))
			}
		}
		start := time.Now()
		out, err := s.run(t.Context(), binary, s.step)
		took := time.Since(start)
		if why := s.blind(out, err); why != nil {
			t.Errorf("%s: %s in %s does not see it: %v\n%s", s.step, s.test, s.room, why, last(out))
			continue
		}
		seen[s.step] = seen[s.step] || whole[key]
		t.Logf("%-15s %-11s %5.1f s  %s in %s", s.step, s.how, took.Seconds(), s.test, s.room)
	}
	n := 0
	for _, yes := range seen {
		if yes {
			n++
		}
	}
	proof.Count(t, 23, n)
}

// build makes the test binary of a package, in which steps can be left out. What is there already stays.
func build(ctx context.Context, binary, room string) error {
	if _, err := os.Stat(binary); err == nil {
		return nil
	}
	c := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-tags", "ablate", "-o", binary, "./"+room)
	c.Dir, c.Env = top, environment()
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build the tests of %s: %w\n%s", room, err, out)
	}
	return nil
}

// environment is that of this process without what asks for larger tests, or counts them.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SHOEBOX_") })
}

// run runs the one test, leaving out a step, or none for "".
func (s sight) run(ctx context.Context, binary string, step guard.Step) (out string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience+10*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, binary, "-test.v", "-test.run", "^"+s.test+"$", "-test.timeout", patience.String())
	c.Dir, c.Env = filepath.Join(top, s.room), environment()
	if s.env != "" {
		c.Env = append(c.Env, s.env)
	}
	if step != "" {
		c.Env = append(c.Env, "SHOEBOX_ABLATE="+string(step))
	}
	text, err := c.CombinedOutput()
	return string(text), err
}

var timedOut = regexp.MustCompile(`(?m)^panic: test timed out`)

// blind tells why a run with a step left out does not count as seen; nil when it does.
func (s sight) blind(out string, err error) error {
	var exit *exec.ExitError
	failed := regexp.MustCompile(`(?m)^--- FAIL: ` + s.test + ` \(`)
	switch {
	case err == nil:
		return errors.New("it passes")
	case !errors.As(err, &exit) || !exit.Exited() || timedOut.MatchString(out):
		return fmt.Errorf("it was cut off: %w", err)
	case !failed.MatchString(out):
		return fmt.Errorf("something else failed: %w", err)
	}
	return nil
}

// last is the end of an output.
func last(out string) string { return out[max(0, len(out)-1_000):] }
