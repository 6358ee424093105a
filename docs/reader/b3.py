"""BLAKE3, from https://github.com/BLAKE3-team/BLAKE3-specs: hash, keyed and derive key, 32 bytes of output.

It is written for being right: about half a MiB a second. Where the program b3sum is installed, long inputs go through it."""

import functools
import os
import shutil
import struct
import subprocess

_IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
_ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)  # of the words of a block in the next round
_COLUMNS_AND_DIAGONALS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)
_CHUNK, _BLOCK = 1024, 64  # bytes
_CHUNK_START, _CHUNK_END, _PARENT, _ROOT, _KEYED, _CONTEXT, _MATERIAL = 1, 2, 4, 8, 16, 32, 64
_PROGRAM_FROM = 1024  # bytes from which starting b3sum is faster than Python


def _compress(chaining, words, counter, length, flags):
    """The compression function, section 2.2: the first eight words of its output, which is all we use."""
    v = list(chaining) + list(_IV[:4]) + [counter & 0xFFFFFFFF, counter >> 32, length, flags]
    for turn in range(7):
        for i, (a, b, c, d) in enumerate(_COLUMNS_AND_DIAGONALS):
            va = v[a] + v[b] + words[2 * i] & 0xFFFFFFFF
            x = v[d] ^ va
            vd = (x >> 16 | x << 16) & 0xFFFFFFFF
            vc = v[c] + vd & 0xFFFFFFFF
            x = v[b] ^ vc
            vb = (x >> 12 | x << 20) & 0xFFFFFFFF
            va = va + vb + words[2 * i + 1] & 0xFFFFFFFF
            x = vd ^ va
            vd = (x >> 8 | x << 24) & 0xFFFFFFFF
            vc = vc + vd & 0xFFFFFFFF
            x = vb ^ vc
            v[a], v[b], v[c], v[d] = va, (x >> 7 | x << 25) & 0xFFFFFFFF, vc, vd
        words = [words[i] for i in _ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)]


class Blake3:
    """One hash in the making, in Python alone. Of key (32 bytes) and context (text) at most one is given."""

    def __init__(self, key=None, context=None):
        self._key, self._flags = _IV, 0
        if key is not None:
            self._key, self._flags = struct.unpack("<8I", key), _KEYED
        if context is not None:
            inner = Blake3()
            inner._flags = _CONTEXT
            inner.update(context.encode())
            self._key, self._flags = struct.unpack("<8I", inner.digest()), _MATERIAL
        self._stack, self._chunks, self._rest = [], 0, bytearray()

    def update(self, data):
        self._rest += data
        done = 0
        while len(self._rest) - done > _CHUNK:  # the last chunk stays: it may be the root
            self._push(_compress(*self._chunk(self._rest[done : done + _CHUNK])))
            done += _CHUNK
        del self._rest[:done]

    def digest(self):
        node = self._chunk(self._rest)
        for left in reversed(self._stack):
            node = self._parent(left, _compress(*node))
        chaining, words, counter, length, flags = node
        return struct.pack("<8I", *_compress(chaining, words, 0, length, flags | _ROOT))

    def _chunk(self, data):
        """The last compression of a chunk, not yet done."""
        chaining, flags = self._key, self._flags | _CHUNK_START
        last = max(0, (len(data) - 1) // _BLOCK)
        for i in range(last + 1):
            block = data[i * _BLOCK : (i + 1) * _BLOCK]
            words = struct.unpack("<16I", bytes(block).ljust(_BLOCK, b"\0"))
            if i == last:
                return chaining, words, self._chunks, len(block), flags | _CHUNK_END
            chaining = _compress(chaining, words, self._chunks, _BLOCK, flags)
            flags = self._flags

    def _parent(self, left, right):
        return self._key, list(left) + list(right), 0, _BLOCK, self._flags | _PARENT

    def _push(self, chaining):
        """Adds a finished chunk to the tree: as many trees of equal size are joined as the count has zeros at its end."""
        self._chunks += 1
        count = self._chunks
        while count & 1 == 0:
            chaining = _compress(*self._parent(self._stack.pop(), chaining))
            count >>= 1
        self._stack.append(chaining)


class Program:
    """One hash in the making, by b3sum. It is stopped by digest() or close()."""

    def __init__(self, key=None):
        inside, self._pipe = os.pipe()
        try:
            args = [b3sum(), "--raw"] + (["--keyed"] if key else []) + ["/dev/fd/%d" % inside]
            self._process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[inside])
        finally:
            os.close(inside)
        self._process.stdin.write(key or b"")
        self._process.stdin.close()

    def update(self, data):
        data = memoryview(data)
        while data:
            data = data[os.write(self._pipe, data) :]

    def digest(self):
        self._shut()
        with self._process.stdout as out:
            answer = out.read()
        if self._process.wait() != 0 or len(answer) != 32:
            raise RuntimeError("b3sum failed; take it out of the PATH, then this is done without it, slowly")
        return answer

    def close(self):
        self._process.kill()  # nothing, where it has ended
        self._shut()
        self._process.stdout.close()
        self._process.wait()

    def _shut(self):
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None


@functools.lru_cache(maxsize=1)
def b3sum():
    """The program's path, or None."""
    return shutil.which("b3sum") if os.path.exists("/dev/fd") else None


def hasher(length, key=None):
    """What computes the hash of about length bytes: update, then digest; close when it is given up."""
    if length >= _PROGRAM_FROM and b3sum():
        return Program(key)
    made = Blake3(key)
    made.close = lambda: None
    return made


def digest(data, key=None):
    """The hash of data, keyed where there is a key."""
    h = hasher(len(data), key)
    h.update(data)
    return h.digest()


def derive(context, material):
    """A key of 32 bytes."""
    h = Blake3(context=context)
    h.update(material)
    return h.digest()
