"""Files between clients and a real server over loopback, through wires that break: they arrive, whole."""

from collections.abc import Callable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatnet import Client
from chatnet.address import TLS, Address
from chatnet.client.driver import Driver
from chatnet.client.files import open_source
from chatnet.client.identity import Identity
from chatnet.client.news import FileGone
from chatnet.client.outbox import ToUser
from chatnet.client.progress import Progress
from chatnet.client.receipts import NotYet
from chatnet.client.spool import DiskOutbox
from chatnet.config import Config
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode, Refused, TimedOut
from chatnet.events import Done, Event
from chatnet.model import WINDOW_BYTES, Kind
from chatnet.net.certificates import CERTIFICATE_NAME, KEY_NAME, given_certificates, own_certificates
from chatnet.net.trust import Pinned
from chatnet.server import Server
from chatnet.testing.file_driver import some_bytes
from chatnet.transports import tls
from tests.client.live.people import OVERHEAD, SIZE, At, guest, heard, mark_of, send
from tests.client.servers import PATIENCE, Wire, keeping_files

pytestmark = pytest.mark.usefixtures("often")


# -- the usual course -----------------------------------------------------------------------------------------


def test_a_file_gets_from_one_to_the_other_with_a_message(server: Address, path: Path, folder: Path) -> None:
    with guest(server, "alice") as alice, guest(server, "bob") as bob:
        receipt = alice.upload(path, to="bob", text="from the trip", wait="stored")
        message = heard(bob)
        assert (message.seq, message.kind, message.body) == (receipt.seq, Kind.FILE, "from the trip")
        assert message.file is not None
        assert (message.file.name, message.file.size) == ("trip.mkv", SIZE)
        assert receipt.file == message.file.id
        assert bob.download(message.file.id, folder=folder) == folder / "trip.mkv"
        assert (folder / "trip.mkv").read_bytes() == path.read_bytes()
        assert [file.id for file in bob.files(with_="alice")] == [message.file.id]


def test_somebody_who_was_away_fetches_it_later(server: Address, path: Path, folder: Path) -> None:
    identity = Identity.ephemeral()
    with guest(server, "later", identity):
        pass
    with guest(server, "early") as early:
        early.upload(path, to="later")
    with guest(server, "later", identity) as later:
        (file,) = later.files()
        later.download(file.id, path=folder / "mine")
    assert (folder / "mine").read_bytes() == path.read_bytes()


def test_a_message_about_a_file_can_be_waited_for_like_any_other(server: Address, path: Path) -> None:
    with guest(server, "waiter") as waiter:
        assert waiter.upload(path, to="waiter", wait="read").reached == "read"
        with pytest.raises(ValueError, match="only a message to a user"):
            waiter.upload(path, room="lobby", wait="read")


def test_who_does_not_come_is_waited_for_as_long_as_for_any_answer_and_no_longer(server: Address, path: Path) -> None:
    with guest(server, "absent"):
        pass
    with Client(server, name="asker", identity=Identity.ephemeral(), timeout=0.5) as asker:
        with pytest.raises(NotYet, match="stored as absent#1, not yet delivered") as late:
            asker.upload(path, to="absent", wait="delivered")
        assert [file.id for file in asker.files(with_="absent")] == [late.value.receipt.file]


def test_a_source_is_sent_under_any_name_and_left_open(server: Address, path: Path) -> None:
    with guest(server, "namer") as namer, open_source(path) as source:
        for name, shown in (("a\nb\x00", "a_b_"), ("é" * 200, "é" * 127), ("\ud800", "_")):
            namer.upload(source, to="namer", name=name)
            message = heard(namer)
            assert message.file is not None
            assert message.file.name == shown
        assert source.read(0, 1) == path.read_bytes()[:1]


@pytest.mark.parametrize("size", [0, 1])
def test_small_files_are_files_too(server: Address, tmp_path: Path, folder: Path, size: int) -> None:
    path = tmp_path / f"small{size}"
    path.write_bytes(b"x" * size)
    with guest(server, f"small{size}") as chat:
        file = send(server, path)
        assert chat.download(file, folder=folder).read_bytes() == b"x" * size


def test_what_the_server_has_is_proved_and_not_sent(server: Address, wire: Wire, path: Path) -> None:
    send(server, path)
    with guest(wire.address, "second") as second:
        second.upload(path, to="second")
    assert wire.up < OVERHEAD


