"""What is done for one file, from its first byte read to the last word about it: sending and fetching, as jobs.

Each step reads or writes at most about 1 MiB, so that whatever else there is to do waits for no more than that.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from chatnet.client.downloads import Download
from chatnet.client.driver import Driver
from chatnet.client.files import LocalFileError, Pieces, Source, T, hash_source
from chatnet.client.jobs import AT_ONCE, Cancelled, Steps
from chatnet.client.news import PostRefused, Stored
from chatnet.client.outbox import ToConversation, ToRoom, ToUser
from chatnet.client.partial import PartialFile, open_partial
from chatnet.client.progress import Meter, Phase
from chatnet.client.safe_names import sendable_name
from chatnet.client.sender import check_post
from chatnet.client.transfer import Transfer
from chatnet.client.uploads import Question, Stage, Upload
from chatnet.errors import ChatnetError, ErrorCode, Refused
from chatnet.model import FileId, Kind, Seq, SharedFile

KEPT = "What has got through is kept: the same once more goes on from there."


@dataclass(slots=True)
class Shipment:
    """What is to be sent, to whom, and with which words."""

    source: Path | Source
    target: ToUser | ToRoom
    text: str = ""
    name: str = ""
    reference: Seq = 0
    file: FileId = 0
    """The file that it has become, once it is uploaded."""
    n: int | None = None
    """The number of the post that shares it, once that is in the outbox."""


def send_file(driver: Driver, shipment: Shipment, meter: Meter) -> Steps[Stored]:
    """Upload a file, and share it by a post.

    :raises LocalFileError: CANNOT_READ, FILE_CHANGED.
    :raises Refused: the server takes no such file, or no such post.
    """
    check_post(shipment.target, shipment.text, Kind.FILE, shipment.reference)
    source = shipment.source
    meter.name = sendable_name(shipment.name or source.name)
    if isinstance(source, Source):
        file = yield from _upload(driver, source, shipment, meter)
    else:
        with (yield from _in_pieces(hash_source(source), meter, "hashing", _size(source))) as opened:
            file = yield from _upload(driver, opened, shipment, meter)
    return (yield from _share(driver, shipment, file, meter))


def _upload(driver: Driver, source: Source, shipment: Shipment, meter: Meter) -> Steps[SharedFile]:
    upload = driver.session.transfers.upload(source, shipment.target, meter.name)
    try:
        while upload.file is None:
            if upload.failure is not None:
                raise _kept(upload.failure)
            if upload.question is not None:
                yield from _prove(upload, upload.question, source, meter)
            is_finishing = upload.stage is Stage.FINISHING
            _show(driver, upload, meter, "checking" if is_finishing else "sending", upload.sent, source.size)
            yield meter.due
    except Cancelled:
        upload.stop(forget=True)
        raise
    except LocalFileError as error:
        upload.stop(forget=error.code == ErrorCode.FILE_CHANGED)
        raise
    finally:
        upload.stop(forget=False)
    return upload.file


def _prove(upload: Upload, question: Question, source: Source, meter: Meter) -> Steps[None]:
    total = sum(length for _, length in question.ranges)
    proof = yield from _in_pieces(source.prove(question.nonce, question.ranges), meter, "checking", total)
    upload.prove(question, proof)


def _share(driver: Driver, shipment: Shipment, file: SharedFile, meter: Meter) -> Steps[Stored]:
    # To the conversation that the file belongs to, whoever has the name by now.
    target = ToConversation(file.conversation)
    session = driver.session
    shipment.file = file.id
    shipment.n = session.post(target, shipment.text, Kind.FILE, shipment.reference, file.id)
    with driver.posting(shipment.n) as answer:
        while (said := answer()) is None:
            meter.show("checking", file.size, file.size, waiting_for="" if session.is_online else "connection")
            yield meter.due
    if isinstance(said, PostRefused):
        raise Refused(said.code, said.reason)
    meter.end()
    return said


def fetch_file(driver: Driver, file: FileId, folder: Path, path: Path | None, meter: Meter) -> Steps[Path]:
    """Download a file into a folder, under a safe name; or to exactly this path.

    :raises LocalFileError: CANNOT_CREATE, DISK_FULL, BAD_DIGEST.
    :raises Refused: the server does not give it.
    """
    download = driver.session.transfers.download(file)
    partial: PartialFile | None = None
    try:
        while download.file is None:
            yield from _wait(driver, download, meter, 0)
        partial = yield from _open(download.file, folder, path, meter)
        download.receive_into(partial)
        while not download.is_complete:
            yield from _wait(driver, download, meter, download.file.size)
        meter.show("checking", download.file.size, download.file.size)
        meter.end()
        return partial.finish()
    except Cancelled:
        if partial is not None:
            partial.discard()
        raise
    finally:
        download.stop(forget=False)
        if partial is not None:
            partial.close()


def _open(file: SharedFile, folder: Path, path: Path | None, meter: Meter) -> Steps[PartialFile]:
    meter.name = file.name
    if path is None:
        opening = open_partial(folder, file.name, file.size, file.digest)
    else:
        opening = open_partial(path.parent, path.name, file.size, file.digest, is_exact=True)
    return (yield from _in_pieces(opening, meter, "checking", file.size))


def _wait(driver: Driver, download: Download, meter: Meter, size: int) -> Steps[None]:
    if download.failure is not None:
        raise _kept(download.failure)
    _show(driver, download, meter, "receiving", download.received, size)
    yield meter.due


# -- for both -------------------------------------------------------------------------------------------------


def _in_pieces(pieces: Pieces[T], meter: Meter, phase: Phase, total: int) -> Steps[T]:
    try:
        while True:
            try:
                done = next(pieces)
            except StopIteration as end:
                value: T = end.value
                return value
            meter.show(phase, done, total)
            yield AT_ONCE
    finally:
        pieces.close()


def _show(driver: Driver, transfer: Transfer, meter: Meter, phase: Phase, done: int, total: int) -> None:
    if not driver.session.is_online:
        meter.show(phase, done, total, transfer.moved, "connection")
    elif transfer.held_until is not None:
        meter.show(phase, done, total, transfer.moved, "server", transfer.reason)
    else:
        meter.show(phase, done, total, transfer.moved)


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0  # opening it will say why


def _kept(failure: ChatnetError) -> ChatnetError:
    """What the server may allow later says so."""
    if isinstance(failure, Refused) and failure.retry_after > 0:
        return Refused(failure.code, f"{failure.message}\n{KEPT}", failure.retry_after)
    return failure
