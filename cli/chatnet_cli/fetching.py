"""How ``chatnet download`` gets files: into a folder, under an exact path, or to standard output.

The rule kept here: nothing that is not verified leaves this process. What is to go to standard output is received into
a private file first, which also lets a later command go on where this one stopped.
"""

import errno
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from chatnet.client.folders import state_folder
from chatnet.errors import ErrorCode, Refused
from chatnet.model import FileId
from chatnet.net.folders import make_private_folder
from chatnet_cli.options import Account
from chatnet_cli.output import put, put_json
from chatnet_cli.patience import Patience, keep_trying
from chatnet_cli.transfer_display import TransferDisplay

_PIECE = 1 << 20
_KEPT_SECONDS = 7 * 86400
"""How long what has come for standard output waits for the command to be repeated."""


@dataclass(frozen=True, slots=True)
class Fetching:
    """Who fetches what, and how."""

    account: Account
    files: tuple[FileId, ...]
    retry: int | None
    quiet: bool

    def each(self, *, folder: Path | None, path: Path | None, use: Callable[[FileId, Path], None]) -> None:
        """Fetch one file after the other, and do something with each that is there."""
        left, patience = list(self.files), Patience(self.retry)

        def attempt() -> None:
            self.account.drain()
            with display.drawing(), self.account.client(reconnect=self.retry is None) as chat:
                while left:
                    with naming(left[0]):
                        found = chat.download(left[0], folder=folder, path=path, progress=tell)
                    display.end(found.name, found.stat().st_size)
                    use(left.pop(0), found)

        with TransferDisplay("received", len(left), quiet=self.quiet) as display:
            tell = patience.following(display.show)
            keep_trying(attempt, patience, display.tell)


@contextmanager
def naming(file: FileId) -> Iterator[None]:
    """Where several files are asked for, the server's refusal does not tell of which it is."""
    try:
        yield
    except Refused as error:
        if error.code != ErrorCode.NO_SUCH_FILE:
            raise
        raise Refused(error.code, f"file {file}: {error.message}") from error


def fetch(fetching: Fetching, output: str | None, *, as_json: bool) -> None:
    """Fetch files into the current folder, into another one, or one file to an exact path; print where each is.

    :raises ChatnetError: one could not be fetched; what has come of it is kept for the next try.
    :raises click.UsageError: several files cannot all have one path.
    """

    def say(file: FileId, path: Path) -> None:
        if as_json:
            put_json({"id": file, "path": str(path), "size": path.stat().st_size})
        else:
            put(str(path))

    folder, path = _place(output)
    if path is not None and len(fetching.files) > 1:
        raise click.UsageError(f"several files go into a folder, and there is none called {output!r}: -o DIR")
    fetching.each(folder=folder, path=path, use=say)


def _place(output: str | None) -> tuple[Path | None, Path | None]:
    """A folder, or an exact path."""
    if output is None:
        return Path(), None
    is_folder = os.path.isdir(output) or output.endswith(tuple(filter(None, (os.sep, os.altsep))))
    return (Path(output), None) if is_folder else (None, Path(output))


def fetch_to_stdout(fetching: Fetching) -> None:
    """Fetch files into a private folder, and copy each to standard output once it is whole and verified.

    :raises OSError: standard output cannot be written.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    folder = Path(state_folder()) / "downloads"
    make_private_folder(folder)
    _forget_old(folder)
    fetching.each(folder=folder, path=None, use=_copy_to_stdout)


def _copy_to_stdout(file: FileId, path: Path) -> None:
    del file
    try:
        with path.open("rb") as content:
            shutil.copyfileobj(content, sys.stdout.buffer, _PIECE)
        sys.stdout.buffer.flush()
    finally:
        path.unlink()


def _forget_old(folder: Path) -> None:
    """Remove what nobody has come back for."""
    oldest = time.time() - _KEPT_SECONDS
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another process was quicker
            if path.stat().st_mtime < oldest:
                path.unlink()
