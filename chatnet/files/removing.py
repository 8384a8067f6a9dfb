"""Files go a piece at a time: a disk that frees a GiB at once holds up whatever else is synced, for tenths of a second.

First they are taken away, at once: a small one is removed, and a large one gets another name, so that its own may be
used again. What has such a name is then freed in steps, or after the next start.
"""

from collections.abc import Iterable, Iterator

from chatnet.files.disk import Disk

_SUFFIX = ".gone"


def take_away(disk: Disk, path: str, folder: str, piece: int) -> list[str]:
    """A file is not there any more; of one with more than ``piece`` bytes there is something left to be freed.

    :returns: its path in ``folder``, if so.
    :raises OSError: the disk fails.
    """
    if (disk.size(path) or 0) <= piece:
        disk.remove(path)
        return []
    gone = f"{folder}/{path.rpartition('/')[2]}{_SUFFIX}"
    disk.rename(path, gone)
    return [gone]


def all_gone(disk: Disk, folder: str) -> list[str]:
    """What is left to be freed in a folder."""
    return [f"{folder}/{name}" for name in disk.names(folder) if name.endswith(_SUFFIX)]


def free(disk: Disk, paths: Iterable[str], piece: int) -> Iterator[None]:
    """Free files in steps.

    :raises OSError: the disk fails; some of it may be left.
    """
    for path in paths:
        # The same file may have been taken away twice: then the one has the name, and the other only its bytes.
        if disk.size(path) is not None:
            yield from _free(disk, path, piece)


def _free(disk: Disk, path: str, piece: int) -> Iterator[None]:
    file = disk.open(path, create=True)
    try:
        size = file.size()
        while size > piece:
            size -= piece
            file.truncate(size)
            # Not gathered until the file system writes its journal: that would be all at once again.
            file.sync()
            yield
    finally:
        file.close()
    disk.remove(path)
