"""Snapshots, their pages and entries: sections 9, 10, and 14 for which of them count."""

import datetime

import cbor
import seal
from damage import Damaged, need

MAX_PAGE = 3809400
MAX_LEVEL = 8
MAX_PATH = 4096
REGULAR, LINK = 0, 1


def _part(v):
    need(type(v) is list and len(v) == 3, "a part of a wrong form")
    made = cbor.struct({0: ("kind", cbor.uint(3)), 1: ("id", cbor.raw(exactly=32)), 2: ("length", cbor.uint(2**32 - 1))})
    return made(dict(enumerate(v)))


def _path(v):
    v = cbor.raw(most=MAX_PATH)(v)
    need(b"\0" not in v and not any(p in (b"", b".", b"..") for p in v.split(b"/")), "a path that is none")
    return v


def _target(v):
    v = cbor.raw(most=MAX_PATH)(v)
    need(b"\0" not in v, "a target that is none")
    return v


_target.zero = b""
_MILLISECONDS = cbor.integer(-62135596800000, 253402300799999)  # years 1 to 9999
_COUNTS = ("files", "bytes", "new", "changed", "unchanged", "gone", "failed", "read", "fresh", "added")
_count = cbor.integer(0)

_RECORD = cbor.struct({1: ("session", cbor.opt(cbor.text)), 2: ("body", cbor.raw())})

_SNAPSHOT = cbor.struct({
    1: ("version", cbor.integer(1, 1)),
    2: ("device", cbor.struct({1: ("kind", cbor.text), 2: ("name", cbor.text), 3: ("model", cbor.opt(cbor.text)), 4: ("id", cbor.text)})),
    3: ("host", cbor.text),
    4: ("roots", cbor.opt(cbor.array(cbor.raw()))),
    5: ("start", _MILLISECONDS),
    6: ("end", _MILLISECONDS),
    7: ("zone", cbor.integer(-86400, 86400)),
    8: ("count", cbor.struct({n + 1: (name, _count if n < 2 else cbor.opt(_count)) for n, name in enumerate(_COUNTS)})),
    9: ("partial", cbor.opt(cbor.truth)),
    10: ("failed", cbor.opt(cbor.array(cbor.struct({1: ("path", cbor.raw()), 2: ("reason", cbor.text)}), most=10000))),
    11: ("tags", cbor.opt(cbor.array(cbor.text))),
    12: ("parent", cbor.opt(cbor.text)),
    13: ("writer", cbor.struct({1: ("id", cbor.text), 2: ("seq", cbor.uint()), 3: ("prev", cbor.opt(cbor.text))})),
    14: ("program", cbor.opt(cbor.text)),
    15: ("root", _part),
    16: ("attic", cbor.opt(cbor.truth)),
    17: ("brake", cbor.opt(cbor.struct({1: ("gone", cbor.opt(_count)), 2: ("changed", cbor.opt(_count)), 3: ("of", cbor.opt(_count))}))),
})

_TOMBSTONE = cbor.struct({
    1: ("version", cbor.integer(1, 1)),
    2: ("when", _MILLISECONDS),
    3: ("last_copies", cbor.opt(cbor.truth)),
    4: ("reason", cbor.opt(cbor.text)),
    5: ("also", cbor.opt(cbor.array(cbor.text))),
})

_ENTRY = cbor.struct({
    1: ("path", _path),
    2: ("type", cbor.opt(cbor.uint(1))),
    3: ("size", cbor.integer(0)),
    4: ("seconds", cbor.integer()),
    5: ("nanoseconds", cbor.opt(cbor.uint(10**9 - 1))),
    6: ("mode", cbor.uint(0o7777)),
    7: ("target", cbor.opt(_target)),
    8: ("content", cbor.opt(cbor.array(_part))),
    9: ("hash", cbor.opt(cbor.raw(exactly=32))),
    10: ("taken", cbor.opt(_MILLISECONDS)),
    11: ("taken_from", cbor.opt(cbor.uint(255))),
    12: ("taken_zone", cbor.opt(cbor.integer(-26 * 60, 26 * 60))),
    13: ("media", cbor.opt(cbor.text)),
    14: ("orientation", cbor.opt(cbor.uint(8))),
    15: ("width", cbor.opt(cbor.uint())),
    16: ("height", cbor.opt(cbor.uint())),
    17: ("camera", cbor.opt(cbor.text)),
})

