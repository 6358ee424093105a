"""What is wrong with a repository, said once.

Everything that a store gives is distrusted: need() refuses it in one line."""


class Damaged(Exception):
    """These bytes are not what the format says they must be."""


class NoKey(Exception):
    """No key slot opens with what was given."""


def need(true, what):
    """Refuses with Damaged what is not true."""
    if not true:
        raise Damaged(what)


def printable(path):
    """A path (bytes) as one line of text: what is not printable UTF-8, and the backslash, as escapes."""
    text = path.decode("utf-8", "surrogateescape")
    return "".join(_shown(c) for c in text)


def _shown(c):
    code = ord(c)
    if c == "\\":
        return "\\\\"
    if c.isprintable():
        return c
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
        return "\\x%02x" % (code - 0xDC00)
    return "".join("\\x%02x" % b for b in c.encode("utf-8"))
