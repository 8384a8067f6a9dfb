"""How ``chatnet send --file`` gets a file to the server; ``upload`` does the same with each of its files.

What was interrupted goes on when the same command is run again, since the server knows an upload again by its content.
"""

import os
import stat
import sys
from collections.abc import Callable
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec.structs import replace as replaced

from chatnet.client.client import Client
from chatnet.client.files import Source, open_source, spool
from chatnet.client.folders import state_folder
from chatnet.client.progress import Progress
from chatnet.client.receipts import Receipt, Stage
from chatnet.client.safe_names import sendable_name
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.options import Account
from chatnet_cli.patience import Patience, keep_trying
from chatnet_cli.render import receipt_object
from chatnet_cli.transfer_display import TransferDisplay

_MOST_BYTES = 2**53
"""The greatest size that the protocol knows. What a server takes is for the server to say."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who shares with whom, what is said about it, and how far it is to get."""

    account: Account
    user: str | None
    room: str | None
    text: str
    retry: int | None
    quiet: bool
    wait: Stage = "stored"
    key: str | None = None

    def client(self) -> Client:
        """A client for one attempt; what waits in the outboxes is sent before."""
        self.account.drain()
        return self.account.client(reconnect=self.retry is None)

    def upload(self, chat: Client, source: Path | Source, name: str, tell: Callable[[Progress], None]) -> Receipt:
        """Share one file."""
        return chat.upload(source, to=self.user, room=self.room, text=self.text, name=name, key=self.key, progress=tell)


def share(sharing: Sharing, path: Path | None, name: str) -> dict[str, object]:
    """Share a file, or (None) what comes from standard input, under a name; what is to be told of it as JSON.

    :raises ChatnetError, Failure: it is not shared.
    """
    name, patience = sendable_name(name), Patience(sharing.retry)
    size = 0 if path is None else size_of(path)
    with TransferDisplay("sent", quiet=sharing.quiet) as display, ExitStack() as stack:
        source: Path | Source
        if path is not None and sharing.retry is None:
            source = path
        else:
            # Nobody wants to wait for the end of a long pipe, or for a hash, to hear of a misspelt name.
            keep_trying(lambda: _find_place(sharing), patience, display.tell)
            source = stack.enter_context(_spooled(name, display) if path is None else _hashed(path, name, display))
            size = source.size
        keyed, tell = _with_key(sharing), patience.following(display.show)
        receipt = keep_trying(lambda: _attempt(keyed, source, name, display, tell), patience, display.tell)
        display.end(name, size)
    return sent_object(receipt, name, size)


def _with_key(sharing: Sharing) -> Sharing:
    """A key for what is done in several steps: a step that seemed to fail may have stored it."""
    is_one_step = sharing.retry is None and sharing.wait == "stored"
    return sharing if is_one_step or sharing.key is not None else replace(sharing, key=os.urandom(16).hex())


def sent_object(receipt: Receipt, name: str, size: int) -> dict[str, object]:
    """A file that is shared: where and when, and what it is. ``file`` is null if it is removed by now, or nobody may
    tell whoever can only send."""
    return {**receipt_object(receipt), "file": receipt.file or None, "name": name, "size": size}


def _find_place(sharing: Sharing) -> None:
    with sharing.client() as chat:
        chat.conversation(room=sharing.room, with_=sharing.user)


def _spooled(name: str, display: TransferDisplay) -> Source:
    if sys.stdin is None:
        raise Failure(ExitCode.NO_INPUT, "there is no standard input to read the file from")
    folder = Path(state_folder()) / "spool"
    with display.drawing():
        return spool(sys.stdin.buffer, name, folder, _MOST_BYTES, lambda done: display.show_reading(name, done, None))


def _hashed(path: Path, name: str, display: TransferDisplay) -> Source:
    size = size_of(path)
    with display.drawing():
        return open_source(path, lambda done: display.show_reading(name, done, size))


def _attempt(
    sharing: Sharing, source: Path | Source, name: str, display: TransferDisplay, tell: Callable[[Progress], None]
) -> Receipt:
    chat = sharing.client()
    # With a key, an upload makes connections of its own.
    with display.drawing(), nullcontext() if sharing.key is not None else chat:
        receipt = sharing.upload(chat, source, name, tell)
    if sharing.wait == "stored":
        return receipt
    # The same key is the same message, whatever is said: so it is not said again, but waited for. The upload itself
    # takes as long as it takes; only this has to be done in the time of --timeout.
    return replaced(chat.send("?", to=sharing.user, wait=sharing.wait, key=sharing.key), file=receipt.file)


def size_of(path: Path) -> int:
    """The bytes of a file that can be read, as far as a look tells.

    :raises LocalFileError: CANNOT_READ.
    """
    with suppress(OSError):
        found = path.stat()
        if stat.S_ISREG(found.st_mode):
            with path.open("rb"):
                return found.st_size
    with open_source(path) as source:  # which says what is wrong with it
        return source.size
