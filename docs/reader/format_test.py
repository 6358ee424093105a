#!/usr/bin/python3
"""Holds the reader against the examples of docs/format.md, and its BLAKE3 against the official test vectors.

Run it as: python3 -B docs/reader/format_test.py"""

import os
import re
import struct
import tempfile
import unittest

import zstandard

import b3
import cbor
import packs
import parity
import seal
import slots
import snapshots
from damage import Damaged, NoKey
from repository import _CONFIG
from store import Folder

HERE = os.path.dirname(os.path.abspath(__file__))
MASTER, REPOSITORY = bytes([1, 2, 3]) + bytes(29), bytes([4, 5, 6]) + bytes(13)
KEYS = seal.Keys(MASTER, REPOSITORY)


def golden(name):
    with open(os.path.join(HERE, "..", "format.md"), encoding="utf-8") as f:
        return re.search("```golden %s\n(.*?)```" % name, f.read(), re.S)[1]


def golden_bytes(name):
    return bytes.fromhex(golden(name))


class Store:
    """One pack, in memory."""

    def __init__(self, name, data):
        self._name, self._data = name, data

    def list(self, kind):
        return {self._name: len(self._data)} if kind == "packs" else {}

    def read(self, kind, name, most):
        raise FileNotFoundError(name)

    def stretch(self, kind, name, offset, length):
        return self._data[offset : offset + length]


class Golden(unittest.TestCase):
    def test_keys(self):
        self.assertEqual(golden_bytes("key-material"), MASTER + REPOSITORY)
        split = b3.derive("shoebox 2026-11 repository format 1: page split", MASTER + REPOSITORY)
        self.assertEqual(golden_bytes("keys"), KEYS.ids[1] + KEYS.chunks + KEYS.parts + KEYS.records + split)

    def test_chunk(self):
        id = golden_bytes("chunk-id")
        for n, line in enumerate(golden("chunk-sealed").split()):
            sealed = bytes.fromhex(line)
            self.assertEqual(KEYS.open_chunk(sealed, seal.BODY, (n + 1) << 4, id, 7), b"shoebox")
            for wrong in ((seal.HEAD, (n + 1) << 4, id, 7), (seal.BODY, (2 - n) << 4, id, 7), (seal.BODY, (n + 1) << 4, id, 6), (seal.BODY, (n + 1) << 4, bytes(32), 7)):
                with self.assertRaises(Damaged):
                    KEYS.open_chunk(sealed, *wrong)

    def test_record(self):
        file, name = golden_bytes("record"), "00112233445566778899aabbccddeeff.done"
        self.assertEqual(KEYS.open_record(file, "sessions", name), b"")
        for i in range(0, len(file), 7):
            with self.assertRaises(Damaged):
                KEYS.open_record(file[:i] + bytes([file[i] ^ 1]) + file[i + 1 :], "sessions", name)
        with self.assertRaises(Damaged):
            KEYS.open_record(file, "sessions", name.replace("00", "01"))

    def test_slot(self):
        found = slots._TEXT.fullmatch(golden("slot").encode())
        self.assertEqual((found[1].decode(), found[2].decode()), (REPOSITORY.hex(), MASTER.hex()))

    def test_pack(self):
        lines = golden("pack").split()
        with open(os.path.join(HERE, "..", "..", "repo", "testdata", "tiny.pack"), "rb") as f:
            data = f.read()
        self.assertEqual((str(len(data)), b3.digest(data).hex()), tuple(lines[-2:]))
        name = packs.pack_object(b3.digest(data))
        told = []
        chunks = packs.Chunks(Store(name, data), KEYS, told.append)
        directory = bytes.fromhex("".join(lines[2:4]))
        self.assertEqual((chunks.directory(name), told), (directory[5:], []))
        part = snapshots._part([1, golden_bytes("chunk-id"), 7])
        self.assertEqual(chunks.read(part), b"shoebox")
        part.length = 8
        with self.assertRaises(Damaged):
            chunks.read(part)

    def test_segment(self):
        (told,) = packs._SEGMENT(cbor.decode(golden_bytes("segment"))).packs
        self.assertEqual(told.name.hex(), golden("pack").split()[-1])
        ((id, home),), end = packs.parse_entries(told.entries)
        self.assertEqual((id, home.offset, home.stored, home.plain, end), (golden_bytes("chunk-id"), 16, 39, 7, 55))

    def test_config(self):
        c = _CONFIG(cbor.decode(golden_bytes("config")))
        self.assertEqual((c.repository, c.page_bits, c.bits), (REPOSITORY, 7, 20))

    def test_page(self):
        (e,) = snapshots.parse_page(golden_bytes("page")).entries
        self.assertEqual((e.path, e.size, e.mode, e.camera), (b"DCIM/a.jpg", 7, 0o644, "Maker One"))
        self.assertEqual(e.hash, b3.digest(b"shoebox"))

    def test_snapshot(self):
        s = snapshots.parse_snapshot(golden_bytes("snapshot"))
        self.assertEqual((s.device.name, s.count.files, s.root.length), ("Pixel", 1, 157))


    def test_sidecar(self):
        pack = bytes(i % 251 for i in range(10000))
        header, parities, end = golden("sidecar").split("\n\n")
        size, sum = end.split()
        # The page has the beginning of each parity shard; the whole is made from the law, and held against its hash.
        padded = pack.ljust(3 * 3334, b"\0")
        shards = [padded[j * 3334 : (j + 1) * 3334] for j in range(3)]
        made = []
        for i in (3, 4):
            shard = bytes(3334)
            for j in range(3):
                shard = parity._add(shard, parity._times(parity._inverse(i ^ j), shards[j]))
            made.append(shard)
        self.assertEqual(b"".join(s[:32] for s in made), bytes.fromhex(parities))
        header = bytes.fromhex(header)
        sidecar = header + b"".join(made) + header
        self.assertEqual((len(sidecar), b3.digest(sidecar).hex()), (int(size), sum))
        name = b3.digest(pack)
        for cut in (slice(0, 6000), slice(4000, 10000), slice(5, 6), slice(9999, 10000)):
            damaged = bytearray(pack)
            damaged[cut] = bytes(b ^ 1 for b in damaged[cut])
            self.assertEqual(parity.heal(name, bytes(damaged), sidecar), pack)
            self.assertEqual(parity.heal(name, bytes(damaged), b"X" * len(header) + sidecar[len(header) :]), pack)
            self.assertEqual(parity.heal(name, bytes(damaged), sidecar[: -len(header)] + b"X" * len(header)), pack)
        self.assertEqual(parity.heal(name, pack[:4000], sidecar), pack)
        for left, other in ((b"", sidecar), (pack, b""), (pack[:5000], sidecar[:-6000]), (pack, bytes(7000))):
            with self.assertRaises(Damaged):
                parity.heal(name, left, other)
        with self.assertRaises(Damaged):
            parity.heal(bytes(32), pack, sidecar)

    def test_copy(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "copies", "keys"))
            with open(os.path.join(folder, "copies", "keys", "a.age"), "wb") as f:
                f.write(golden_bytes("copy"))
            told = []
            store = Folder(folder, told.append)
            self.assertEqual(store.list("keys"), {"a.age": 87})
            self.assertEqual(store.open("keys", "a.age", lambda data: data), b"shoebox")
            self.assertEqual(len(told), 1)
            os.rename(os.path.join(folder, "copies", "keys", "a.age"), os.path.join(folder, "copies", "keys", "b.age"))
            with self.assertRaises(OSError):
                store.open("keys", "b.age", lambda data: data)


