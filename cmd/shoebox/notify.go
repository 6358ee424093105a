package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"shoebox/cmd/shoebox/post"
	"shoebox/repo"
	"shoebox/snapshot/report"
)

// places are where word of each run is sent to. One that cannot be understood is an error that does not keep the others from being told.
func (p *program) places() (all []post.Sender, err error) {
	for i, text := range p.config.Notify {
		s, bad := post.Parse(text)
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("notify in the configuration, place %d: %w", i+1, bad))
			continue
		}
		all = append(all, s)
	}
	return all, err
}

// begins tells that a run begins, and gives what tells of its end. Nothing of it may keep a backup from being made: what goes wrong is said.
func (p *program) begins(ctx context.Context, what string) (ended func(r *repo.Repo, err error)) {
	places, err := p.places()
	if err != nil {
		p.complain("shoebox: %v", err)
	}
	if len(p.config.Notify) == 0 {
		return p.desktopAlone(ctx)
	}
	if err := post.All(ctx, places, post.Message{Kind: post.Start, Subject: what + " begins", Text: what + " begins on " + hostName()}); err != nil {
		p.complain("shoebox: %v", err)
	}
	return func(r *repo.Repo, failed error) {
		if codeOf(ctx, failed) == exitInterrupted && failed != nil {
			return // whoever stopped it knows
		}
		if err := p.sendEnd(ctx, places, r, failed); err != nil {
			p.complain("shoebox: %v", err)
		}
	}
}

// desktopAlone tells of a failure that nobody saw, on the desktop, where no place was named. What goes wrong with that is nothing to add to it.
func (p *program) desktopAlone(ctx context.Context) (ended func(r *repo.Repo, err error)) {
	return func(_ *repo.Repo, failed error) {
		if failed == nil || p.terminal || codeOf(ctx, failed) == exitInterrupted {
			return
		}
		m := post.Message{Kind: post.Failure, Subject: "shoebox: the pictures were not backed up", Text: p.failureText(ctx, failed, true)}
		if codeOf(ctx, failed) == exitSome {
			m.Kind, m.Subject = post.Warning, "shoebox: some pictures could not be backed up"
		}
		_ = post.All(ctx, []post.Sender{post.Desktop{}}, m)
	}
}

func (p *program) sendEnd(ctx context.Context, places []post.Sender, r *repo.Repo, failed error) error {
	var said *report.Report
	if r != nil {
		var err error
		if said, err = p.readReport(ctx, r); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return p.send(ctx, places, said, failed)
}

// send sends a report, and what went wrong in the run it is about. Names of files go along only when that was asked for: why something failed may
// hold some too.
func (p *program) send(ctx context.Context, places []post.Sender, said *report.Report, failed error) error {
	names := p.config.NotifyNames
	m := post.Message{Kind: post.Success}
	var text, page, data bytes.Buffer
	if said != nil {
		m.Subject = said.Subject
		m.Kind = kindOf(said.Worst())
		if err := errors.Join(said.Text(&text, names), said.HTML(&page, names), said.JSON(&data, names)); err != nil {
			return err
		}
	}
	if why := p.failureText(ctx, failed, names); why != "" {
		m.Kind = post.Failure
		if codeOf(ctx, failed) == exitSome {
			m.Kind = post.Warning
		}
		m.Subject = why + after("; ", m.Subject)
		text.WriteString("\nThe backup on " + hostName() + ": " + why + "\n")
	}
	m.Text, m.HTML, m.JSON = text.String(), page.String(), data.Bytes()
	return post.All(ctx, places, m)
}

func after(between, text string) string {
	if text == "" {
		return ""
	}
	return between + text
}

func kindOf(level report.Level) post.Kind {
	switch level {
	case report.OK:
		return post.Success
	case report.Warning:
		return post.Warning
	}
	return post.Failure
}

// failureText says why a run failed, without names unless they are asked for; "" when it did not, or the report says it better.
func (p *program) failureText(ctx context.Context, failed error, names bool) string {
	if failed == nil {
		return ""
	}
	code := codeOf(ctx, failed)
	if exit := (*exitError)(nil); names && !(errors.As(failed, &exit) && exit.err == nil) {
		return failed.Error()
	}
	switch code {
	case exitSome:
		return "some files could not be read"
	case exitPhone:
		return "the phone could not be reached, or went away"
	case exitDamage:
		return "the repository is damaged"
	case exitNoRepository:
		return "the repository is not there"
	case exitPassword:
		return "the repository could not be opened with the password or key file it was given"
	}
	return "the backup failed"
}
