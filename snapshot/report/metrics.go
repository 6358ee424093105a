package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// metricDevices bounds the devices that have lines of their own in Metrics: the ones backed up last.
const metricDevices = 100

// Metrics writes the report in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/), for /metrics as for a file
// of node_exporter's textfile collector, which must be written whole and renamed. Names of files are never in it. Times are Unix seconds.
func (r *Report) Metrics(w io.Writer) error {
	m := new(metrics)
	p := &r.Repository
	m.one("shoebox_report_timestamp_seconds", "When this was found out.", r.Made.Unix())
	m.one("shoebox_report_level", "0 when all is well, 1 for a warning, 2 for a failure.", int64(r.Level.rank()))
	m.one("shoebox_repository_snapshots", "Snapshots that are kept.", int64(p.Snapshots))
	m.one("shoebox_repository_pictures", "Pictures and videos in the newest whole snapshot of each device.", p.Pictures)
	m.one("shoebox_repository_files", "Files in the newest whole snapshot of each device.", p.Files)
	m.one("shoebox_repository_files_bytes", "Size of these files.", p.Bytes)
	m.one("shoebox_repository_damaged_records", "Snapshots that cannot be opened.", int64(p.Damaged))
	m.known("shoebox_repository_used_bytes", "What the repository takes.", p.Used)
	m.known("shoebox_repository_free_bytes", "What is free where the repository lies.", p.Free)
	m.family("shoebox_repository_growth_bytes_per_day", "What the snapshots of the last days stored a day, without the first of each device.")
	m.sample([]string{"window", "30d"}, p.Growth30)
	m.sample([]string{"window", "90d"}, p.Growth90)
	m.known("shoebox_repository_full_days", "Days until the repository is full, about.", int64(p.FullInDays))
	if !p.Verified.IsZero() || p.NeverVerified {
		m.one("shoebox_repository_verified_timestamp_seconds", "Every byte was read again since; 0 when some never were.", max(p.Verified.Unix(), 0))
	}
	m.one("shoebox_devices", "Devices there are snapshots of.", int64(len(r.Devices)))
	r.deviceMetrics(m)
	if _, err := io.WriteString(w, m.text.String()); err != nil {
		return fmt.Errorf("write the metrics: %w", err)
	}
	return nil
}

func (r *Report) deviceMetrics(m *metrics) {
	devices := slices.Clone(r.Devices)
	slices.SortStableFunc(devices, func(a, b Device) int { return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.ID, b.ID)) })
	devices = devices[:min(len(devices), metricDevices)]
	for _, f := range []struct {
		name, help string
		value      func(*Device) int64
	}{
		{"last_backup_timestamp_seconds", "When the newest snapshot was begun.", func(d *Device) int64 { return d.Last.Unix() }},
		{"not_seen_days", "Days since the last backup when that is too long ago, else 0.", func(d *Device) int64 { return int64(d.NotSeen) }},
		{"last_backup_partial", "1 when the device was lost before the end of the last backup.", func(d *Device) int64 { return one(d.Partial) }},
		{"snapshots", "Snapshots of the device.", func(d *Device) int64 { return int64(d.Snapshots) }},
		{"pictures", "Pictures and videos in the newest whole snapshot.", func(d *Device) int64 { return d.Pictures }},
		{"files", "Files in the newest whole snapshot.", func(d *Device) int64 { return d.Files }},
		{"files_bytes", "Size of these files.", func(d *Device) int64 { return d.Bytes }},
		{"new_files", "Files that came since the snapshot before.", func(d *Device) int64 { return d.New.Files }},
		{"changed_files", "Files whose bytes changed since the snapshot before.", func(d *Device) int64 { return d.Changed.Files }},
		{"gone_files", "Files gone since the snapshot before.", func(d *Device) int64 { return d.Gone.Files }},
		{"unreadable_files", "Files that could not be read.", func(d *Device) int64 { return d.Unreadable }},
		{"damaged_files", "New and changed pictures that are damaged on the device.", func(d *Device) int64 { return d.Damaged }},
		{"silent_changes", "Files changed though size and time are the same.", func(d *Device) int64 { return d.Silent }},
		{"lost", "Stretches of snapshots, and files, that the repository does not give back.", func(d *Device) int64 { return d.Lost }},
		{"brake", "1 when the brake is on.", func(d *Device) int64 { return one(d.Brake != nil) }},
		{"attic_files", "Last copies in the attic.", func(d *Device) int64 { return d.Attic.Files }},
		{"attic_bytes", "Size of these last copies.", func(d *Device) int64 { return d.Attic.Bytes }},
	} {
		if len(devices) == 0 {
			return
		}
		m.family("shoebox_device_"+f.name, f.help)
		for i := range devices {
			m.sample([]string{"device", devices[i].Name, "id", devices[i].ID[:min(len(devices[i].ID), 12)]}, f.value(&devices[i]))
		}
	}
}

func one(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// metrics is an exposition in the making.
type metrics struct {
	text strings.Builder
	name string // of the family
}

func (m *metrics) family(name, help string) {
	m.name = name
	fmt.Fprintf(&m.text, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
}

// sample writes a value of the family; labels are name, value, name, value.
func (m *metrics) sample(labels []string, value int64) {
	m.text.WriteString(m.name)
	for i := 0; i+1 < len(labels); i += 2 {
		mark := ","
		if i == 0 {
			mark = "{"
		}
		m.text.WriteString(mark + labels[i] + `="` + escaped(labels[i+1]) + `"`)
	}
	if len(labels) > 0 {
		m.text.WriteByte('}')
	}
	m.text.WriteString(" " + strconv.FormatInt(value, 10) + "\n")
}

func (m *metrics) one(name, help string, value int64) {
	m.family(name, help)
	m.sample(nil, value)
}

// known leaves out what is not known.
func (m *metrics) known(name, help string, value int64) {
	if value > 0 {
		m.one(name, help, value)
	}
}

// escaped is a value of a label: valid text of bounded length.
func escaped(value string) string {
	letters := []rune(strings.ToValidUTF8(value, "\uFFFD"))
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(string(letters[:min(len(letters), labelMost)]))
}
