package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"shoebox/device"
	"shoebox/gallery"
	"shoebox/repo"
	"shoebox/snapshot"
)

// serveFlags are those of the serve command.
type serveFlags struct {
	listen    string
	restoreTo string
	quietly   bool
	remote    bool
	hosts     []string
	password  string
	cert, key string
	metrics   bool
	watch     bool
	watching  watchFlags
}

func (p *program) serveCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Open the gallery: every picture that is safe, in the browser",
		Long: `Open the gallery in the browser: every picture that is safe, by the day it was
taken; the library as it was on any day; what changed last night; what on the
phone is not safe yet. Pictures can be downloaded, or restored below one folder
of this computer. Nothing can be deleted in it.

It listens on this computer alone, and its address holds a key that works once.
To let others in, say so with --remote; it then needs a password of its own and
TLS.

With --watch it also backs up each phone by itself when it is plugged in, as
"shoebox watch" does. With --metrics it tells Prometheus at /metrics what
"shoebox report" tells, made at most once a minute: without names of files, to
whoever uses this computer, or with a gallery password to those who send it.`,
		Example: `  shoebox serve
  shoebox serve --restore-to ~/Desktop
  shoebox serve --remote --listen 0.0.0.0:8443 --name nas.home \
      --tls-cert nas.crt --tls-key nas.key --gallery-password-file FILE
  shoebox serve --watch --metrics --listen 127.0.0.1:8080`,
		Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.serve(cmd.Context(), f) },
	}
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "the `address` to listen on; port 0 is a free one")
	c.Flags().StringVar(&f.restoreTo, "restore-to", "", "the `folder` that restored files go below (default \"Restored pictures\" in your home)")
	c.Flags().BoolVar(&f.quietly, "no-browser", false, "print the address and open no browser")
	c.Flags().BoolVar(&f.remote, "remote", false, "let other computers in; needs --gallery-password-file, --tls-cert and --tls-key")
	c.Flags().StringArrayVar(&f.hosts, "name", nil, "a `name` by which other computers call this one; may be given several times")
	c.Flags().StringVar(&f.password, "gallery-password-file", "", "the first line of a `file` opens the gallery from other computers")
	c.Flags().StringVar(&f.cert, "tls-cert", "", "certificate `file` in PEM")
	c.Flags().StringVar(&f.key, "tls-key", "", "key `file` of the certificate, in PEM")
	c.Flags().BoolVar(&f.metrics, "metrics", false, "tell Prometheus at /metrics how the backups are")
	c.Flags().BoolVar(&f.watch, "watch", false, "back up each phone by itself when it is plugged in: see shoebox watch")
	f.addWatching(c)
	return c
}

// addWatching makes the flags of the watch command, which mean something with --watch alone.
func (f *serveFlags) addWatching(c *cobra.Command) {
	var scratch cobra.Command
	f.watching.add(&scratch)
	scratch.Flags().VisitAll(func(one *pflag.Flag) {
		one.Usage = "with --watch: " + one.Usage
		c.Flags().AddFlag(one)
	})
	c.PreRunE = func(c *cobra.Command, _ []string) (err error) {
		scratch.Flags().VisitAll(func(one *pflag.Flag) {
			if one.Changed && !f.watch {
				err = fmt.Errorf("--%s means something only with --watch", one.Name)
			}
		})
		return err
	}
}

// serve listens, opens the browser, and ends with Ctrl-C.
func (p *program) serve(ctx context.Context, f serveFlags) error {
	o, certificate, err := p.galleryOptions(&f)
	if err == nil && f.watch {
		err = p.mayWatch(ctx, f.watching)
	}
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", f.listen, err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	o.Cookie = fmt.Sprintf("shoebox-%d", port)
	o.Hosts = hostsOf(listener.Addr().(*net.TCPAddr), f.hosts)
	phones := &servedPhones{program: p}
	defer phones.close()
	o.Phones = phones
	g, err := gallery.New(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if err := g.Close(); err != nil {
			p.tell("the gallery could not be closed: %v", err)
		}
	}()
	scheme := "http://"
	if certificate != nil {
		scheme = "https://"
		listener = tls.NewListener(listener, certificate)
	}
	base := scheme + o.Hosts[0]
	done := p.welcome(base, g.Token(), f)
	defer done()
	ctx, watched := p.watchBeside(ctx, f)
	failed := p.answer(ctx, listener, g)
	return errors.Join(failed, watched())
}

