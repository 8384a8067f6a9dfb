"""Files, as a program sends and fetches them: the part of `chatnet.client.client.Client` that moves many bytes."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chatnet.client.asking import ask
from chatnet.client.connection import Make
from chatnet.client.dialogue import expect
from chatnet.client.driver import forever_or
from chatnet.client.files import Source
from chatnet.client.jobs import Job, Steps
from chatnet.client.news import Stored
from chatnet.client.outbox import ToConversation, ToRoom, ToUser
from chatnet.client.progress import Meter, Tell
from chatnet.client.questions import Questions, target_of
from chatnet.client.receipts import Receipt, Stage, await_stage, receipt_of
from chatnet.client.sender import NOWHERE
from chatnet.client.transfer_jobs import KEPT, Shipment, fetch_file, send_file
from chatnet.errors import ErrorCode, Refused, TimedOut, Unreachable
from chatnet.events import Done, FilePage
from chatnet.model import ConversationId, FileId, Seq, SharedFile
from chatnet.requests import ListFiles, RemoveFile

if TYPE_CHECKING:
    from chatnet.client.client import Client
    from chatnet.client.spool import DiskOutbox


class Sharing(Questions):
    """Methods of `Client`. They raise what the others do, and `chatnet.client.files.LocalFileError`.

    A client that does not come back by itself (``reconnect=False``) loses its transfers with the connection.
    """

    _outbox: "DiskOutbox | None" = None
    _reconnect = True

    def upload(
        self,
        source: Path | Source,
        *,
        to: str | None = None,
        room: str | None = None,
        text: str = "",
        name: str = "",
        reference: Seq = 0,
        wait: Stage = "stored",
        key: str | None = None,
        timeout: float | None = None,
        progress: Tell | None = None,
    ) -> Receipt:
        """Send a file to a user or into a room, with a few words, and return once the message about it is stored.

        A lost connection is mended as it goes; whoever repeats the same call, in another process too, goes on where
        this one stopped. ``to``, ``room``, ``reference``, ``wait`` and ``key``: as in `Client.send`.

        ``source``: a path, or what `chatnet.client.files` has opened or spooled; the caller closes the latter.
        ``name``: what to call it, by default as the source is called. ``timeout``: seconds for all of it; with None the
        upload takes as long as it takes, and what ``wait`` asks for beyond that as long as any answer may.
        ``progress``: called about once to ten times a second; what it raises ends the upload.

        :raises LocalFileError: CANNOT_READ; FILE_CHANGED: somebody writes to it, and what was sent is dropped.
        :raises Refused: UNSUPPORTED: a server that keeps no files; QUOTA and STORE_FULL, with the limit, before the
            first byte; REPLACED: another process sends the same file now; BAD_DIGEST; FORBIDDEN, BANNED, MUTED,
            NO_SUCH_USER, NO_SUCH_ROOM, ... as in `Client.send`.
        :raises NotYet: the message about it is stored, but has not got as far as ``wait`` says.
        :raises TimedOut, Unreachable: not there so far; what was sent is kept for the next try.
        """
        target = target_of(to, room)
        if wait != "stored" and not isinstance(target, ToUser):
            raise ValueError("only a message to a user is delivered or read")
        shipment = Shipment(source, target, text, name, reference)
        if key is not None:
            return self._upload_once(key, shipment, wait, timeout, progress)
        return self._upload(shipment, wait, timeout, progress)

    def _upload(self, shipment: Shipment, wait: Stage, timeout: float | None, progress: Tell | None) -> Receipt:
        driver, target = self._connected, shipment.target
        deadline = forever_or(timeout)
        try:
            stored = driver.run(send_file(driver, shipment, Meter(progress)), deadline)
        except (TimedOut, Unreachable) as error:
            fate = KEPT if shipment.n is None else driver.fate_of(shipment.n, is_kept=self._outbox is not None)
            raise type(error)(error.code, f"{error.message}\n{fate}") from error
        heard = driver.deadline(None) if timeout is None else deadline
        return await_stage(driver, stored, wait, target.name, lambda: self._open(target), heard, shipment.file)

    def _upload_once(
        self, key: str, shipment: Shipment, wait: Stage, timeout: float | None, progress: Tell | None
    ) -> Receipt:
        """Upload for a message that has this key, unless it is stored already."""
        target = shipment.target
        with self._twin(key, target) as twin:
            # Its first message, to nowhere: refused, unless there is one of that number.
            driver = twin._connected
            n = driver.session.post(ToConversation(NOWHERE), "?")
            with suppress(Refused):
                stored = driver.answer_to_post(n, driver.deadline(None))
                file = twin._file_of(stored)
                deadline = driver.deadline(timeout)
                return await_stage(driver, stored, wait, target.name, lambda: twin._open(target), deadline, file)
        with self._twin(key, target, reconnect=self._reconnect) as twin:
            return twin._upload(shipment, wait, timeout, progress)

    def _twin(self, key: str, target: ToUser | ToRoom, *, reconnect: bool = False) -> "Client":
        raise NotImplementedError

    def download(
        self,
        file: FileId,
        *,
        folder: Path | None = None,
        path: Path | None = None,
        timeout: float | None = None,
        progress: Tell | None = None,
    ) -> Path:
        """Fetch a file; where it is now: whole, verified and durable.

        In ``folder``, by default the current one, it gets a safe name that resembles its own, with a number if that is
        taken. Or it gets exactly the ``path``. Nothing is ever written over, and no link followed. A lost connection
        is mended as it goes; whoever repeats the same call goes on where this one stopped.

        :raises LocalFileError: CANNOT_CREATE; DISK_FULL: what has come is kept for the next try; BAD_DIGEST, with both
            digests: what has come is removed.
        :raises Refused: NO_SUCH_FILE: there is none, or not for this user, or not any more; UNSUPPORTED; BANNED.
        :raises TimedOut, Unreachable: not there so far; what has come is kept for the next try.
        """
        driver = self._connected
        try:
            return driver.run(self._fetch(file, folder, path, progress), forever_or(timeout))
        except (TimedOut, Unreachable) as error:
            raise type(error)(error.code, f"{error.message}\n{KEPT}") from error

    def files(self, *, room: str | None = None, with_: str | None = None) -> list[SharedFile]:
        """The files of a room, of the personal chat with a user, or with neither all that one may read; newest first.

        :raises Refused: UNSUPPORTED: a server that keeps no files.
        """
        return list(self._files_of(0 if room is None and with_ is None else self._open(target_of(with_, room)).id))

    def _file_of(self, stored: Stored) -> FileId:
        """The file that a message of before has shared; 0 if it is gone, or one must not look."""
        try:
            return next((file.id for file in self._files_of(stored.conversation) if file.seq == stored.seq), 0)
        except Refused as error:
            if error.code != ErrorCode.FORBIDDEN:  # a token may be good for sending only
                raise
            return 0

    def _files_of(self, conversation: ConversationId) -> Iterator[SharedFile]:
        cursor = 0
        while True:
            page = self._file_page(conversation, cursor)
            yield from page.files
            if page.next in (0, cursor):
                return
            cursor = page.next

    def _file_page(self, conversation: ConversationId, cursor: int) -> FilePage:
        make = partial(ListFiles, conversation=conversation, cursor=cursor)
        return ask(self._connected, FilePage, lambda: self._about_files(make))

    def remove_file(self, file: FileId) -> None:
        """Remove a file from the server: its sender, who keeps order in its room, an admin.

        :raises Refused: FORBIDDEN, NO_SUCH_FILE, UNSUPPORTED.
        """
        driver = self._connected
        deadline = driver.deadline(None)
        is_unsure = False
        while True:
            try:
                reply = driver.answer_to(lambda: self._about_files(lambda id: RemoveFile(id, file)), deadline)
            except Refused as refused:
                if is_unsure and refused.code == ErrorCode.NO_SUCH_FILE:
                    return  # it was removed, and the answer lost with the connection
                raise
            if reply is not None:
                expect(Done, reply)
                return
            is_unsure = True

    def _about_files(self, make: Make) -> int:
        session = self._connected.session
        session.transfers.check_support()
        return session.request(make)

    # -- beside other things ----------------------------------------------------------------------------------

    def begin_upload(
        self,
        path: Path,
        *,
        to: str | None = None,
        room: str | None = None,
        text: str = "",
        name: str = "",
        progress: Tell | None = None,
        ended: Callable[[Job[Receipt]], None] | None = None,
    ) -> Job[Receipt]:
        """Send a file as `upload` does, without waiting: it gets on whenever this client waits, as in `events`.

        Several can be under way. ``ended`` is called with the job that is returned once it is over.
        """
        driver = self._connected

        def steps() -> Steps[Receipt]:
            shipment = Shipment(path, target_of(to, room), text, name)
            stored = yield from send_file(driver, shipment, Meter(progress))
            return receipt_of(driver, stored, shipment.file)

        return driver.start(steps(), ended)

    def begin_download(
        self,
        file: FileId,
        *,
        folder: Path | None = None,
        path: Path | None = None,
        progress: Tell | None = None,
        ended: Callable[[Job[Path]], None] | None = None,
    ) -> Job[Path]:
        """Fetch a file as `download` does, likewise."""
        return self._connected.start(self._fetch(file, folder, path, progress), ended)

    def _fetch(self, file: FileId, folder: Path | None, path: Path | None, progress: Tell | None) -> Steps[Path]:
        if folder is not None and path is not None:
            raise TypeError("a file goes either into a folder or to a path")
        return fetch_file(self._connected, file, folder or Path(), path, Meter(progress))
