"""The part of CBOR (RFC 8949) that section 5 allows, read strictly: whatever could have been written otherwise is refused.

Above it stand the shapes of structures: each is a function that checks a value and gives it back."""

import types

from damage import Damaged, need

MAX_DEPTH = 8
MAX_ELEMENTS = 65536


def decode(data):
    """The one value that data holds: int, bytes, str, list, dict or bool."""
    try:
        value, end = _item(data, 0, 0)
    except IndexError:
        raise Damaged("a structure is cut short") from None
    need(end == len(data), "there are bytes behind a structure")
    return value


def _item(data, at, depth):
    major, number, at = _head(data, at)
    if major == 0:
        return number, at
    if major == 1:
        return -1 - number, at
    if major in (2, 3):
        need(number <= len(data) - at, "a string is longer than its structure")
        raw = bytes(data[at : at + number])
        return (raw if major == 2 else _text(raw)), at + number
    if major in (4, 5):
        need(depth < MAX_DEPTH, "a structure is nested too deeply")
        need(number <= len(data) - at, "a structure announces more than it holds")
        return (_array if major == 4 else _map)(data, at, number, depth + 1)
    need(major == 7 and number in (20, 21), "a structure holds a tag, a float or the like")
    return number == 21, at


def _head(data, at):
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if info < 24:
        return major, info, at
    need(info < 28 and major != 7, "a structure has an indefinite length, or a float")
    size = 1 << info - 24
    need(size <= len(data) - at, "a structure is cut short")
    number = int.from_bytes(data[at : at + size], "big")
    need(number >= (24, 1 << 8, 1 << 16, 1 << 32)[info - 24], "a number is not written in the shortest way")
    return major, number, at + size


def _text(raw):
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Damaged("a text is not UTF-8") from None


def _array(data, at, number, depth):
    values = []
    for _ in range(number):
        value, at = _item(data, at, depth)
        values.append(value)
    return values, at


def _map(data, at, number, depth):
    pairs, before = {}, b""
    for _ in range(number):
        start = at
        key, at = _item(data, at, depth)
        need(type(key) is int, "a key is not a number")
        need(before < data[start:at], "keys are not in order")  # by their bytes, as written
        before = data[start:at]
        pairs[key], at = _item(data, at, depth)
    return pairs, at


# Shapes

def uint(most=2**64 - 1):
    def check(v):
        need(type(v) is int and 0 <= v <= most, "a number is out of its bounds")
        return v
    check.zero = 0
    return check


def integer(least=-(2**63), most=2**63 - 1):
    def check(v):
        need(type(v) is int and least <= v <= most, "a number is out of its bounds")
        return v
    check.zero = 0
    return check


def raw(exactly=None, most=None):
    def check(v):
        need(type(v) is bytes, "bytes are missing")
        need(exactly is None or len(v) == exactly, "bytes of a wrong length")
        need(most is None or len(v) <= most, "bytes that are too long")
        return v
    check.zero = b""
    return check


def text(v):
    need(type(v) is str, "a text is missing")
    return v


def truth(v):
    need(type(v) is bool, "true or false is missing")
    return v


text.zero = ""
truth.zero = False


def array(of, most=MAX_ELEMENTS):
    def check(v):
        need(type(v) is list and len(v) <= most, "an array is missing, or too long")
        return [of(e) for e in v]
    check.zero = []
    return check


def opt(shape):
    """A key that is left out when its value is zero, empty or false, and only then."""
    def check(v):
        v = shape(v)
        need(v != shape.zero, "a zero that should have been left out")
        return v
    check.zero, check.opt = shape.zero, True
    return check


def struct(keys, strangers=False):
    """A map of these keys: {number: (name, shape)}. What it gives has the names as attributes."""
    def check(v):
        need(type(v) is dict, "a map is missing")
        need(strangers or all(k in keys for k in v), "a key that is not known")
        made = types.SimpleNamespace()
        for key, (name, shape) in keys.items():
            need(key in v or hasattr(shape, "opt"), "%s is missing" % name)
            setattr(made, name, shape(v[key]) if key in v else shape.zero)
        return made
    check.zero = None
    return check
