"""A client in a thread of its own, for programs whose main thread draws windows.

The rule kept here: the two threads share two queues and nothing else. What is to be done goes in as a function of the
client; everything that happens comes out as one stream of `Notice`, in order. That stream is bounded: while nobody
takes from it the thread waits and reads nothing from the server, which then keeps for later what it has to say.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from chatnet.address import Address
from chatnet.client.client import Client
from chatnet.client.jobs import Job
from chatnet.client.news import News, Woken
from chatnet.client.progress import Progress, Tell
from chatnet.errors import ChatnetError, ErrorCode, Unreachable
from chatnet.model import FileId, User

CAPACITY = 1000
"""Notices that wait to be taken."""

Work = Callable[[Client], object]
"""What is to be done in the thread; what it returns comes out in an `Answered`."""
Begin = Callable[[Client, Tell, Callable[[Job[Any]], None]], Job[Any]]
"""Begins a transfer."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The first login has succeeded. It is the first notice, unless that is an `Ended`."""

    user: User
    address: Address


@dataclass(frozen=True, slots=True)
class Answered:
    """The work of this number is done."""

    number: int
    value: object


@dataclass(frozen=True, slots=True)
class Failed:
    """The work of this number could not be done."""

    number: int
    error: ChatnetError


@dataclass(frozen=True, slots=True)
class Transferring:
    """How the upload or download of this number is getting on; at most about ten a second, until it ends."""

    number: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The last word of the upload or download of this number: it was given up, as was asked for."""

    number: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The last notice: the client has left, or was made to; ``error`` is None if it was asked to."""

    error: ChatnetError | None


Notice = News | Connected | Answered | Failed | Transferring | Cancelled | Ended


