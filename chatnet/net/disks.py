"""Calls for files that differ between operating systems, each with an answer where there is none.

Which of them there are at all is for `chatnet.net.platform` to say; its test switch holds here too.
"""

import os
import sys
from collections.abc import Callable
from functools import cache

from chatnet.net.platform import is_minimal

_SYNC_FILE_RANGE_WRITE = 2
"""Of Linux: sync_file_range(2)."""


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


def start_writing(descriptor: int, offset: int, length: int) -> None:
    """Let the disk begin with what was written there, without a wait, so that a sync has less left to do.

    It promises nothing, and so tells of no failure either: the sync will. Elsewhere than on Linux nothing is done.
    """
    call = None if is_minimal() else _sync_file_range()
    if call is not None:
        call(descriptor, offset, length, _SYNC_FILE_RANGE_WRITE)


@cache
def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    if sys.platform != "linux":
        return None
    import ctypes

    call = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if call is not None:
        call.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    return call
