"""Calls for files that differ between operating systems, each with an answer where there is none.

Which of them there are at all is for `chatnet.net.platform` to say; its test switch holds here too.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from functools import cache

from chatnet.net.platform import is_minimal

_WRITE_AND_WAIT = 1 | 2 | 4
"""Of Linux, WAIT_BEFORE, WRITE and WAIT_AFTER: sync_file_range(2)."""
_FAILURES = (errno.EIO, errno.ENOSPC, errno.EDQUOT)
"""Of the disk. All others say only that it cannot be done with this file."""


def read_at(descriptor: int, length: int, offset: int) -> bytes:
    """Bytes of a file from an offset on, perhaps fewer.

    :raises OSError: it cannot be read.
    """
    if hasattr(os, "pread") and not is_minimal():
        return os.pread(descriptor, length, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, length)


def write_at(descriptor: int, data: memoryview, offset: int) -> int:
    """Write at an offset of a file; how many bytes of it were taken.

    :raises OSError: it cannot be written.
    """
    if hasattr(os, "pwrite") and not is_minimal():
        return os.pwrite(descriptor, data, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.write(descriptor, data)


def write_out(descriptor: int, offset: int, length: int) -> None:
    """Have the disk take what was written there, and wait for it, so that a sync has little left to do.

    It makes nothing durable. Elsewhere than on Linux nothing is done.

    :raises OSError: the disk failed. Linux tells that once only, so a later sync may not.
    """
    call = None if is_minimal() else _sync_file_range()
    if call is not None and call(descriptor, offset, length, _WRITE_AND_WAIT):
        number = ctypes.get_errno()
        if number in _FAILURES:
            raise OSError(number, os.strerror(number))


@cache
def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    if sys.platform != "linux":
        return None
    call = getattr(ctypes.CDLL(None, use_errno=True), "sync_file_range", None)
    if call is not None:
        call.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    return call
