"""Where each chunk lies, and its bytes: packs and segments, sections 6 and 7."""

import collections
import struct

import b3
import cbor
import parity
import seal
from damage import Damaged, need
from store import MAX_PACK

_ENTRY = struct.Struct("<BB32sII")
_TAIL = 32 << 10
_TRAILER = 64
MAX_PACKS = 262144  # in a segment

Home = collections.namedtuple("Home", "pack offset stored kind encoding plain")

_SEGMENT = cbor.struct({
    1: ("packs", cbor.array(cbor.struct({
        1: ("name", cbor.raw(exactly=32)),
        2: ("length", cbor.integer(0, MAX_PACK)),
        3: ("group", cbor.uint(255)),
        4: ("entries", cbor.raw()),
    }), most=MAX_PACKS)),
    2: ("replaces", cbor.opt(cbor.array(cbor.raw(exactly=32), most=MAX_PACKS))),
    3: ("session", cbor.opt(cbor.text)),
})


def pack_object(name):
    """The name of a pack below packs/."""
    return name.hex()[:2] + "/" + name.hex()


def parse_entries(raw):
    """[(id, Home without its pack)] of a directory, and where the last chunk ends."""
    need(len(raw) % _ENTRY.size == 0, "a directory is cut short")
    found, seen, offset = [], set(), 16
    for kind, encoding, id, stored, plain in _ENTRY.iter_unpack(raw):
        need(kind in (seal.BODY, seal.HEAD, seal.PAGE) and id not in seen, "a directory that cannot be")
        need(0 < plain <= seal.MAX_CHUNK and seal.CHUNK_OVERHEAD <= stored <= plain + seal.CHUNK_OVERHEAD, "a chunk of an impossible length")
        found.append((id, Home(None, offset, stored, kind, encoding, plain)))
        seen.add(id)
        offset += stored
    need(offset <= MAX_PACK, "a directory that is longer than a pack")
    return found, offset


class Chunks:
    """All chunks of a repository. damages is told what was passed over, as text."""

    def __init__(self, store, keys, damages):
        self._store, self._keys, self._damages = store, keys, damages
        self._healed = {}  # the last one, and None for those that nothing heals
        self._load()

    def _load(self):
        """Reads all segments; then the directory of each pack that none tells of."""
        self._homes, self.told = {}, {}
        self._segments, self.packs = self._store.list("segments"), self._store.list("packs")
        for name in self._segments:
            self._try("segments/" + name, lambda: self._add_segment(name))
        for name in self.packs:
            if bytes.fromhex(name[3:]) not in self.told:
                self._try("packs/" + name, lambda: self._add(bytes.fromhex(name[3:]), self.directory(name)))

    def _try(self, what, step):
        try:
            step()
        except (Damaged, OSError) as e:
            self._damages("%s: %s" % (what, e))

    def _add_segment(self, name):
        body = self._store.open("segments", name, lambda data: self._keys.open_record(data, "segments", ""))
        for p in _SEGMENT(cbor.decode(body)).packs:
            self._add(p.name, p.entries)

    def _add(self, pack, entries):
        parsed, _ = parse_entries(entries)
        if pack in self.told:
            return
        self.told[pack] = entries
        for id, home in parsed:
            self._homes.setdefault(id, []).append(home._replace(pack=pack))

    def directory(self, name):
        """The entries that a pack's own directory holds, as they stand there."""
        return self._whole_or_healed(name, self._directory)

    def _directory(self, size, stretch):
        need(128 <= size <= MAX_PACK, "not the length of a pack")
        tail = stretch(size - min(size, _TAIL), min(size, _TAIL))
        salt, sealed, mark, suite = tail[-64:-32], tail[-32:-8], tail[-8:-1], tail[-1]
        need(mark == b"shoeend", "the end of the pack is not there")
        (begin,) = struct.unpack("<Q", self._keys.open_part(b"trailer", suite, salt, sealed))
        need(16 <= begin <= size - _TRAILER - 16, "a directory outside its pack")
        length = size - _TRAILER - begin
        sealed = tail[-_TRAILER - length : -_TRAILER] if length + _TRAILER <= len(tail) else stretch(begin, length)
        plain = self._keys.open_part(b"directory", suite, salt, sealed)
        need(len(plain) >= 5, "a directory is cut short")
        group, count = struct.unpack_from("<BI", plain)
        end = 5 + count * _ENTRY.size
        need(group in (1, 2) and end <= len(plain) and not any(plain[end:]), "a directory that cannot be")
        need(parse_entries(plain[5:end])[1] == begin, "the chunks do not end where the directory begins")
        return plain[5:end]

    def read(self, part):
        """The bytes of a part, from any pack that has them whole. The last failure is raised as Damaged."""
        try:
            return self._read(part)
        except Damaged:
            if self._store.list("segments") == self._segments and self._store.list("packs") == self.packs:
                raise
        self._load()  # a pruner may have moved it meanwhile
        return self._read(part)

    def _read(self, part):
        failure = "is in no pack"
        for home in self._homes.get(part.id, ()):
            if (home.kind, home.plain) != (part.kind, part.length):
                continue
            try:
                return self._whole_or_healed(pack_object(home.pack), lambda _, stretch: self._keys.open_chunk(
                    stretch(home.offset, home.stored), home.kind, home.encoding, part.id, part.length))
            except FileNotFoundError:
                failure = "pack %s is gone" % home.pack.hex()
            except (Damaged, OSError) as e:
                failure = "in pack %s: %s" % (home.pack.hex(), e)
        raise Damaged("chunk %s %s" % (part.id.hex(), failure))

    def _whole_or_healed(self, name, opened):
        """What opened makes of a pack: of its length, and of a function that gives stretches of it. Healed, when it raises Damaged."""
        try:
            return opened(self.packs.get(name, 0), lambda offset, length: self._store.stretch("packs", name, offset, length))
        except (Damaged, OSError) as e:
            failure = e
        whole = self._heal(name)
        if whole is None:
            raise failure
        return opened(len(whole), lambda offset, length: whole[offset : offset + length])

    def _heal(self, name):
        """The bytes of a damaged pack, or None. One is kept, as neighbours are asked for next."""
        if name not in self._healed:
            self._healed = {n: None for n, whole in self._healed.items() if whole is None}
            try:
                left = self._store.read("packs", name, MAX_PACK) if name in self.packs else b""
                self._healed[name] = parity.heal(bytes.fromhex(name[3:]), left, self._store.read("parity", name, parity.MAX_SIDECAR))
                self._damages("packs/%s: damaged; healed from its sidecar" % name)
            except (Damaged, OSError):
                self._healed[name] = None
        return self._healed[name]