// watchBeside waits for phones while the gallery is open, if that was asked for. The context it gives ends when the watch fails: phones that are not
// backed up after all are not to be found out by chance. watched ends the watch, waits for it, and tells why it failed.
func (p *program) watchBeside(ctx context.Context, f serveFlags) (_ context.Context, watched func() error) {
	if !f.watch {
		return ctx, func() error { return nil }
	}
	ctx, stop := context.WithCancel(ctx)
	failed := make(chan error, 1)
	go func() {
		err := p.watchPhones(ctx, f.watching)
		if ctx.Err() != nil {
			err = nil // it was asked to stop, which is how it ends
		}
		failed <- err
		stop()
	}()
	return ctx, func() error { stop(); return <-failed }
}

// mayWatch tells what is in the way of a watch before anything listens.
func (p *program) mayWatch(ctx context.Context, f watchFlags) error {
	if _, err := p.recheck(backupFlags{recheck: f.recheck}); err != nil {
		return err
	}
	return p.tryAlone(ctx)
}

// metrics implements gallery.MetricsFunc.
func (p *program) metrics(ctx context.Context, r *repo.Repo, w io.Writer) error {
	said, err := p.readReport(ctx, r)
	if err != nil {
		return err
	}
	return said.Metrics(w)
}

// answer serves until the context ends, and then waits for what is under way.
func (p *program) answer(ctx context.Context, listener net.Listener, g http.Handler) error {
	running, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	server := &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		BaseContext: func(net.Listener) context.Context { return running }, ErrorLog: log.New(quietWriter{}, "", 0)}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve the gallery: %w", err)
	case <-ctx.Done():
	}
	cut() // streams end where they are
	soon, stop := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer stop()
	if err := server.Shutdown(soon); err != nil {
		_ = server.Close() // who still reads is cut off
	}
	<-failed
	p.tell("The gallery is closed.")
	return nil
}

// quietWriter takes what the server says of clients that misbehave.
type quietWriter struct{}

func (quietWriter) Write(b []byte) (int, error) { return len(b), nil }

// galleryOptions checks the flags before anything listens.
func (p *program) galleryOptions(f *serveFlags) (o gallery.Options, certificate *tls.Config, err error) {
	if certificate, err = f.checkRemote(); err != nil {
		return o, nil, err
	}
	if f.restoreTo == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return o, nil, fmt.Errorf("find a folder for restored files: %w; say where with --restore-to", err)
		}
		f.restoreTo = filepath.Join(home, "Restored pictures")
	}
	if f.restoreTo, err = filepath.Abs(f.restoreTo); err != nil {
		return o, nil, err
	}
	o = gallery.Options{Open: p.open, Zone: p.zone, Now: p.now, TLS: certificate != nil, Idle: true, RestoreTo: f.restoreTo, Restore: p.restoreBelow(f.restoreTo), PutBack: p.putBack,
		Log: func(line string) { p.tell("%s", line) }}
	if f.metrics {
		o.Metrics = p.metrics
	}
	if o.FFmpeg, err = exec.LookPath("ffmpeg"); err != nil {
		o.FFmpeg = "" // films are shown without a frame of them
	}
	if f.password != "" {
		text, err := os.ReadFile(f.password)
		if err != nil {
			return o, nil, fmt.Errorf("read the gallery's password: %w", err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		if o.Password = strings.TrimRight(line, "\r"); len(o.Password) < 8 {
			return o, nil, fmt.Errorf("the gallery's password in %s has fewer than 8 letters", f.password)
		}
	}
	return o, certificate, nil
}

var errRemote = errors.New("--listen names an address that other computers reach. If that is meant, add --remote, --gallery-password-file, --tls-cert and --tls-key")

var errMetrics = errors.New("with --remote or --name, --metrics needs --gallery-password-file: who reads them sends that password, as HTTP basic authentication")

// checkRemote lets the server be reached from elsewhere only with a flag, a password and TLS.
func (f *serveFlags) checkRemote() (*tls.Config, error) {
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: it is an address and a port, such as 127.0.0.1:8080", f.listen)
	}
	ip := net.ParseIP(host)
	local := host == "localhost" || ip != nil && ip.IsLoopback()
	if !local && (!f.remote || f.password == "" || f.cert == "" || f.key == "") {
		return nil, errRemote
	}
	if f.metrics && f.password == "" && (f.remote || len(f.hosts) > 0) {
		return nil, errMetrics
	}
	if f.cert == "" && f.key == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}, nil
}

