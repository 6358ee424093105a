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
	dear    bool // its bytes come over a cable
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

func (p *program) folderSource(r *repo.Repo, f backupFlags, arg string, exclude []string) (*source, error) {
	dir, path, err := openFolder(arg, exclude)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil || f.host != "" {
		host = f.host
	}
	id := snapshot.DeviceID(r, "folder\x00"+host+"\x00"+path)
	return &source{Source: dir, device: snapshot.Device{Kind: "folder", Name: path, ID: id}, roots: []string{path},
		close: func() { _ = dir.Close() }}, nil // only read
}

// openFolder opens a folder to be read, and gives its whole path.
func openFolder(arg string, exclude []string) (dir *device.Dir, path string, err error) {
	if path, err = filepath.Abs(arg); err != nil {
		return nil, "", fmt.Errorf("find the folder %s: %w", arg, err)
	}
	if dir, err = device.NewDir(path, device.DirOptions{Exclude: exclude}); err != nil {
		return nil, "", fmt.Errorf("open the folder %s: %w", arg, err)
	}
	return dir, path, nil
}

// phoneReaders read a phone at once, so that the cable stays full while others seal.
const phoneReaders = 8

func (p *program) phoneSource(ctx context.Context, r *repo.Repo, f backupFlags, arg string, exclude []string) (*source, error) {
	phone, name, roots, err := p.openPhone(ctx, f, arg, exclude)
	if err != nil {
		return nil, err
	}
	readers := phoneReaders
	if f.among != nil {
		readers = max(1, phoneReaders/max(1, f.among()))
	}
	return &source{Source: phone, device: phoneDevice(r, phone.PhoneInfo, name), roots: roots, workers: readers, dear: true, close: func() { _ = phone.Close() }}, nil // only read
}

// phoneIdentity is what a phone's device id is made of.
func phoneIdentity(phone device.PhoneInfo) string { return "phone\x00" + phone.Identity }

// phoneDevice is a phone as it stands in snapshots.
func phoneDevice(r *repo.Repo, phone device.PhoneInfo, name string) snapshot.Device {
	return snapshot.Device{Kind: "phone", Name: name, Model: phone.Model, ID: snapshot.DeviceID(r, phoneIdentity(phone))}
}

// openPhone finds the phone of NAME/FOLDER, and what to call it.
func (p *program) openPhone(ctx context.Context, f backupFlags, arg string, exclude []string) (phone *device.Phone, name string, roots []string, err error) {
	alias, root, _ := strings.Cut(arg, "/")
	if root = strings.Trim(root, "/"); root != "" {
		roots = []string{root}
	}
	phone, name, err = p.openPhoneAt(ctx, f, alias, roots, exclude)
	return phone, name, roots, err
}

// openPhoneAt finds the phone of a name, of which the roots are listed.
func (p *program) openPhoneAt(ctx context.Context, f backupFlags, alias string, roots, exclude []string) (phone *device.Phone, name string, err error) {
	names, err := readAliases()
	if err != nil {
		return nil, "", err
	}
	phone, err = device.OpenPhone(ctx, adbServer(), device.PhoneOptions{Roots: roots, Exclude: exclude, Among: f.among,
		Serial: firstOf(names.identity(alias), alias, f.serial, os.Getenv("ANDROID_SERIAL"))})
	if err != nil {
		return nil, "", nameChoices(err, names)
	}
	return phone, firstOf(names[phone.Identity], phone.Model, phone.Serial), nil
}

// tryPhones tells what is wrong with the phones that are asked for, before a repository is made for them.
func (p *program) tryPhones(ctx context.Context, f backupFlags, args []string) error {
	for _, arg := range args {
		if !isPhone(arg) {
			continue
		}
		phone, _, _, err := p.openPhone(ctx, f, strings.TrimPrefix(arg, phonePrefix), nil)
		if err != nil {
			return err
		}
		if err := phone.Close(); err != nil {
			return err
		}
	}
	return nil
}

// nameChoices adds the names people gave their phones to the message that several are connected.
func nameChoices(err error, names aliases) error {
	var phone *device.PhoneError
	if !errors.As(err, &phone) || len(phone.Phones) == 0 || len(names) == 0 {
		return err
	}
	named := *phone
	named.Next = "Say which one: phone:NAME, or -s and its serial:"
	for _, one := range phone.Phones {
		named.Next += fmt.Sprintf("\n  -s %s  %s", one.Select(), one.Model)
		if one.SameSerial {
			named.Next += "  (two phones say that they are this one)"
		} else if name := names[one.Identity]; name != "" {
			named.Next += "  phone:" + name
		}
		if one.State != nil {
			named.Next += fmt.Sprintf("  (%v)", one.State)
		}
	}
	return &named
}

// adbServer is where adb itself would look for its server.
func adbServer() *adb.Server {
	host, port := firstOf(os.Getenv("ANDROID_ADB_SERVER_ADDRESS"), "127.0.0.1"), firstOf(os.Getenv("ANDROID_ADB_SERVER_PORT"), "5037")
	return &adb.Server{Addr: net.JoinHostPort(host, port)}
}
