package snapshot

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever a pattern matches has the word in it that is looked for in the bytes of a page.
func TestWordStandsInWhatMatches(t *testing.T) {
	matched := 0
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab/*?\[\]!^-]{1,8}`).Draw(t, "pattern")
		p, err := CompilePattern(text, false)
		if err != nil {
			return
		}
		path := rapid.StringMatching(`[ab\[\]!*?-]{1,4}(/[ab\[\]!*?-]{1,4}){0,2}`).Draw(t, "path")
		if !p.Match(path) {
			return
		}
		matched++
		if !strings.Contains(path, p.word) || !mayStand([]Pattern{p}, []byte("x"+path+"y")) {
			t.Fatalf("%q matches %q, which has no %q", text, path, p.word)
		}
	})
	if matched == 0 {
		t.Fatal("nothing ever matched")
	}
	t.Logf("%d matches", matched)
}

func TestWord(t *testing.T) {
	for text, want := range map[string]string{"IMG_2024*": "IMG_2024", "*.jpg": ".jpg", "DCIM/Camera/": "DCIM/Camera", "a[!x*longest]bc?": "bc", "**/x": "x", "*": "", "x[abc": "x[abc"} {
		if p, err := CompilePattern(text, false); err != nil || p.word != want {
			t.Errorf("%q has the word %q and not %q, %v", text, p.word, want, err)
		}
	}
	if p, err := CompilePattern("IMG", true); err != nil || p.word != "" {
		t.Errorf("a pattern that is deaf to case looks for %q, %v", p.word, err)
	}
}

// A class ends as in shells: a ] that comes first, or first after !, is one of it; one that does not end stands for itself.
func TestClass(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"[!]!*", "*", false}, {"[!]!*", "[!]!x", true}, {"[!]a]b", "xb", true}, {"[!]a]b", "]b", false}, {"[!]a]b", "ab", false},
		{"[]a]b", "]b", true}, {"[]a]b", "xb", false}, {"[]", "[]", true}, {"[", "[", true}, {"[!", "[!", true}, {"[^]", "[^]", true},
		{"[!é]x", "éx", false}, {"[!é]x", "ax", true}, {"[^a]", "b", true}, {"[^^]", "^", false}, {"[a^]", "^", true}, {"[[]", "[", true}, {`[\]`, `\`, true},
	} {
		p, err := CompilePattern(c.pattern, false)
		if err != nil || p.Match(c.path) != c.want {
			t.Errorf("%q matches %q: not %v; %v", c.pattern, c.path, c.want, err)
		}
	}
}
