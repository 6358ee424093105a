"""Reads everything there is, and tells what is not as it should be."""

import b3
from damage import Damaged, need, printable
from packs import pack_object
from snapshots import confirmed, walk
from store import MAX_PACK


def verify(repository):
    """Told through the damages of the repository. Gives how many objects, snapshots and files were read."""
    objects = _packs(repository) + _records(repository)
    snapshots, forgotten = confirmed(repository.store, repository.keys, lambda _: None)  # damaged records were told of
    _chain(repository, snapshots, forgotten)
    seen = set()
    for s in snapshots:
        _snapshot(repository, s, seen)
    return objects, len(snapshots), len(seen)


def _packs(r):
    for name in r.chunks.packs:
        with _Told(r, "packs/" + name):
            r.store.open("packs", name, lambda data: _named(data, name[3:]), MAX_PACK)
            told = r.chunks.told.get(bytes.fromhex(name[3:]))
            need(r.chunks.directory(name) == told, "a segment tells of other chunks than the pack")
    for pack in r.chunks.told:
        if pack_object(pack) not in r.chunks.packs:
            r.damages("packs/%s: is gone; a pruner may have had reason to" % pack_object(pack))
    return len(r.chunks.packs)


def _records(r):
    count = 0
    for kind in ("segments", "snapshots", "sessions", "marks", "tombstones", "brakes", "releases", "receipts"):
        for name in r.store.list(kind):
            count += 1
            with _Told(r, "%s/%s" % (kind, name)):
                r.store.open(kind, name, lambda data: _record(r, data, kind, name))
    return count


def _record(r, data, kind, name):
    if kind == "segments":
        _named(data, name)
        name = ""
    r.keys.open_record(data, kind, name)


def _named(data, name):
    need(b3.digest(data).hex() == name, "the bytes are not those of its name")


def _chain(r, snapshots, forgotten):
    """Each snapshot names the one of the same writer before it."""
    names = {s.name for s in snapshots} | forgotten
    for s in snapshots:
        if s.writer.prev and s.writer.prev not in names:
            r.damages("snapshots/%s: is gone; %s came after it" % (s.writer.prev, s.name))


def _snapshot(r, s, seen):
    """All files, each content once."""
    files = size = 0
    for e in walk(r.chunks, s, lambda what: r.damages("snapshot %s: %s" % (s.name, what))):
        files, size = files + 1, size + e.size
        content = (e.hash, *((p.kind, p.id, p.length) for p in e.content))
        if content in seen:
            continue
        seen.add(content)
        with _Told(r, "snapshot %s: %s" % (s.name, printable(e.path))):
            for _ in r.pieces(e) if e.hash else ():
                pass
    if (files, size) != (s.count.files, s.count.bytes):
        r.damages("snapshot %s: holds %d files of %d bytes, and should %d of %d" % (s.name, files, size, s.count.files, s.count.bytes))


class _Told:
    """What is raised inside is told, and the work goes on."""

    def __init__(self, repository, what):
        self._repository, self._what = repository, what

    def __enter__(self):
        pass

    def __exit__(self, kind, failure, trace):
        if isinstance(failure, (Damaged, OSError)):
            self._repository.damages("%s: %s" % (self._what, failure))
            return True
