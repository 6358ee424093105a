package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/repo"
	"shoebox/snapshot"
)

// source is what a backup reads, with the name it has in snapshots.
type source struct {
	snapshot.Source
	device  snapshot.Device
	roots   []string
	workers int
	close   func()
}

const phonePrefix = "phone:"

func isPhone(arg string) bool { return strings.HasPrefix(arg, phonePrefix) }

func (p *program) source(ctx context.Context, r *repo.Repo, f backupFlags, arg string) (*source, error) {
	exclude := append(append([]string(nil), p.config.Exclude...), f.exclude...)
	if isPhone(arg) {
		return p.phoneSource(ctx, r, f, strings.TrimPrefix(arg, phonePrefix), exclude)
	}
	return p.folderSource(r, f, arg, exclude)
}

// folderReaders read a folder at once: enough to keep both disk and processors busy.
const folderReaders = 4

func (p *program) folderSource(r *repo.Repo, f backupFlags, arg string, exclude []string) (*source, error) {
	path, err := filepath.Abs(arg)
	if err != nil {
		return nil, fmt.Errorf("find the folder %s: %w", arg, err)
	}
	dir, err := device.NewDir(path, device.DirOptions{Exclude: exclude})
	if err != nil {
		return nil, fmt.Errorf("open the folder %s: %w", arg, err)
	}
	host, err := os.Hostname()
	if err != nil || f.host != "" {
		host = f.host
	}
	id := snapshot.DeviceID(r, "folder\x00"+host+"\x00"+path)
	return &source{Source: dir, device: snapshot.Device{Kind: "folder", Name: path, ID: id}, roots: []string{path}, workers: folderReaders,
		close: func() { _ = dir.Close() }}, nil // only read
}

// phoneReaders read a phone at once, so that the cable stays full while others seal.
const phoneReaders = 8

func (p *program) phoneSource(ctx context.Context, r *repo.Repo, f backupFlags, arg string, exclude []string) (*source, error) {
	alias, root, _ := strings.Cut(arg, "/")
	names, err := readAliases()
	if err != nil {
		return nil, err
	}
	o := device.PhoneOptions{Serial: firstOf(names.identity(alias), alias, f.serial, os.Getenv("ANDROID_SERIAL")), Exclude: exclude}
	if root = strings.Trim(root, "/"); root != "" {
		o.Roots = []string{root}
	}
	phone, err := device.OpenPhone(ctx, adbServer(), o)
	if err != nil {
		return nil, nameChoices(err, names)
	}
	d := snapshot.Device{Kind: "phone", Name: firstOf(names[phone.Identity], phone.Model, phone.Serial), Model: phone.Model, ID: snapshot.DeviceID(r, "phone\x00"+phone.Identity)}
	return &source{Source: phone, device: d, roots: o.Roots, workers: phoneReaders, close: func() { _ = phone.Close() }}, nil // only read
}

// nameChoices adds the phones to the message that several are connected.
func nameChoices(err error, names aliases) error {
	var phone *device.PhoneError
	if !errors.As(err, &phone) || len(phone.Phones) == 0 || strings.Contains(err.Error(), phone.Phones[0].Serial) {
		return err
	}
	var list strings.Builder
	for _, one := range phone.Phones {
		fmt.Fprintf(&list, "\n  -s %s   %s", one.Select(), firstOf(names[one.Identity], one.Model))
	}
	return fmt.Errorf("%w%s", err, list.String())
}

// adbServer is where adb itself would look for its server.
func adbServer() *adb.Server {
	host, port := firstOf(os.Getenv("ANDROID_ADB_SERVER_ADDRESS"), "127.0.0.1"), firstOf(os.Getenv("ANDROID_ADB_SERVER_PORT"), "5037")
	return &adb.Server{Addr: net.JoinHostPort(host, port)}
}