class Strict(unittest.TestCase):
    """What could be written in another way is refused: RFC 8949, 4.2.1."""

    def test_cbor(self):
        for good in ("00", "1818", "3863", "190100", "1b0000000100000000", "4100", "6161", "80", "8100", "a0", "a201000200", "f4", "f5", "8181818181818180"):
            cbor.decode(bytes.fromhex(good))
        for bad in ("", "1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "5f40ff", "9fff", "bfff", "f6", "f7", "f93c00", "c000", "0000", "41", "8200", "6180", "a202000100",
                    "a201000100", "a1616100", "81" * 8 + "80", "5bffffffffffffffff", "9bffffffffffffffff", "1c", "f814", "f820", "ff"):
            with self.assertRaises(Damaged, msg=bad):
                cbor.decode(bytes.fromhex(bad))

    def test_every_cut_and_flip(self):
        for name, parse in (("page", snapshots.parse_page), ("snapshot", snapshots.parse_snapshot)):
            whole = golden_bytes(name)
            for i in range(len(whole)):
                with self.assertRaises(Damaged):
                    parse(whole[:i])
                for bit in range(8):
                    try:
                        parse(whole[:i] + bytes([whole[i] ^ 1 << bit]) + whole[i + 1 :])
                    except Damaged:
                        pass  # and nothing else

    def test_paths(self):
        for bad in (b"", b"/a", b"a/", b"a//b", b".", b"..", b"a/../b", b"a/.", b"a\0b", b"a" * 4097):
            with self.assertRaises(Damaged, msg=bad):
                snapshots._path(bad)
        for good in (b"a", b"...", b"a/b c\n", b"\xff/..a", b"C:\\x"):
            snapshots._path(good)

    def test_zstd(self):
        plain = b"shoebox " * 40000
        frame = zstandard.ZstdCompressor().compress(plain)
        self.assertEqual(seal._expand(frame, len(plain)), plain)
        single = zstandard.ZstdCompressor().compress(b"x" * 100)
        self.assertEqual(seal._expand(single, 100), b"x" * 100)
        unsized = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(write_content_size=False)).compress(plain)
        bomb = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", 100) + struct.pack("<I", 1 | 1 << 1 | 131072 << 3)[:3] + b"a"  # 100 promised, 128 KiB given
        for bad, length in ((frame, len(plain) - 1), (frame + frame, len(plain)), (frame + b"\0", len(plain)), (frame[:-1], len(plain)), (unsized, len(plain)), (bomb, 100),
                            (b"", 1), (b"\x28\xb5\x2f\xfd", 1), (b"\x50\x2a\x4d\x18\4\0\0\0abcd", 4)):
            with self.assertRaises(Damaged):
                seal._expand(bad, length)
        for i in range(0, len(frame)):
            try:
                self.assertEqual(len(seal._expand(frame[:i] + bytes([frame[i] ^ 0x41]) + frame[i + 1 :], len(plain))), len(plain))
            except Damaged:
                pass  # and nothing else

    def test_slot(self):
        for bad in (b"", b"age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 21\n" + b"A" * 43 + b"\n--- AA\n", b"age-encryption.org/v1\n-> ssh-rsa a\nAA\n--- AA\n", bytes(70000)):
            with self.assertRaises(Damaged):
                slots.open_slot(bad, [b"x"], [])
        with self.assertRaises(NoKey):
            slots.open_slot(b"age-encryption.org/v1\n-> X25519 AA\n" + b"A" * 43 + b"\n--- AA\n", [b"x"], [])


