"""A repository that is open: its slots and its configuration (section 8), and the content of files."""

import b3
import cbor
import seal
import slots
from damage import Damaged, NoKey, need
from packs import Chunks
from store import Folder

FEATURES = ()  # incompatible ones that this reader knows

_TEXTS = cbor.opt(cbor.array(cbor.text))
_CONFIG = cbor.struct({
    1: ("version", cbor.integer(1, 1)),
    2: ("repository", cbor.raw(exactly=16)),
    3: ("made", cbor.integer()),
    4: ("features", cbor.struct({1: ("incompatible", _TEXTS), 2: ("read_only", _TEXTS), 3: ("compatible", _TEXTS)})),
    5: ("polynomial", cbor.uint()),
    6: ("least", cbor.uint()),
    7: ("greatest", cbor.uint()),
    8: ("bits", cbor.uint()),
    9: ("page_bits", cbor.uint()),
}, strangers=True)


class Repository:
    """damages is called with a text for everything that is not as it should be."""

    def __init__(self, path, passphrases, key_files, damages):
        self.store, self.damages = Folder(path, damages), damages
        self.keys = seal.Keys(*self._unlock(passphrases, key_files))
        self._configuration()
        self.chunks = Chunks(self.store, self.keys, damages)

    def _unlock(self, passphrases, key_files):
        tried, why = self.store.list("keys"), set()
        for name in tried:
            try:
                return self.store.open("keys", name, lambda data: slots.open_slot(data, passphrases, key_files), slots.MAX_SLOT)
            except (Damaged, OSError) as e:
                self.damages("keys/%s: %s" % (name, e))
            except NoKey as e:
                why.add(str(e))
        raise NoKey("; ".join(sorted(why)) or ("no key slot is whole" if tried else "there are no key slots: this is no repository"))

    def _configuration(self):
        """The highest one that opens."""
        for name in sorted(self.store.list("config"), reverse=True):
            try:
                c = _CONFIG(cbor.decode(self.store.open("config", name, lambda data: self.keys.open_record(data, "config", name))))
                need(c.repository == self.keys.repository, "of another repository")
            except (Damaged, OSError) as e:
                self.damages("config/%s: %s" % (name, e))
                continue
            strange = [f for f in c.features.incompatible if f not in FEATURES]
            need(not strange, "the repository needs a newer reader: " + ", ".join(strange))
            return
        raise Damaged("no configuration opens")

    def pieces(self, entry):
        """The bytes of a file, chunk by chunk. Damaged is raised at the end when they are not the file's."""
        h = b3.hasher(entry.size)
        try:
            for part in entry.content:
                piece = self.chunks.read(part)
                h.update(piece)
                yield piece
            need(h.digest() == entry.hash, "is not the file that was read from the device")
        finally:
            h.close()