class _Notices:
    """A bounded queue whose writer can be let go."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[Notice] = deque()
        self._changed = threading.Condition()
        self._is_open = True

    def put(self, notice: Notice) -> None:
        """Add one; waits for room, but not once it is let go."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < self._capacity or not self._is_open)
            self._items.append(notice)
            self._changed.notify_all()

    def take(self, most: int, timeout: float) -> list[Notice]:
        with self._changed:
            if timeout:
                self._changed.wait_for(lambda: bool(self._items), timeout)
            taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
            self._changed.notify_all()
        return taken

    def let_go(self) -> None:
        """Nobody will take what comes: do not wait for that."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()


class ClientThread:
    """Runs one client. ``open_client`` is called in the thread; what it gives is entered there, and left at the end."""

    def __init__(self, open_client: Callable[[], AbstractContextManager[Client]], *, capacity: int = CAPACITY) -> None:
        self._open_client = open_client
        self._notices = _Notices(capacity)
        self._work: SimpleQueue[Callable[[Client], None]] = SimpleQueue()
        self._last = 0
        self._transfers: dict[int, Job[Any]] = {}
        """Those that are not over. For the thread alone."""
        self._stopping = threading.Event()
        self._client: Client | None = None
        self._thread = threading.Thread(target=self._run, name="chatnet client", daemon=True)

    # -- for the program's own thread -------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def ask(self, work: Work) -> int:
        """Have the server asked something: `Answered` or `Failed` follows, with the number that is returned.

        Without a connection it fails at once, with UNREACHABLE.
        """
        return self._submit(work, needs_connection=True)

    def do(self, work: Work) -> int:
        """Have something done that needs no connection, such as `Client.post` and `Client.mark_read`."""
        return self._submit(work, needs_connection=False)

    def upload(
        self, path: Path, *, to: str | None = None, room: str | None = None, text: str = "", name: str = ""
    ) -> int:
        """Send a file as `Client.upload` does, beside everything else and beside other transfers.

        `Transferring` follows with the number that is returned, and at last `Answered` with the `Receipt`, `Failed` or
        `Cancelled`; or `Ended`, which is the last word about all that is under way. Without a connection it waits.
        """

        def begin(client: Client, tell: Tell, ended: Callable[[Job[Any]], None]) -> Job[Any]:
            return client.begin_upload(path, to=to, room=room, text=text, name=name, progress=tell, ended=ended)

        return self._numbered(partial(self._begin, begin))

    def download(self, file: FileId, *, folder: Path | None = None, path: Path | None = None) -> int:
        """Fetch a file as `Client.download` does, likewise; the last word is `Answered` with its path."""

        def begin(client: Client, tell: Tell, ended: Callable[[Job[Any]], None]) -> Job[Any]:
            return client.begin_download(file, folder=folder, path=path, progress=tell, ended=ended)

        return self._numbered(partial(self._begin, begin))

    def cancel(self, number: int) -> None:
        """Give up an upload or download, and drop what there is of it, here and on the server.

        `Cancelled` follows, unless its last word has come already. Whatever is under way when the client leaves is
        kept instead, and the next time goes on from there.
        """
        self._put(lambda _: self._cancel(number))

    def take(self, most: int = CAPACITY, timeout: float = 0.0) -> list[Notice]:
        """What has happened, at most so many; waits up to ``timeout`` seconds for the first."""
        return self._notices.take(most, timeout)

    def stop(self) -> None:
        """Have the client leave, after what was posted is sent, if it can be. Does not wait; see `join`."""
        self._stopping.set()
        self._notices.let_go()
        self._wake()

    def join(self, timeout: float) -> bool:
        """Wait until the client has left; False if that takes longer."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _submit(self, work: Work, *, needs_connection: bool) -> int:
        return self._numbered(lambda number, client: self._do(number, work, needs_connection, client))

    def _numbered(self, work: Callable[[int, Client], None]) -> int:
        self._last = number = self._last + 1
        self._put(partial(work, number))
        return number

    def _put(self, work: Callable[[Client], None]) -> None:
        self._work.put(work)
        self._wake()

    def _wake(self) -> None:
        # Before there is a client nobody waits for it: what was put before that is looked for once it is there.
        if self._client is not None:
            self._client.wake()

    # -- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        error: ChatnetError | None = None
        try:
            with self._open_client() as client:
                self._client = client
                self._notices.put(Connected(client.user, client.address))
                self._serve(client)
        except ChatnetError as reason:
            error = None if self._stopping.is_set() else reason
        except Exception as bug:
            error = ChatnetError(ErrorCode.INTERNAL, f"a bug in chatnet: {type(bug).__name__}: {bug}")
            raise
        finally:
            self._client = None
            self._notices.put(Ended(error))

    def _serve(self, client: Client) -> None:
        self._do_all(client)
        if self._stopping.is_set():
            return
        for news in client.events():
            if not isinstance(news, Woken):
                self._notices.put(news)
            self._do_all(client)
            if self._stopping.is_set():
                return

    def _do_all(self, client: Client) -> None:
        while True:
            try:
                work = self._work.get_nowait()
            except Empty:
                return
            work(client)

    def _do(self, number: int, work: Work, needs_connection: bool, client: Client) -> None:
        try:
            if needs_connection and not client.is_online:
                raise Unreachable(ErrorCode.UNREACHABLE, "there is no connection to the server now")
            self._notices.put(Answered(number, work(client)))
        except ChatnetError as error:
            self._notices.put(Failed(number, error))

    # -- transfers, in the thread -----------------------------------------------------------------------------

    def _begin(self, begin: Begin, number: int, client: Client) -> None:
        def tell(progress: Progress) -> None:
            self._notices.put(Transferring(number, progress))

        self._transfers[number] = begin(client, tell, partial(self._ended, number))

    def _ended(self, number: int, job: Job[Any]) -> None:
        del self._transfers[number]
        if job.is_cancelled:
            self._notices.put(Cancelled(number))
        elif job.failure is not None:
            self._notices.put(Failed(number, job.failure))
        else:
            self._notices.put(Answered(number, job.result()))

    def _cancel(self, number: int) -> None:
        if number in self._transfers:
            self._transfers[number].cancel()
