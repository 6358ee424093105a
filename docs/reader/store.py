"""A repository in a folder: names, lengths, bytes. Section 1. It does not know what the bytes mean."""

import os
import re
import struct

import b3
from damage import Damaged, NoKey, need

MAX_PACK = 64 << 20
MAX_OBJECT = (64 << 20) + 1024
_COPY_HEADER = 80
_HEX32, _HEX64 = "[0-9a-f]{32}", "[0-9a-f]{64}"
NAMES = {
    "keys": r"[A-Za-z0-9._-]+\.age",
    "config": r"[0-9]{8}",
    "packs": r"([0-9a-f]{2})/\1[0-9a-f]{62}",
    "segments": _HEX64,
    "snapshots": _HEX32,
    "sessions": _HEX32 + r"\.(open|[0-9]{6}\.part|done)",
    "marks": _HEX32 + r"(\.%s\.revoke)?" % _HEX32,
    "tombstones": _HEX32,
    "brakes": _HEX32,
    "releases": _HEX32,
    "receipts": _HEX32,
}


class Folder:
    """damages is told of what was read from its second copy."""

    def __init__(self, path, damages):
        self._path, self._damages = path, damages

    def list(self, kind):
        """{name below kind/: length} of the objects of one kind. Other files are passed over; a failure is an error.

        A second copy without its original is an original that was lost."""
        found, form = {}, re.compile(NAMES[kind])
        for top in ("copies/" + kind, kind):
            for name, length in self._files(top, ""):
                if form.fullmatch(name):
                    found[name] = length
        return found

    def open(self, kind, name, opened, most=MAX_OBJECT):
        """What opened makes of an object of at most so many bytes, or of its second copy when it raises Damaged.

        A key slot can be checked with its key alone: NoKey may be damage too."""
        try:
            return opened(self.read(kind, name, most))
        except (Damaged, NoKey, OSError) as e:
            failure = e
        try:
            value = opened(self._copy("%s/%s" % (kind, name), most))
        except (Damaged, NoKey, OSError):
            raise failure from None
        self._damages("%s/%s: %s; read from its second copy" % (kind, name, failure))
        return value

    def _copy(self, name, most):
        """The second copy of a small object."""
        sealed = self._whole("copies/" + name, most + _COPY_HEADER)
        data = sealed[_COPY_HEADER:]
        head = b"shoecpy1" + struct.pack("<Q", len(data)) + b3.digest(name.encode()) + b3.digest(data)
        need(sealed[:_COPY_HEADER] == head, "the second copy is damaged")
        return data

    def _files(self, top, below):
        try:
            listed = os.scandir(os.path.join(self._path, top, below))
        except FileNotFoundError:
            if below:
                raise
            return  # a kind of which there is nothing yet
        with listed:
            for item in listed:
                if item.is_dir() and not below:
                    yield from self._files(top, item.name)
                elif item.is_file():
                    yield (below + "/" if below else "") + item.name, item.stat().st_size

    def read(self, kind, name, most):
        """A whole object as it is, of at most so many bytes."""
        return self._whole("%s/%s" % (kind, name), most)

    def _whole(self, name, most):
        with open(os.path.join(self._path, name), "rb") as f:
            data = f.read(most + 1)
        need(len(data) <= most, "longer than it may be")
        return data

    def stretch(self, kind, name, offset, length):
        """Exactly this stretch of an object."""
        with open(os.path.join(self._path, kind, name), "rb") as f:
            f.seek(offset)
            data = f.read(length)
        need(len(data) == length, "shorter than it should be")
        return data
