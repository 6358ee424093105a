package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
)

// Text writes the report for a terminal or a plain letter; with the names of files when they are asked for.
func (r *Report) Text(w io.Writer, names bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", sentence(r.Subject))
	for _, m := range r.Remarks {
		fmt.Fprintf(&b, "\n%s: %s\n", m.Level, sentence(m.Text))
		if m.Next != "" {
			fmt.Fprintf(&b, "  %s\n", m.Next)
		}
	}
	for i := range r.Devices {
		d := &r.Devices[i]
		fmt.Fprintf(&b, "\n%s\n", d.title())
		writeLines(&b, r.lines(d, names))
	}
	fmt.Fprintf(&b, "\nRepository, %s\n", r.timeText(r.Made))
	writeLines(&b, r.repositoryLines())
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (d *Device) title() string {
	if d.Model != "" && d.Model != d.Name {
		return label(d.Name) + " (" + label(d.Model) + ")"
	}
	return label(d.Name)
}

func writeLines(b *strings.Builder, lines []line) {
	for _, l := range lines {
		mark := " "
		if l.Wrong {
			mark = "!"
		}
		fmt.Fprintf(b, "%s %-17s %s\n", mark, l.What, l.Value)
		for _, name := range l.Names {
			fmt.Fprintf(b, "    %s\n", name)
		}
	}
}

//go:embed page.html
var pageText string

// page is what the template of HTML shows.
type page struct {
	Subject, Made string
	Level         Level
	Remarks       []Remark
	Devices       []pageDevice
	Repository    []line
}

type pageDevice struct {
	Title string
	Lines []line
}

// HTML writes the report as one page that needs nothing else: no script, nothing from the network, for light and dark screens and for paper; with the
// names of files when they are asked for.
func (r *Report) HTML(w io.Writer, names bool) error {
	t, err := template.New("page").Funcs(template.FuncMap{"sentence": sentence}).Parse(pageText)
	if err != nil {
		panic(err) // the text is ours
	}
	p := page{Subject: sentence(r.Subject), Made: r.timeText(r.Made), Level: r.Level, Remarks: r.Remarks, Repository: r.repositoryLines()}
	for i := range r.Devices {
		p.Devices = append(p.Devices, pageDevice{r.Devices[i].title(), r.lines(&r.Devices[i], names)})
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// JSON writes the report as one line; with the names of files when they are asked for. Bytes of a name that are no text come as U+FFFD.
func (r *Report) JSON(w io.Writer, names bool) error {
	c := *r
	c.Devices = append([]Device{}, r.Devices...)
	for i := range c.Devices {
		if !names {
			c.Devices[i].Names = nil
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