// hostsOf lists what requests may name as their host. The first is the one to open.
func hostsOf(addr *net.TCPAddr, names []string) (hosts []string) {
	port := fmt.Sprint(addr.Port)
	for _, name := range names {
		hosts = append(hosts, net.JoinHostPort(name, port))
		if port == "443" {
			hosts = append(hosts, name)
		}
	}
	if addr.IP.IsLoopback() {
		return append(hosts, net.JoinHostPort(addr.IP.String(), port), net.JoinHostPort("localhost", port))
	}
	if !addr.IP.IsUnspecified() {
		hosts = append(hosts, net.JoinHostPort(addr.IP.String(), port))
	}
	return append(hosts, net.JoinHostPort("localhost", port), net.JoinHostPort("127.0.0.1", port))
}

// welcome says where the gallery is, and opens it.
func (p *program) welcome(base, token string, f serveFlags) (done func()) {
	address := base + "/#" + token
	if p.flags.json {
		_ = p.printJSON(map[string]any{"message_type": "listening", "address": address})
	} else {
		p.say("The gallery is open at %s", address)
		p.tell("The address works once. Ctrl-C closes the gallery.")
	}
	if f.quietly || f.remote || !p.terminal {
		return func() {}
	}
	page, err := openBrowser(address)
	if err != nil {
		p.tell("No browser could be opened: %v. Open the address yourself.", err)
	}
	return func() { _ = os.RemoveAll(page) }
}

// openBrowser sends the browser to an address by way of a file that only this user reads: what stands on a command line is seen by every user of
// the computer, and the address holds a key.
func openBrowser(address string) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "shoebox-"); err != nil {
		return "", err
	}
	page := filepath.Join(dir, "open.html")
	text := fmt.Sprintf("<!doctype html><meta charset=\"utf-8\"><title>shoebox</title><meta http-equiv=\"refresh\" content=\"0; url=%s\"><p><a href=\"%s\">Open the gallery</a>", address, address)
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		return dir, err
	}
	command := []string{"xdg-open", page}
	switch runtime.GOOS {
	case "darwin":
		command[0] = "open"
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler", page}
	}
	c := exec.Command(command[0], command[1:]...)
	if err := c.Start(); err != nil {
		return dir, err
	}
	go func() { _ = c.Wait() }() // it ends when it likes
	return dir, nil
}

// restoreBelow writes entries below a folder, which is made when something is restored. Nothing leaves the folder, whatever links are in it.
func (p *program) restoreBelow(root string) gallery.RestoreFunc {
	return func(ctx context.Context, r *repo.Repo, folder string, entries []snapshot.Entry) (gallery.Restored, error) {
		to, done, err := openTarget(root, snapshot.Never, false)
		if err != nil {
			return gallery.Restored{}, err
		}
		defer done()
		if folder != "" {
			for i := range entries {
				entries[i].Path = folder + "/" + entries[i].Path
			}
		}
		return giveBack(ctx, r, to, entries, filepath.Join(root, filepath.FromSlash(folder)))
	}
}

// giveBack writes entries where nothing is in their way. name is that of the target.
func giveBack(ctx context.Context, r *repo.Repo, to snapshot.Target, entries []snapshot.Entry, name string) (gallery.Restored, error) {
	said := gallery.Restored{Folder: name}
	failed := func(n snapshot.Notice, why error) {
		said.Failed = append(said.Failed, snapshot.Failure{Path: device.Printable(n.File.Path), Reason: why.Error()})
	}
	all := func(yield func(snapshot.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
	did, err := snapshot.RestoreEntries(ctx, r, all, to, snapshot.RestoreOptions{Workers: 1, Each: func(n snapshot.Notice) { // one at a time, in order
		switch n.What {
		case snapshot.Failed:
			failed(n, n.Err)
		case snapshot.Kept:
			failed(n, errors.New("another file of that name is there already"))
		}
	}})
	said.Files, said.Same = int(did.Files), int(did.Same)
	return said, err
}
