"""Who sends and fetches files in these tests, and what they do at which moment."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from chatnet import Client
from chatnet.address import Address
from chatnet.client.files import open_source
from chatnet.client.identity import Identity
from chatnet.client.progress import Progress
from chatnet.errors import ChatnetError
from chatnet.model import Message
from tests.client.servers import PATIENCE

SIZE = 3_000_000
OVERHEAD = 100_000
"""What everything but the bytes of a file takes at most in a test."""


def guest(server: Address, name: str, identity: Identity | None = None) -> Client:
    return Client(server, name=name, identity=identity or Identity.ephemeral(), timeout=PATIENCE)


def heard(client: Client) -> Message:
    """The next message that it hears."""
    return next(client.messages(PATIENCE)).message


def send(server: Address, path: Path) -> int:
    """Share a file in the lobby; its id."""
    with guest(server, f"s{os.urandom(4).hex()}") as sender:
        receipt = sender.upload(path, room="lobby", timeout=PATIENCE * 3)
        (message,) = sender.around(receipt.conversation, receipt.seq, 0)
        assert message.file is not None
        return message.file.id


def mark_of(path: Path) -> str:
    """What the name of its unfinished file has of its digest."""
    with open_source(path) as source:
        return source.digest.hex()[:8]


def code_of(action: Callable[[], object]) -> str:
    """The code of the error that this raises."""
    with pytest.raises(ChatnetError) as caught:
        action()
    return caught.value.code


class At:
    """Does something once, when a transfer has got so far. A progress callback."""

    def __init__(self, done: int, action: Callable[[], object]) -> None:
        self.told: list[Progress] = []
        self._done = done
        self._action: Callable[[], object] | None = action

    def __call__(self, progress: Progress) -> None:
        self.told.append(progress)
        if self._action is not None and progress.phase in ("sending", "receiving") and progress.done >= self._done:
            action, self._action = self._action, None
            action()

    @property
    def was_done(self) -> bool:
        return self._action is None
