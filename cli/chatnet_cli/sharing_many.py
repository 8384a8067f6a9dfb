"""How ``chatnet upload`` gets many files to the server, one after the other.

The rule kept here: what one has shared already in the same place, under the same name and with the same content, is not
shared again. So whatever has stopped the command, the same command shares the rest, and nothing twice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chatnet.client.client import Client
from chatnet.client.files import open_source
from chatnet.client.progress import Progress
from chatnet.client.safe_names import sendable_name
from chatnet.errors import ChatnetError, ErrorCode, Refused
from chatnet.model import Digest, FileId
from chatnet_cli.exit_codes import exit_code_of
from chatnet_cli.failures import Failure, first_line
from chatnet_cli.patience import Patience, keep_trying
from chatnet_cli.safe_text import safe_name
from chatnet_cli.sharing import Sharing, sent_object, size_of
from chatnet_cli.transfer_display import TransferDisplay

_OF_ONE_FILE = (
    ErrorCode.CANNOT_READ,
    ErrorCode.FILE_CHANGED,
    ErrorCode.QUOTA,
    ErrorCode.BAD_NAME,
    ErrorCode.BAD_DIGEST,
    ErrorCode.REPLACED,
)
"""What may be wrong with one file, and not with those after it."""

Known = dict[tuple[str, int], dict[Digest, FileId]]
"""What one has shared already: by name and size, the contents."""


def share_all(sharing: Sharing, paths: list[Path], report: Callable[[dict[str, object]], None]) -> None:
    """Share files in this order, and report each; the text is said with each of them.

    :raises LocalFileError: CANNOT_READ: one of them; nothing is shared then.
    :raises ChatnetError: what ends the whole: no connection, no such room...
    :raises Failure: some were not shared; what is wrong with each has been said.
    """
    sizes, patience = [size_of(path) for path in paths], Patience(sharing.retry)
    with TransferDisplay("sent", len(paths), sum(sizes), quiet=sharing.quiet) as display:
        work = _Work(sharing, display, patience.following(display.show), list(zip(paths, sizes, strict=True)), report)
        try:
            keep_trying(work.go_on, patience, display.tell)
        except ChatnetError:
            if len(paths) > 1:
                display.tell(f"{work.shared} of {len(paths)} files are shared; the same command shares the rest")
            raise
    if work.failed:
        count = f"{len(work.failed)} of {len(paths)} files were" if len(paths) > 1 else "it was"
        raise Failure(exit_code_of(work.failed[0]), f"{count} not shared")


@dataclass(slots=True)
class _Work:
    """What is left to do; an attempt that fails leaves the rest to the next one."""

    sharing: Sharing
    display: TransferDisplay
    tell: Callable[[Progress], None]
    left: list[tuple[Path, int]]
    report: Callable[[dict[str, object]], None]
    shared: int = 0
    failed: list[ChatnetError] = field(default_factory=list)

    def go_on(self) -> None:
        """Share what is left.

        :raises ChatnetError: something else than one file is wrong.
        """
        with self.display.drawing():
            self._leave_out_shared()
            if not self.left:
                return
            with self.sharing.client() as chat:
                for path, size in list(self.left):
                    with self._judging(path, size):
                        self._share(chat, path, size)

    def _leave_out_shared(self) -> None:
        """Hashing takes long, so it happens without a connection."""
        with self.sharing.client() as chat:
            known = _shared_by_now(chat, self.sharing)
        for path, size in list(self.left):
            twins = known.get((sendable_name(path.name), size), {})
            with self._judging(path, size):
                if twins and (file := twins.get(self._digest(path, size))):
                    self.display.skip(size, f"{safe_name(path.name)} is there already, as file {file}")
                    self.left.remove((path, size))

    def _digest(self, path: Path, size: int) -> Digest:
        with open_source(path, lambda done: self.display.show_reading(path.name, done, size)) as source:
            return source.digest

    def _share(self, chat: Client, path: Path, size: int) -> None:
        name = sendable_name(path.name)
        receipt = self.sharing.upload(chat, path, name, self.tell)
        self.left.remove((path, size))
        self.display.end(name, size)
        self.shared += 1
        self.report(sent_object(receipt, name, size))

    @contextmanager
    def _judging(self, path: Path, size: int) -> Iterator[None]:
        """What is wrong with this file only is said, and it is left out."""
        try:
            yield
        except ChatnetError as error:
            if error.code not in _OF_ONE_FILE:
                raise
            self.display.tell(f"{safe_name(path.name)} is not shared: {first_line(error)}")
            self.display.skip(size)
            self.left.remove((path, size))
            self.failed.append(error)


def _shared_by_now(chat: Client, sharing: Sharing) -> Known:
    """What one has shared there; nothing where one must not look, since a token may be good for sending only."""
    known: Known = {}
    try:
        files = chat.files(room=sharing.room, with_=sharing.user)
    except Refused as error:
        if error.code != ErrorCode.FORBIDDEN:
            raise
        return known
    for file in files:
        if file.sender == chat.user.id:
            known.setdefault((file.name, file.size), {})[file.digest] = file.id
    return known
