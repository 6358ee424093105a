"""Heals a pack from its sidecar, section 19: Reed-Solomon over a Cauchy matrix in GF(2^8)."""

import struct

import b3
import xxh
from damage import need
from store import MAX_PACK

MAX_SIDECAR = 65 << 20
_FIXED = struct.Struct("<8s32sIHH")
_MAGIC = b"shoepar1"


def heal(name, damaged, sidecar):
    """The whole bytes of the pack of that name (32 bytes), from what is left of it."""
    d, m, length, sums_of, shards = _parse(name, sidecar)
    size = -(-length // d)
    whole = damaged[: d * size].ljust(d * size, b"\0")
    shards = [whole[i * size : (i + 1) * size] for i in range(d)] + [shards[i * size : (i + 1) * size] for i in range(m)]
    lost = [i for i in range(d + m) if xxh.digest(shards[i]) != sums_of[i * 8 : i * 8 + 8]]
    data, rows = [j for j in lost if j < d], [i for i in range(d, d + m) if i not in lost]
    need(len(data) <= len(rows), "more is damaged than a sidecar can heal")
    rows = rows[: len(data)]
    sums = [_known(shards, i, [j for j in range(d) if j not in data]) for i in rows]
    for j, shard in zip(data, _solve([[_inverse(i ^ j) for j in data] for i in rows], sums)):
        shards[j] = shard
    healed = b"".join(shards[:d])[:length]
    need(b3.digest(healed) == name, "the sidecar gives another pack")
    return healed


def _parse(name, sidecar):
    """Numbers of shards, length of the pack, sums, and the parity shards as they stand there: with the first header that is whole."""
    for at in (0, sidecar.rfind(_MAGIC)):
        header = _header(sidecar, at)
        if header:
            break
    need(header, "both headers of the sidecar are damaged")
    (_, of, length, d, m), end = header
    need(of == name, "a sidecar of another pack")
    need(1 <= d <= 128 and 1 <= m <= 32 and d <= length <= MAX_PACK, "a sidecar that cannot be")
    parity = -(-length // d) * m
    begin = end if at == 0 else max(0, at - parity)
    return d, m, length, sidecar[at + _FIXED.size : end - 32], sidecar[begin : begin + parity]


def _header(sidecar, at):
    if at < 0 or sidecar[at : at + 8] != _MAGIC or len(sidecar) < at + _FIXED.size:
        return None
    fixed = _FIXED.unpack_from(sidecar, at)
    end = at + _FIXED.size + 8 * (fixed[3] + fixed[4]) + 32
    return (fixed, end) if end <= len(sidecar) and b3.digest(sidecar[at : end - 32]) == sidecar[end - 32 : end] else None


def _known(shards, row, columns):
    """A parity shard less what the data shards of these columns give to it."""
    total = shards[row]
    for j in columns:
        total = _add(total, _times(_inverse(row ^ j), shards[j]))
    return total


def _solve(matrix, sums):
    """Gauss-Jordan: the shards x with matrix x = sums. Every square part of a Cauchy matrix has an inverse, and no zero on the way."""
    for i in range(len(matrix)):
        factor = _inverse(matrix[i][i])
        matrix[i], sums[i] = [_multiply(factor, v) for v in matrix[i]], _times(factor, sums[i])
        for k in range(len(matrix)):
            factor = matrix[k][i]
            if k != i and factor:
                matrix[k] = [v ^ _multiply(factor, w) for v, w in zip(matrix[k], matrix[i])]
                sums[k] = _add(sums[k], _times(factor, sums[i]))
    return sums


def _multiply(a, b):
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a, b = a << 1 ^ (0x11D if a & 0x80 else 0), b >> 1
    return product


def _inverse(a):
    power = a  # a^254
    for _ in range(6):
        power = _multiply(_multiply(power, power), a)
    return _multiply(power, power)


def _times(factor, shard):
    return shard.translate(bytes(_multiply(factor, v) for v in range(256)))


def _add(a, b):
    return (int.from_bytes(a, "little") ^ int.from_bytes(b, "little")).to_bytes(len(a), "little")
