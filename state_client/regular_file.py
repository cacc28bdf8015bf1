"""Reading a file that a user names, whatever there is by that name: it never waits for somebody to write it."""

from __future__ import annotations

import os
import stat
from errno import EINVAL
from typing import BinaryIO, Final

_OTHERS: Final = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFDIR: "a directory",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file to read it.

    Raises OSError, also where it is a pipe, a device or a directory: opening or reading those may take for ever, and a
    thread that waits there can't be ended. Raises ValueError where the name can't be one.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
        if kind != stat.S_IFREG:
            raise OSError(EINVAL, f"it is {_OTHERS.get(kind, 'something else')}; name a file", os.fspath(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: str | os.PathLike[str], most: int) -> bytes:
    """Read a file, but no more than `most` octets of it. Raises as `open_regular` does."""
    with open_regular(path) as file:
        return file.read(most)
