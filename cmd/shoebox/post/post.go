// Package post takes word of a run to where people look: a program, a webhook, ntfy, a check of the kind of healthchecks.io, a mailbox, the desktop. It
// does not know what the run did, nor what the words say.
//
// A place to send to is one line of configuration: first a word for its kind, then where it is, then options. Words with spaces stand in quotes, single or
// double; a backslash is a letter like any other.
//
//	notify = [
//	  "ntfy https://ntfy.sh/our-topic",
//	  "ntfy https://ntfy.example.org/backup token-file=/home/anna/.ntfy-token",
//	  "ping https://hc-ping.com/f5b6e2a0-…",
//	  "webhook https://example.org/hook token-env=HOOK_TOKEN",
//	  "mail anna@example.org smtp=mail.example.org user=anna@example.org password-file=/home/anna/.mail-password",
//	  "command /usr/local/bin/tell --loud 'at night'",
//	  "desktop",
//	]
//
//	ntfy URL       a short message; loud when something failed. The last part of the address is the topic.
//	ping URL       asked at the beginning at URL/start, at the end at URL, or at URL/fail when it failed, with the text. A warning is no failure.
//	webhook URL    gets {"kind", "subject", "text", "report"} as JSON
//	  token-file=FILE, token-env=NAME   goes along as a bearer token, over https alone (ntfy, webhook)
//	  url-file=FILE, url-env=NAME       the address itself from there, instead of URL: who knows it may write there
//	  ca=FILE                           certificates to trust instead of the system's, in PEM
//	mail ADDRESS[,ADDRESS...] smtp=HOST[:PORT]
//	  from=ADDRESS                      else the user, when that is an address, else the first ADDRESS
//	  user=NAME, password-file=FILE, password-env=NAME
//	  tls=tls|starttls|none             else tls on port 465, which is the port when none is named, and starttls on any other. Never less than was asked
//	                                    for, and no password without it
//	  ca=FILE
//	command PROGRAM [ARGUMENT...]       gets the text on its standard input, SHOEBOX_SUBJECT and SHOEBOX_KIND in its environment; there is no shell
//	desktop                             a notification in the session of this user, if there is one
//
// Secrets (passwords, tokens, and of an address all but its host) come from files or the environment, and never stand in an error or in what is printed of a
// sender.
package post

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Kind says what a message is about.
type Kind string

const (
	Start   Kind = "start" // a run begins: only Ping takes word of it, the others do nothing
	Success Kind = "success"
	Warning Kind = "warning"
	Failure Kind = "failure"
)

// Message is one message, in the forms that different places want. Subject and Text are needed.
type Message struct {
	Kind    Kind
	Subject string // one sentence
	Text    string // some lines
	HTML    string // a page, for mail; may be empty
	JSON    []byte // for programs; may be empty
}

// Sender takes a message to one place. It ends when ctx does, and may be used by several goroutines.
type Sender interface {
	Send(ctx context.Context, m Message) error // an *Error when the message may not have come through
	String() string                            // the place, without secrets
}

// timeLimit is how long one sender may take, with its second try.
const timeLimit = 30 * time.Second

// pauseBefore the second try.
const pauseBefore = time.Second

// All sends a message to all places side by side, and tells which did not get it. Where the connection failed it tries once more. A missing desktop is no
// error here.
func All(ctx context.Context, senders []Sender, m Message) error {
	return all(ctx, senders, m, timeLimit, pauseBefore)
}

func all(ctx context.Context, senders []Sender, m Message, limit, pause time.Duration) error {
	failed := make([]error, len(senders))
	var running sync.WaitGroup
	for i, s := range senders {
		running.Go(func() {
			ctx, stop := context.WithTimeout(ctx, limit)
			defer stop()
			err := s.Send(ctx, m)
			if connectionFailed(err) && sleep(ctx, pause) {
				err = s.Send(ctx, m)
			}
			if !errors.Is(err, ErrNoDesktop) {
				failed[i] = err
			}
		})
	}
	running.Wait()
	return errors.Join(failed...)
}

// sleep tells whether the time went by before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
