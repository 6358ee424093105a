#!/usr/bin/python3
"""Reads shoebox repositories, written from docs/format.md alone. See README.md beside this file.

It never writes to the repository. Exit status: 0 all is well, 1 something is damaged, 2 it could not be done."""

import argparse
import getpass
import os
import sys

import b3
from damage import Damaged, NoKey, printable
from repository import Repository
from restore import Target, restore, selected
from snapshots import LINK, confirmed, walk, when
from verify import verify

NO_PASSWORD = b"no password"  # what a repository without one is locked with


class Damages:
    """Prints what is not as it should be, and counts it."""

    count = 0

    def __call__(self, what):
        self.count += 1
        print("damaged: " + what, file=sys.stderr)


def main(arguments):
    o = options().parse_args(arguments)
    if not b3.b3sum():
        print("note: without the program b3sum this is slow: about half a MiB a second", file=sys.stderr)
    damages = Damages()
    try:
        repository = Repository(o.repository, passphrases(o), o.key, damages)
        COMMANDS[o.command](repository, o)
    except (NoKey, Damaged, OSError, LookupError) as e:
        print("shoebox_reader: %s" % e, file=sys.stderr)
        return 2
    return 1 if damages.count else 0


def options():
    o = argparse.ArgumentParser(prog="shoebox_reader.py", description="Reads shoebox repositories. It never writes to them.")
    o.add_argument("-r", "--repository", required=True, metavar="FOLDER", help="the folder that holds packs/ and keys/")
    o.add_argument("-k", "--key", action="append", default=[], metavar="FILE", help="a file with a key: AGE-SECRET-KEY-1...")
    o.add_argument("-p", "--password-file", metavar="FILE", help="a file with the password on its first line")
    commands = o.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the snapshots, oldest first")
    commands.add_parser("verify", help="read everything and tell what is damaged")
    ls = commands.add_parser("ls", help="the files of a snapshot")
    give = commands.add_parser("restore", help="write the files of a snapshot to a new folder")
    for command in (ls, give):
        command.add_argument("snapshot", help="its name, the beginning of it, or latest")
    give.add_argument("target", help="a folder that does not exist, or is empty")
    give.add_argument("path", nargs="?", help="only this file or folder")
    return o


def passphrases(o):
    """What was given; without a key or password asked for at the terminal."""
    if o.password_file:
        with open(o.password_file, "rb") as f:
            return [f.readline(65536).rstrip(b"\r\n")]
    if o.key or not sys.stdin.isatty():
        return [NO_PASSWORD]
    return [getpass.getpass("Password (empty if there is none): ").encode() or NO_PASSWORD]


def list_snapshots(r, o):
    for s in confirmed(r.store, r.keys, r.damages)[0]:
        marks = ("  partial: the device was lost" if s.partial else "") + ("  attic: last copies alone" if s.attic else "")
        print("%s  %s  %s  %d files  %d bytes%s" % (s.name, when(s.start, s.zone), printable(s.device.name.encode()), s.count.files, s.count.bytes, marks))


def list_files(r, o):
    for e in walk(r.chunks, find(r, o.snapshot), r.damages):
        link = " -> " + printable(e.target) if e.type == LINK else ""
        print("%04o %12d  %s  %s%s" % (e.mode, e.size, stamp(e.seconds), printable(e.path), link))


def stamp(seconds):
    try:
        return when(seconds * 1000, 0) + " UTC"
    except (OverflowError, ValueError):
        return "%d s from 1970" % seconds


def restore_files(r, o):
    entries = walk(r.chunks, find(r, o.snapshot), r.damages)
    if o.path is not None:
        entries = selected(entries, os.fsencode(o.path).strip(b"/"))
    target = Target(o.target)
    try:
        written = restore(target, entries, r.pieces, r.damages)
    finally:
        target.close()
    print("%d files restored to %s" % (written, o.target))


def verify_all(r, o):
    print("read: %d objects, %d snapshots, %d different files" % verify(r))


def find(r, text):
    """The snapshot that is meant."""
    all, _ = confirmed(r.store, r.keys, r.damages)
    found = all[-1:] if text == "latest" else [s for s in all if s.name.startswith(text)]
    if len(found) != 1:
        raise LookupError("%d snapshots are named %s: see list" % (len(found), text))
    return found[0]


COMMANDS = {"list": list_snapshots, "ls": list_files, "restore": restore_files, "verify": verify_all}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
