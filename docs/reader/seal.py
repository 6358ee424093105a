"""Keys, and what they open: chunks, records, the parts of packs. Sections 2, 3 and 4."""

import struct

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

import b3
from damage import Damaged, need

BODY, HEAD, PAGE = 1, 2, 3
MAX_CHUNK = 32 << 20
MAX_RECORD = 64 << 20
CHUNK_OVERHEAD = 32
_SUITES = {1: AESGCM, 2: ChaCha20Poly1305}
_FRAME = b"\x28\xb5\x2f\xfd"


class Keys:
    def __init__(self, master, repository):
        self.repository = repository
        material = master + repository
        derived = lambda purpose: b3.derive("shoebox 2026-11 repository format 1: " + purpose, material)
        self.ids = {kind: derived("chunk ids, kind %d" % kind) for kind in (BODY, HEAD, PAGE)}
        self.chunks, self.parts, self.records = derived("seal chunks"), derived("seal parts of packs"), derived("seal records")

    def open_chunk(self, sealed, kind, encoding, id, plain_length):
        """The plain bytes of a chunk: opened, expanded, and their id compared."""
        compression, suite = encoding & 15, encoding >> 4
        need(kind in self.ids and 0 < plain_length <= MAX_CHUNK, "not a chunk of this format")
        salt, ciphertext = sealed[:16], sealed[16:]
        key = b3.digest(salt + bytes([kind, compression]) + id, self.chunks)
        plain = open_once(suite, key, ciphertext, self.repository)
        if compression == 1:
            plain = _expand(plain, plain_length)
        need(compression in (0, 1) and len(plain) == plain_length, "a chunk has not the length it should have")
        need(b3.digest(plain, self.ids[kind]) == id, "a chunk is not what its id says")
        return plain

    def open_record(self, file, kind, name):
        """The body of the record kind/name."""
        n, over = divmod(len(file) - 48 - 16 - 32, 512)
        need(n > 0 and over == 0 and len(file) <= MAX_RECORD + 1024, "not the length of a record")
        need(file[:8] == b"shoerec1" and file[9:16] == bytes(7), "not a record")
        need(b3.digest(file[:-32]) == file[-32:], "the sum at the end of the record does not match")
        named = b"".join(struct.pack("<I", len(s)) + s for s in (kind.encode(), name.encode()))
        key = b3.digest(file[16:48] + named, self.records)
        plain = open_once(file[8], key, file[48:-32], file[:48] + self.repository)
        (length,) = struct.unpack_from("<I", plain)
        need(length <= MAX_RECORD and len(plain) == -(-(4 + length) // 512) * 512, "the body of a record has a wrong length")
        need(not any(plain[4 + length :]), "the body of a record is not padded with zeros")
        return plain[4 : 4 + length]

    def open_part(self, purpose, suite, salt, sealed):
        """The plain directory or offset of a pack."""
        return open_once(suite, b3.digest(salt + purpose, self.parts), sealed, self.repository)


def open_once(suite, key, sealed, additional):
    """What a key that sealed nothing else sealed."""
    need(suite in _SUITES, "sealed with a suite that is not known")
    try:
        return _SUITES[suite](key).decrypt(bytes(12), bytes(sealed), bytes(additional))
    except InvalidTag:
        raise Damaged("damaged, or not sealed for this place") from None


def _expand(frame, length):
    need(_content_size(frame) == length, "a zstd frame tells another length than the directory")
    try:
        return zstandard.ZstdDecompressor(max_window_size=MAX_CHUNK).decompress(frame)
    except zstandard.ZstdError:
        raise Damaged("a zstd frame is damaged") from None


def _content_size(frame):
    """What the header of a zstd frame says (RFC 8878, 3.1.1.1), or None. The whole must be one frame."""
    need(frame[:4] == _FRAME and len(frame) > 5, "not a zstd frame")
    flags = frame[4]
    single = flags >> 5 & 1
    at = 5 + (1 - single) + (0, 1, 2, 4)[flags & 3]
    size = (1 if single else 0, 2, 4, 8)[flags >> 6]
    need(len(frame) >= at + size, "a zstd frame is cut short")
    need(_end(frame, at + size) + (4 if flags & 4 else 0) == len(frame), "more than one zstd frame")
    return int.from_bytes(frame[at : at + size], "little") + (256 if size == 2 else 0) if size else None


def _end(frame, at):
    """Where the blocks end that begin here: the length of each stands in its header."""
    last = False
    while not last:
        need(at + 3 <= len(frame), "a zstd frame is cut short")
        header = int.from_bytes(frame[at : at + 3], "little")
        last, kind = header & 1, header >> 1 & 3
        at += 3 + (1 if kind == 1 else header >> 3)
    return at
