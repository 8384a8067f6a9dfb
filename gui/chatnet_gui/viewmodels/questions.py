"""What the network was asked, and what is to happen with each answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from chatnet.client.thread import Answered, Failed, Work
from chatnet.errors import ChatnetError
from chatnet.model import FileId

Done = Callable[[object], None]
Fail = Callable[[ChatnetError], None]


class Asking(Protocol):
    """What it takes to ask a server: a part of a `chatnet.client.thread.ClientThread`; see there."""

    def ask(self, work: Work) -> int: ...

    def do(self, work: Work) -> int: ...


class Network(Asking, Protocol):
    """A `chatnet.client.thread.ClientThread`; see there."""

    def upload(self, path: Path, *, to: str | None, room: str | None, text: str) -> int: ...

    def download(self, file: FileId, *, folder: Path | None = None, path: Path | None = None) -> int: ...

    def cancel(self, number: int) -> None: ...


class Questions:
    """Remembers who waits for which answer. ``failed``: what is done about errors that nobody else cares for."""

    def __init__(self, network: Asking, failed: Fail) -> None:
        self._network = network
        self.failed = failed
        self._waiting: dict[int, tuple[Done, Fail]] = {}

    def ask(self, work: Work, done: Done, failed: Fail | None = None, *, offline: bool = False) -> int:
        """Have something done, and be called with what comes of it. ``offline``: without a connection too."""
        number = self._network.do(work) if offline else self._network.ask(work)
        self._waiting[number] = (done, failed or self.failed)
        return number

    def tell(self, work: Work) -> None:
        """Have something done of which nothing comes."""
        self._network.do(work)

    def answered(self, notice: Answered | Failed) -> None:
        """Call whoever waits for this."""
        done, failed = self._waiting.pop(notice.number, (None, None))
        if isinstance(notice, Answered) and done is not None:
            done(notice.value)
        elif isinstance(notice, Failed) and failed is not None:
            failed(notice.error)