class Blake3(unittest.TestCase):
    """From test_vectors.json of BLAKE3: input bytes count 0 to 250 over and over; the first 32 bytes of hash, keyed, derive key."""

    VECTORS = {
        0: ("af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
            "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26",
            "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d"),
        1: ("2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
            "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b",
            "b3e2e340a117a499c6cf2398a19ee0d29cca2bb7404c73063382693bf66cb06c"),
        1023: ("10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
            "c951ecdf03288d0fcc96ee3413563d8a6d3589547f2c2fb36d9786470f1b9d6e",
            "74a16c1c3d44368a86e1ca6df64be6a2f64cce8f09220787450722d85725dea5"),
        1024: ("42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
            "75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4",
            "7356cd7720d5b66b6d0697eb3177d9f8d73a4a5c5e968896eb6a689684302706"),
        1025: ("d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
            "357dc55de0c7e382c900fd6e320acc04146be01db6a8ce7210b7189bd664ea69",
            "effaa245f065fbf82ac186839a249707c3bddf6d3fdda22d1b95a3c970379bcb"),
        2049: ("5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030",
            "9f29700902f7c86e514ddc4df1e3049f258b2472b6dd5267f61bf13983b78dd5",
            "2ea477c5515cc3dd606512ee72bb3e0e758cfae7232826f35fb98ca1bcbdf273"),
        5121: ("628bd2cb2004694adaab7bbd778a25df25c47b9d4155a55f8fbd79f2fe154cff",
            "6ccf1c34753e7a044db80798ecd0782a8f76f33563accaddbfbb2e0ea4b2d024",
            "b07f01e518e702f7ccb44a267e9e112d403a7b3f4883a47ffbed4b48339b3c34"),
        16384: ("f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4",
            "9e9fc4eb7cf081ea7c47d1807790ed211bfec56aa25bb7037784c13c4b707b0d",
            "160e18b5878cd0df1c3af85eb25a0db5344d43a6fbd7a8ef4ed98d0714c3f7e1"),
        31744: ("62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47",
            "efa53b389ab67c593dba624d898d0f7353ab99e4ac9d42302ee64cbf9939a419",
            "39772aef80e0ebe60596361e45b061e8f417429d529171b6764468c22928e28e"),
    }
    KEY, CONTEXT = b"whats the Elvish word for friend", "BLAKE3 2019-12-27 16:29:52 test vectors context"

    def test_vectors(self):
        for length, (plain, keyed, derived) in self.VECTORS.items():
            data = bytes(i % 251 for i in range(length))
            for h, want in ((b3.Blake3(), plain), (b3.Blake3(key=self.KEY), keyed), (b3.Blake3(context=self.CONTEXT), derived)):
                for at in range(0, length, 1000):
                    h.update(data[at : at + 1000])
                self.assertEqual(h.digest().hex(), want, msg=length)

    def test_program_is_the_same(self):
        self.assertIsNotNone(b3.b3sum(), "the program b3sum is not installed")
        data = os.urandom(70001)
        for key in (None, self.KEY):
            here = b3.Blake3(key)
            here.update(data)
            there = b3.hasher(len(data), key)
            there.update(data[:60000])
            there.update(data[60000:])
            self.assertIsInstance(there, b3.Program)
            self.assertEqual(here.digest(), there.digest())


if __name__ == "__main__":
    unittest.main()
