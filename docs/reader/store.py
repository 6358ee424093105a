"""A repository in a folder: names, lengths, bytes. Section 1. It does not know what the bytes mean."""

import os
import re

from damage import need

MAX_PACK = 64 << 20
MAX_OBJECT = (64 << 20) + 1024
_HEX32, _HEX64 = "[0-9a-f]{32}", "[0-9a-f]{64}"
NAMES = {
    "keys": r"[A-Za-z0-9._-]+\.age",
    "config": r"[0-9]{8}",
    "packs": r"([0-9a-f]{2})/\1[0-9a-f]{62}",
    "segments": _HEX64,
    "snapshots": _HEX32,
    "sessions": _HEX32 + r"\.(open|[0-9]{6}\.part|done)",
    "marks": _HEX32 + r"(\.%s\.revoke)?" % _HEX32,
}


class Folder:
    def __init__(self, path):
        self._path = path

    def list(self, kind):
        """{name below kind/: length} of the objects of one kind. Other files are passed over; a failure is an error."""
        found, form = {}, re.compile(NAMES[kind])
        for name, length in self._files(kind, ""):
            if form.fullmatch(name):
                found[name] = length
        return found

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

    def read(self, kind, name, most=MAX_OBJECT):
        """A whole object, of at most so many bytes."""
        with open(os.path.join(self._path, kind, name), "rb") as f:
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