def test_files_are_listed_and_removed(server: Address, path: Path) -> None:
    with guest(server, "lister") as lister, guest(server, "other") as other:
        other.join("lobby")
        lister.create_room("pictures")
        for number in range(3):
            lister.upload(path, room="pictures", name=f"{number}.jpg")
        assert [file.name for file in lister.files(room="pictures")] == ["2.jpg", "1.jpg", "0.jpg"]
        lister.upload(path, room="lobby", name="there.jpg")
        file = next(file for file in lister.files() if file.name == "there.jpg")
        with pytest.raises(Refused) as refused:
            other.remove_file(file.id)
        assert refused.value.code == ErrorCode.FORBIDDEN
        lister.remove_file(file.id)
        gone = next(news for news in other.events(PATIENCE) if isinstance(news, FileGone))
        assert (gone.file, gone.seq) == (file.id, file.seq)
        assert "there.jpg" not in [file.name for file in lister.files()]
        with pytest.raises(Refused) as refused:
            lister.remove_file(file.id)
        assert refused.value.code == ErrorCode.NO_SUCH_FILE


def test_files_go_over_tls_with_a_cut_on_the_way(tmp_path: Path, path: Path, folder: Path) -> None:
    own_certificates(tmp_path)
    certificates = given_certificates(tmp_path / CERTIFICATE_NAME, tmp_path / KEY_NAME)
    listener = tls.listen(Address(TLS, "127.0.0.1", 0), certificates)
    config = Config(data=tmp_path / "data", open=True, limits=Limits(farewell_seconds=0.2, disk_reserve=0))
    with Server(config, listeners=[listener]) as server:
        wire = Wire(server.addresses[0])
        far = Address(TLS, wire.address.host, wire.address.port)
        trust = Pinned(certificates.current.pin)
        with Client(far, name="far", identity=Identity.ephemeral(), timeout=PATIENCE, trust=lambda _: trust) as chat:
            chat.upload(path, to="far", progress=At(SIZE // 2, wire.cut))
            file = heard(chat).file
            assert file is not None
            got = chat.download(file.id, folder=folder, progress=At(SIZE // 2, wire.cut))
        assert got.read_bytes() == path.read_bytes()
        assert wire.connections == 3
        wire.close()


def test_a_removal_whose_answer_was_lost_is_none_the_less_one(
    server: Address, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_to = Driver.answer_to
    lost: list[Event] = []

    def lose_first(self: Driver, question: Callable[[], int], deadline: float) -> Event | None:
        reply = answer_to(self, question, deadline)
        if isinstance(reply, Done) and not lost:
            lost.append(reply)
            return None
        return reply

    monkeypatch.setattr(Driver, "answer_to", lose_first)
    with guest(server, "remover") as chat:
        chat.upload(path, to="remover")
        (file,) = chat.files(with_="remover")
        chat.remove_file(file.id)
        assert lost
        assert chat.files(with_="remover") == []
        with pytest.raises(Refused):
            chat.remove_file(file.id)


def test_more_files_than_fit_into_a_page_are_listed(tmp_path: Path, path: Path) -> None:
    path.write_bytes(b"small")
    limits = Limits(farewell_seconds=0.2, disk_reserve=0, page=1200)
    with keeping_files(tmp_path / "data", limits=limits) as address, guest(address, "pager") as chat:
        for number in range(10):
            chat.upload(path, room="lobby", name=str(number))
        newest_first = [str(number) for number in reversed(range(10))]
        assert [file.name for file in chat.files(room="lobby")] == newest_first
        assert [file.name for file in chat.files()] == newest_first


# -- again and again ------------------------------------------------------------------------------------------


def test_an_upload_goes_on_by_itself_after_every_cut(wire: Wire, path: Path, folder: Path) -> None:
    cuts = iter(range(0, SIZE, SIZE // 10))
    due = next(cuts)

    def cut(progress: Progress) -> None:
        nonlocal due
        if progress.phase == "sending" and progress.done >= due:
            due = next(cuts, 2 * SIZE)
            wire.cut()

    with guest(wire.address, "cutter") as cutter:
        cutter.upload(path, to="cutter", progress=cut, timeout=PATIENCE * 6)
        (file,) = cutter.files(with_="cutter")
        assert cutter.download(file.id, folder=folder).read_bytes() == path.read_bytes()
    assert wire.connections > 5


def test_a_download_goes_on_by_itself_after_every_cut(wire: Wire, server: Address, path: Path, folder: Path) -> None:
    file = send(server, path)
    cuts = iter(range(0, SIZE, SIZE // 10))
    due = next(cuts)

    def cut(progress: Progress) -> None:
        nonlocal due
        assert [name.name for name in folder.iterdir()] in ([], [f"trip.mkv.{mark_of(path)}.part"])
        if progress.phase == "receiving" and progress.done >= due:
            due = next(cuts, 2 * SIZE)
            wire.cut()

    with guest(wire.address, "puller") as puller:
        got = puller.download(file, folder=folder, progress=cut, timeout=PATIENCE * 6)
    assert got.read_bytes() == path.read_bytes()
    assert wire.connections > 5
    assert [name.name for name in folder.iterdir()] == ["trip.mkv"]


def test_the_same_upload_once_more_goes_on_where_it_was_interrupted(wire: Wire, path: Path) -> None:
    identity = Identity.ephemeral()

    def interrupt() -> None:
        raise KeyboardInterrupt

    with guest(wire.address, "again", identity) as first:
        with pytest.raises(KeyboardInterrupt):
            first.upload(path, to="again", progress=At(SIZE // 2, interrupt))
        first.ping()
    with guest(wire.address, "again", identity) as second:
        at = At(SIZE * 2, interrupt)
        second.upload(path, to="again", progress=at)
    assert min(progress.done for progress in at.told if progress.phase == "sending" and progress.done) >= SIZE // 4
    assert wire.up < SIZE + SIZE // 10 + OVERHEAD


def test_the_same_download_once_more_goes_on_where_it_was_interrupted(
    wire: Wire, server: Address, path: Path, folder: Path
) -> None:
    file = send(server, path)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with guest(wire.address, "anew") as chat:
        with pytest.raises(KeyboardInterrupt):
            chat.download(file, folder=folder, progress=At(SIZE // 2, interrupt))
        assert chat.download(file, folder=folder).read_bytes() == path.read_bytes()
    assert wire.down < SIZE + 500_000 + OVERHEAD, "more than the window came twice"


def test_a_server_that_is_started_again_costs_nothing(tmp_path: Path, path: Path, folder: Path) -> None:
    with ExitStack() as servers:
        address = servers.enter_context(keeping_files(tmp_path / "data"))

        def restart() -> None:
            servers.close()
            servers.enter_context(keeping_files(tmp_path / "data", address.port or 0))

        with guest(address, "patient") as chat:
            at = At(SIZE // 2, restart)
            chat.upload(path, to="patient", progress=at, timeout=PATIENCE * 3)
            assert at.was_done
            sent = [progress.done for progress in at.told if progress.phase == "sending"]
            assert all(after > before - WINDOW_BYTES for before, after in pairwise(sent)), "what had come was lost"
            file = heard(chat).file
            assert file is not None
            assert chat.download(file.id, folder=folder).read_bytes() == path.read_bytes()


def test_a_time_that_is_over_says_that_nothing_is_lost(wire: Wire, server: Address, path: Path, folder: Path) -> None:
    file = send(server, path)
    other = path.with_name("other")
    other.write_bytes(some_bytes(SIZE))
    with guest(wire.address, "timed") as chat:
        with pytest.raises(TimedOut, match=r"no answer within .*\nWhat has got through is kept: the same once more"):
            chat.upload(other, to="timed", progress=At(SIZE // 2, wire.stall), timeout=0.5)
        wire.stall(False)
        with pytest.raises(TimedOut, match="is kept"):
            chat.download(file, folder=folder, progress=At(SIZE // 2, wire.stall), timeout=0.5)
        wire.stall(False)
        assert chat.download(file, folder=folder).read_bytes() == path.read_bytes()
        chat.upload(other, to="timed")


def test_a_key_makes_one_message_of_two_uploads(server: Address, path: Path) -> None:
    chat = guest(server, "keyed")
    with guest(server, "reader"):
        first = chat.upload(path, to="reader", text="once", key="k", timeout=PATIENCE)
        path.write_bytes(b"another content by now")
        assert first.file
        assert chat.upload(path, to="reader", text="twice", key="k") == first
        with chat:
            chat.remove_file(first.file)
            assert chat.upload(path, to="reader", text="twice", key="k") == replace(first, file=0)
            assert [message.body for message in chat.history(with_="reader")] == ["once"]


def test_an_upload_with_a_key_goes_on_after_a_cut_too(wire: Wire, path: Path) -> None:
    at = At(SIZE // 2, wire.cut)
    receipt = guest(wire.address, "keeper").upload(path, room="lobby", key="k", progress=at)
    assert at.was_done
    assert receipt.reached == "stored"


def test_the_post_goes_through_the_outbox_on_disk(server: Address, path: Path, tmp_path: Path) -> None:
    with DiskOutbox(tmp_path / "box") as outbox:
        chat = Client(server, name="boxed", identity=Identity.ephemeral(), outbox=outbox, timeout=PATIENCE)
        with chat:
            outbox.add(ToUser("boxed"), "typed before", Kind.TEXT, 0)
            chat.upload(path, to="boxed", text="a file")
            bodies = [message.body for message in chat.history(with_="boxed")]
        assert bodies == ["typed before", "a file"]
        assert len(outbox) == 0
        assert outbox.add(ToUser("boxed"), "x", Kind.TEXT, 0).n == 3