_BELOW = cbor.struct({1: ("first", _path), 2: ("part", _part), 3: ("count", cbor.integer(1))})

_PAGE = cbor.struct({
    1: ("level", cbor.opt(cbor.uint(MAX_LEVEL))),
    2: ("entries", cbor.opt(cbor.array(_ENTRY))),
    3: ("pages", cbor.opt(cbor.array(_BELOW))),
})


def parse_entry(e):
    """What an entry must be beyond its keys."""
    if e.type == LINK:
        need(e.target and e.size == len(e.target) and not e.content and not e.hash, "a link that cannot be")
    else:
        need(not e.target and e.hash and all(p.length > 0 for p in e.content), "a file that cannot be")
        need(e.size == sum(p.length for p in e.content), "the parts of a file do not make up its size")
    return e


def parse_page(data):
    page = _PAGE(cbor.decode(data))
    need(bool(page.entries) == (page.level == 0) and bool(page.pages) == (page.level > 0), "a page that cannot be")
    for e in page.entries:
        parse_entry(e)
    return page


def parse_snapshot(body):
    s = _SNAPSHOT(cbor.decode(body))
    need(s.root.kind == seal.PAGE or s.root.length == 0, "the root of the pages is no page")
    return s


def parse_record(name, body):
    """The snapshot in a record, with its name and its session."""
    record = _RECORD(cbor.decode(body))
    s = parse_snapshot(record.body)
    s.name, s.session = name, record.session
    return s


def confirmed(store, keys, damages):
    """All confirmed snapshots that were not forgotten, oldest first; and the names of the forgotten ones.

    Tombstones and sessions are listed before snapshots: what is done or forgotten then stays so."""
    forgotten = dict(_records(store, keys, "tombstones", lambda _, body: _TOMBSTONE(cbor.decode(_RECORD(cbor.decode(body)).body)), damages))
    sessions = store.list("sessions")
    found = [s for name, s in _records(store, keys, "snapshots", parse_record, damages) if name not in forgotten and s.session + ".done" in sessions]
    return sorted(found, key=lambda s: (s.start, s.name)), set(forgotten)


def _records(store, keys, kind, parse, damages):
    """(name, parsed) of each record of a kind. Those that are damaged are told of, and left out."""
    for name in store.list(kind):
        try:
            yield name, store.open(kind, name, lambda data: parse(name, keys.open_record(data, kind, name)))
        except (Damaged, OSError) as e:
            damages("%s/%s: %s" % (kind, name, e))


def walk(chunks, snapshot, damages):
    """The entries of a snapshot in order of path. A page that is damaged is told, and passed over with what is below it."""
    if snapshot.root.length:
        yield from _Walk(chunks, damages).below(snapshot.root, None, None)


class _Walk:
    def __init__(self, chunks, damages):
        self._chunks, self._damages, self._last = chunks, damages, None

    def below(self, part, level, told):
        """The entries below one page: of this level, and as the page above told of it. Both are None for the root."""
        try:
            page = self._open(part, level, told)
        except Damaged as e:
            self._damages("page %s: %s" % (part.id.hex(), e))
            return
        for e in page.entries:
            self._last = e.path
            yield e
        for p in page.pages:
            yield from self.below(p.part, page.level - 1, p)

    def _open(self, part, level, told):
        need(part.kind == seal.PAGE and part.length <= MAX_PAGE, "not a page")
        page = parse_page(self._chunks.read(part))
        paths = [e.path for e in page.entries] or [p.first for p in page.pages]
        need(all(a < b for a, b in zip([self._last or b""] + paths, paths)), "paths are not in order")
        if told is not None:
            count = len(page.entries) or sum(p.count for p in page.pages)
            need((page.level, paths[0], count) == (level, told.first, told.count), "not the page that the one above tells of")
        return page


def when(milliseconds, zone):
    """A time as people of that zone (seconds east of UTC) read it."""
    moment = datetime.datetime(1, 1, 1) + datetime.timedelta(milliseconds=milliseconds + 62135596800000)
    try:
        moment += datetime.timedelta(seconds=zone)
    except OverflowError:
        pass
    return moment.strftime("%Y-%m-%d %H:%M:%S")
