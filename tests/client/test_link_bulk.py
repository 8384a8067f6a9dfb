"""Files go over a link when nothing else does."""

import threading
import time
from collections.abc import Iterator

import pytest

from chatnet.client.outbox import ToConversation
from chatnet.client.uploads import Upload
from chatnet.events import Credit, UploadReady
from chatnet.model import WINDOW_BYTES
from chatnet.requests import FinishUpload, Post, SendChunk, StartUpload
from chatnet.testing.file_driver import some_bytes
from tests.client.contents import BIG, SMALL, Held
from tests.client.link_rig import Rig
from tests.client.servers import PATIENCE

LONG = some_bytes(4 << 20)
"""More than a socket takes."""


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig("files")
    rig.log_in()
    yield rig
    rig.close()


def begun(rig: Rig, content: bytes, until: int) -> Upload:
    """An upload that may send so much."""
    upload = rig.session.transfers.upload(Held(content), ToConversation(5), "x")
    rig.step()
    start = rig.hears()
    assert isinstance(start, StartUpload)
    rig.says(UploadReady(start.id, 1, 0, until))
    return upload


def fill(rig: Rig, upload: Upload) -> None:
    """Send until the socket takes no more."""
    sent = -1
    while upload.sent > sent:
        sent = upload.sent
        for _ in range(3):
            rig.step()


def test_a_file_goes_out_as_far_as_its_credit_and_then_it_waits(rig: Rig) -> None:
    upload, came = begun(rig, BIG, WINDOW_BYTES), b""
    heard: list[object] = []
    for until in (WINDOW_BYTES, 2 * WINDOW_BYTES, len(BIG)):
        rig.says(Credit(1, until, 0))
        deadline = time.monotonic() + PATIENCE
        while len(came) < until:
            assert time.monotonic() < deadline
            rig.step(0.01)
            heard += rig.heard()
            came = b"".join(chunk.data for chunk in heard if isinstance(chunk, SendChunk))
        assert upload.sent == until
    assert came == BIG
    rig.step()
    heard += rig.heard()
    assert isinstance(heard[-1], FinishUpload)
    started = time.monotonic()
    rig.step(0.05)
    assert time.monotonic() - started >= 0.04, "nothing is left to send, but it does not wait"


def test_what_is_said_waits_for_what_was_begun_and_for_nothing_else(rig: Rig) -> None:
    upload = begun(rig, LONG, len(LONG))
    fill(rig, upload)
    begun_bytes = upload.sent
    assert begun_bytes < len(LONG)
    rig.session.post(ToConversation(5), "hi")
    came = 0
    while True:
        rig.step()
        heard = rig.hears()
        if isinstance(heard, Post):
            break
        assert isinstance(heard, SendChunk)
        came += len(heard.data)
    assert came == begun_bytes
    rig.step()
    assert upload.sent > begun_bytes, "the rest of the file follows"


def test_a_full_socket_is_waited_for_and_not_asked_again_and_again(rig: Rig) -> None:
    upload = begun(rig, LONG, len(LONG))
    fill(rig, upload)
    started = time.monotonic()
    rig.step(0.05)
    assert time.monotonic() - started >= 0.04
    sent = upload.sent
    reader = threading.Timer(0.05, rig.heard)
    reader.start()
    while upload.sent == sent:
        rig.step(PATIENCE)
    assert time.monotonic() - started < PATIENCE / 4, "it waits on though the socket is empty"
    reader.join()


def test_a_transport_is_told_to_favour_latency_once_there_are_bytes_of_a_file(rig: Rig) -> None:
    rig.session.post(ToConversation(5), "hi")
    rig.step()
    assert rig.transport.favoured == 0
    assert isinstance(rig.hears(), Post)
    upload = begun(rig, SMALL, WINDOW_BYTES)
    rig.step()
    assert upload.sent == len(SMALL)
    assert [type(request) for request in rig.heard()] == [SendChunk, FinishUpload]
    begun_again = begun(rig, BIG, WINDOW_BYTES)
    fill(rig, begun_again)
    assert rig.transport.favoured == 1
