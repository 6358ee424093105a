package report_test

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"shoebox/snapshot/report"
)

// hostile is a report whose every name wants to break out of where it stands.
func hostile() *report.Report {
	const evil = "\"><script>alert(1)</script>\n# TYPE evil counter\\\" } 1\x00\xff\u202e"
	d := report.Device{Name: evil, Kind: "phone", Model: evil, ID: "0123456789abcdef", Kinds: map[string]int64{evil: 1}, Damaged: 1,
		Names: &report.Names{New: []report.Named{{Path: evil, Reason: evil}}, Damaged: []report.Named{{Path: evil}}}}
	return &report.Report{Made: someday, Level: report.Failure, Subject: evil, Remarks: []report.Remark{{Level: report.Failure, Text: evil, Next: evil}}, Devices: []report.Device{d}}
}

func TestHTMLIsOneSafePage(t *testing.T) {
	l, _, _ := twoNights(t)
	for name, r := range map[string]*report.Report{"of a night": l.read(report.Options{}), "hostile": hostile(), "empty": newLab(t).read(report.Options{})} {
		var b bytes.Buffer
		if err := r.HTML(&b, true); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		for _, never := range []string{"<script", "http:", "https:", "src=", "href=", "@import", "url("} {
			if strings.Contains(page, never) {
				t.Errorf("%s: the page has %q:\n%s", name, never, page)
			}
		}
		for _, always := range []string{"<!DOCTYPE html>", "Content-Security-Policy", "prefers-color-scheme: dark", "@media print", "</html>"} {
			if !strings.Contains(page, always) {
				t.Errorf("%s: the page lacks %q", name, always)
			}
		}
	}
}

func TestTextAndHTMLTellTheSame(t *testing.T) {
	l, _, _ := twoNights(t)
	r := l.read(report.Options{Zone: time.FixedZone("", 3600), Used: 3_400_000, Free: 12_000_000})
	var text, page bytes.Buffer
	if err := r.Text(&text, false); err != nil {
		t.Fatal(err)
	}
	if err := r.HTML(&page, false); err != nil {
		t.Fatal(err)
	}
	shown := html.UnescapeString(page.String())
	for _, want := range []string{"15 pictures of 1 phone and 1 folder are safe", "since 2026-11-01 04:00", "4 (1 is empty, 1 has no end marker, 1 has no moov", "12.0 MB", "3.4 MB", "2026-11-02 04:00, 60 minutes ago"} {
		for name, in := range map[string]string{"text": text.String(), "page": shown} {
			if !strings.Contains(in, want) {
				t.Errorf("the %s does not say %q:\n%s", name, want, in)
			}
		}
	}
}

// The text format of Prometheus, as far as gauges with whole numbers need it.
var (
	helpLine   = regexp.MustCompile(`^# HELP ([a-z][a-z0-9_]*) [^\\\n]+$`)
	typeLine   = regexp.MustCompile(`^# TYPE ([a-z][a-z0-9_]*) gauge$`)
	sampleLine = regexp.MustCompile(`^([a-z][a-z0-9_]*)(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? (-?[0-9]+)$`)
)

// parseMetrics gives the value of each sample, by its name and labels.
func parseMetrics(t *testing.T, r *report.Report) map[string]string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Metrics(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(b.String(), "\n") || strings.ToValidUTF8(b.String(), "") != b.String() {
		t.Fatal("metrics end without a line end, or are no text")
	}
	values := make(map[string]string)
	seen := make(map[string]bool)
	var family, helped string
	for line := range strings.SplitSeq(strings.TrimSuffix(b.String(), "\n"), "\n") {
		if m := helpLine.FindStringSubmatch(line); m != nil {
			if seen[m[1]] {
				t.Errorf("%s comes twice", m[1])
			}
			helped, seen[m[1]] = m[1], true
			continue
		}
		if m := typeLine.FindStringSubmatch(line); m != nil && m[1] == helped {
			family = m[1]
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil || m[1] != family || !strings.HasPrefix(family, "shoebox_") {
			t.Errorf("in the family %s stands %q", family, line)
			continue
		}
		if _, twice := values[m[1]+m[2]]; twice {
			t.Errorf("%s%s comes twice", m[1], m[2])
		}
		values[m[1]+m[2]] = m[3]
	}
	return values
}

func TestMetrics(t *testing.T) {
	l, _, _ := twoNights(t)
	r := l.read(report.Options{Used: 7})
	got := parseMetrics(t, r)
	anna := fmt.Sprintf(`{device="anna",id="%s"}`, of(t, r, "anna").ID[:12])
	for name, want := range map[string]string{
		"shoebox_report_level": "1", "shoebox_devices": "2", "shoebox_repository_used_bytes": "7", "shoebox_repository_pictures": "15",
		"shoebox_device_new_files" + anna: "6", "shoebox_device_gone_files" + anna: "2", "shoebox_device_damaged_files" + anna: "4",
		"shoebox_device_last_backup_timestamp_seconds" + anna: fmt.Sprint(someday.AddDate(0, 0, 1).Unix()),
		"shoebox_device_unreadable_files" + anna:              "1", "shoebox_device_brake" + anna: "0",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %s", name, got[name], want)
		}
	}
	if _, there := got["shoebox_repository_free_bytes"]; there {
		t.Error("what is not known is told")
	}
	parseMetrics(t, hostile())
	parseMetrics(t, newLab(t).read(report.Options{}))
}

// However many devices there are, and whatever they are called, the lines stay few.
func TestMetricsAreBounded(t *testing.T) {
	r := &report.Report{Made: someday}
	for i := range 5000 {
		r.Devices = append(r.Devices, report.Device{Name: strings.Repeat("long", 1000), ID: fmt.Sprintf("%012d", i), Last: someday.Add(time.Duration(i) * time.Minute)})
	}
	got := parseMetrics(t, r)
	if len(got) > 100*20+20 || got["shoebox_devices"] != "5000" {
		t.Errorf("%d samples", len(got))
	}
	if _, there := got[`shoebox_device_lost{device="`+strings.Repeat("long", 15)+`",id="000000004999"}`]; !there {
		t.Error("the device backed up last has no line")
	}
}
