package gallerytest

import (
	_ "embed"
	"strings"
)

// axe is axe-core 4.14.1 by Deque Systems, MPL-2.0 (axe/LICENSE), as npm has it: rules for use by keyboard and screen reader.
//
//go:embed axe/axe.min.js
var axe string

// Accessible names what is wrong with the page for those who use a keyboard or a screen reader: nothing, it is to be hoped.
func (b *Browser) Accessible() (wrong []string) {
	b.t.Helper()
	if !Eval[bool](b, "!!window.axe") {
		Eval[bool](b, axe+"\n;true")
	}
	text := Eval[string](b, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
		r.violations.map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + " (" + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? "") + ")").join(" | ")).join("\n"))`)
	return strings.FieldsFunc(text, func(c rune) bool { return c == '\n' })
}

// Refused names what the page tried to load and its own policy forbade.
func (b *Browser) Refused() []string {
	b.t.Helper()
	return strings.FieldsFunc(Eval[string](b, `new Promise(done => {
		const all = []; const o = new ReportingObserver(r => all.push(...r), {types: ["csp-violation"], buffered: true});
		o.observe(); setTimeout(() => done(all.map(r => r.body.effectiveDirective + " " + r.body.blockedURL).join("\n")), 100);
	})`), func(c rune) bool { return c == '\n' })
}
