package report

import (
	"cmp"
	"fmt"
	"shoebox/snapshot/amount"
	"slices"
	"strings"
)

// Level says how much a person has to care.
type Level string

const (
	OK      Level = "ok"
	Warning Level = "warning" // look at it one of these days
	Failure Level = "failure" // pictures are in danger
)

// rank orders levels, the worst highest.
func (l Level) rank() int {
	switch l {
	case OK:
		return 0
	case Warning:
		return 1
	}
	return 2
}

// Remark is one thing that is not as it should be, without any name of a file.
type Remark struct {
	Level  Level  `json:"level"`
	Device string `json:"device,omitempty"` // its Device.ID
	Text   string `json:"text"`             // part of a sentence: "anna was not seen for 5 days"
	Next   string `json:"next,omitempty"`   // a sentence that says what to do
}

// Worst is the level of the worst remark.
func (r *Report) Worst() Level { return r.Level }

// judge makes the remarks, and what follows from them.
func (r *Report) judge(o Options) {
	r.Level, r.Remarks = OK, []Remark{}
	for i := range r.Devices {
		r.Remarks = append(r.Remarks, r.Devices[i].remarks(o)...)
	}
	r.Remarks = append(r.Remarks, r.Repository.remarks()...)
	slices.SortStableFunc(r.Remarks, func(a, b Remark) int { return cmp.Compare(b.Level.rank(), a.Level.rank()) })
	if len(r.Remarks) > 0 {
		r.Level = r.Remarks[0].Level
	}
	r.Subject = r.subject()
}

// Not seen for so many times as long as is allowed is more than a warning.
const longOverdue = 4

// fullSoon and fullNow are days.
const fullSoon, fullNow = 30, 7

func (d *Device) remarks(o Options) (all []Remark) {
	name := label(d.Name)
	say := func(is bool, level Level, next, format string, args ...any) {
		if is {
			all = append(all, Remark{level, d.ID, fmt.Sprintf(format, args...), next})
		}
	}
	notSeen := Warning
	if d.Age > longOverdue*int64(o.Overdue.Seconds()) {
		notSeen = Failure
	}
	say(d.Brake != nil, Failure, "Look whether that is right; then `shoebox forget --brake-off "+d.asked()+"` releases it.", "the brake of %s is on: %s", name, d.Brake.text())
	say(d.Lost > 0 || d.Incomplete, Failure, "`shoebox check --read-data` tells what is damaged, `shoebox heal` mends it.", "parts of the snapshots of %s cannot be read", name)
	say(d.Silent > 0, Failure, "The storage of the device may be failing: what was kept before can be restored.", "%s of %s changed while size and time stayed the same", amount.Plural(d.Silent, "file"), name)
	say(d.NotSeen > 0, notSeen, "Connect it, and run `shoebox backup`.", "%s was not seen for %s", name, amount.Plural(int64(d.NotSeen), "day"))
	say(d.Partial, Warning, "Connect it again: the backup goes on where it was.", "the last backup of %s was cut off", name)
	say(d.Damaged > 0, Warning, "Look at them on the device: they came to the backup as they are.", "%s of %s %s damaged on the device", amount.Plural(d.Damaged, "new picture"), name, are(d.Damaged))
	say(d.Unreadable > 0, Warning, "`shoebox backup` names them.", "%s of %s could not be read", amount.Plural(d.Unreadable, "file"), name)
	return all
}

// asked is what a command calls the device; the path of a folder is not told.
func (d *Device) asked() string {
	if d.Kind == "folder" {
		return "FOLDER"
	}
	return fmt.Sprintf("%q", d.Name)
}

func (b *Brake) text() string {
	if b == nil {
		return ""
	}
	return fmt.Sprintf("%s of %s vanished, %s changed", amount.Number(b.Gone), amount.Plural(b.Of, "picture"), amount.Number(b.Changed))
}

func (r *Repository) remarks() (all []Remark) {
	if r.Snapshots == 0 {
		all = append(all, Remark{Level: Failure, Text: "there is no snapshot", Next: "`shoebox backup` takes one."})
	}
	if r.Damaged > 0 {
		all = append(all, Remark{Level: Failure, Text: amount.Plural(int64(r.Damaged), "snapshot") + " " + are(int64(r.Damaged)) + " damaged", Next: "`shoebox check` names them, `shoebox heal` mends them."})
	}
	if r.FullInDays > 0 && r.FullInDays <= fullSoon {
		level := Warning
		if r.FullInDays <= fullNow {
			level = Failure
		}
		all = append(all, Remark{Level: level, Text: "the repository is full in about " + amount.Plural(int64(r.FullInDays), "day"), Next: "Make room where it lies, or forget old snapshots and prune."})
	}
	return all
}

// subjectRemarks are named in the subject; of the others it has the number.
const subjectRemarks = 2

// subject is one sentence, without a full stop.
func (r *Report) subject() string {
	if r.Repository.Snapshots == 0 {
		return "nothing is backed up yet"
	}
	parts := []string{r.safe()}
	for _, m := range r.Remarks[:min(len(r.Remarks), subjectRemarks)] {
		parts = append(parts, m.Text)
	}
	if more := len(r.Remarks) - subjectRemarks; more > 0 {
		parts = append(parts, "and "+amount.Plural(int64(more), "other remark"))
	}
	return strings.Join(parts, "; ")
}

// safe says how much is kept, of pictures when there are any.
func (r *Report) safe() string {
	n, thing := r.Repository.Pictures, "picture"
	if n == 0 {
		n, thing = r.Repository.Files, "file"
	}
	verb := are(n) + " safe"
	if r.Repository.Damaged > 0 || slices.ContainsFunc(r.Devices, func(d Device) bool { return d.Lost > 0 || d.Incomplete }) {
		verb = are(n) + " kept"
	}
	return fmt.Sprintf("%s of %s %s", amount.Plural(n, thing), r.whose(), verb)
}

// whose is the device when there is one, else how many phones and folders.
func (r *Report) whose() string {
	if len(r.Devices) == 1 {
		return label(r.Devices[0].Name)
	}
	var phones int64
	for _, d := range r.Devices {
		if d.Kind != "folder" {
			phones++
		}
	}
	folders := int64(len(r.Devices)) - phones
	switch {
	case folders == 0:
		return amount.Plural(phones, "phone")
	case phones == 0:
		return amount.Plural(folders, "folder")
	}
	return amount.Plural(phones, "phone") + " and " + amount.Plural(folders, "folder")
}
