"""Writes files below one folder, and nowhere else: section 14."""

import os
import secrets

from damage import Damaged, printable
from snapshots import LINK

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class Target:
    """A folder that is new or empty. Each file is written under another name first."""

    def __init__(self, path):
        os.makedirs(path, exist_ok=True)
        if os.listdir(path):
            raise FileExistsError("%s is not empty: name a new folder" % path)
        self._top = os.open(path, os.O_RDONLY | os.O_DIRECTORY)

    def close(self):
        os.close(self._top)

    def write(self, entry, pieces):
        """A file from its pieces (bytes), which may raise Damaged: then nothing is left of it. Or a link."""
        *folders, name = entry.path.split(b"/")
        folder = self._folder(folders)
        try:
            if _there(name, folder):
                raise FileExistsError("there already: two names that are the same here")
            temporary = b".tmp-" + secrets.token_hex(16).encode()
            try:
                if entry.type == LINK:
                    os.symlink(entry.target, temporary, dir_fd=folder)
                else:
                    _fill(folder, temporary, entry, pieces)
                os.utime(temporary, ns=_times(entry), dir_fd=folder, follow_symlinks=False)
                os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                if _there(temporary, folder):
                    os.unlink(temporary, dir_fd=folder)
                raise
        finally:
            os.close(folder)

    def _folder(self, names):
        """A descriptor of the folder, made where it is not there. No link is followed on the way."""
        at = os.dup(self._top)
        for name in names:
            try:
                if not _there(name, at):
                    os.mkdir(name, dir_fd=at)
                below = os.open(name, _FOLDER, dir_fd=at)
            finally:
                os.close(at)
            at = below
        return at


def _there(name, folder):
    try:
        os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _fill(folder, name, entry, pieces):
    with os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder), "wb") as f:
        for piece in pieces:
            f.write(piece)
        f.flush()
        os.fchmod(f.fileno(), entry.mode & 0o777)  # never set-user-id and the like
        os.fsync(f.fileno())


def _times(entry):
    ns = entry.seconds * 10**9 + entry.nanoseconds
    return ns, ns


def selected(entries, path):
    """Those at a path or below it."""
    for e in entries:
        if e.path == path or e.path.startswith(path + b"/"):
            yield e


def restore(target, entries, pieces, damages):
    """Writes every entry that is whole. Gives how many; damages is told of each that is not."""
    written = 0
    for e in entries:
        try:
            target.write(e, pieces(e))
            written += 1
        except (Damaged, OSError) as failure:
            damages("%s: %s" % (printable(e.path), failure))
    return written
