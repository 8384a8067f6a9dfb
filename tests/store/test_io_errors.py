"""A disk that fails ends the server before it promises anything more; one that is full only makes it wait."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from chatnet.address import TCP, Address, parse
from chatnet.config import Config
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.events import Ack, AnyEvent, HistoryPage, Nack, Opened
from chatnet.requests import CreateRoom, GetHistory, Post, Request
from chatnet.server import Server
from chatnet.store.sqlite import SqliteStore
from tests.e2e.processes import COMMAND, Chatnet, Process
from tests.e2e.raw import Raw, request
from tests.scripts.running import run_script
from tests.small_disk import small_disk

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from _io_errors import EX_IOERR
from _power_loss_record import FILES
from _power_loss_trace import STRACE, SyncFailed, Told, TraceReader
from _talkers import Lost, Talker, wait_for_acks

MIB = 1 << 20


def test_after_a_sync_that_fails_nothing_is_promised_and_the_server_ends() -> None:
    done = run_script("_io_errors.py", "14")
    assert done.returncode == 0, done.stderr
    assert "0 wrong" in done.stdout
    assert " of chatnet.db-wal" in done.stdout, "there are commits among those that failed"


MOST_SECONDS = 1.0


def test_chatnet_serve_ends_with_74_within_a_second_of_a_sync_that_fails_and_keeps_what_it_acked(
    tmp_path: Path,
) -> None:
    data, trace, talker = tmp_path / "data", tmp_path / "strace", Talker("writer")
    chatnet = Chatnet(tmp_path)
    # strace counts for each thread: this one is the writer's only.
    number = syncs_of_the_main_thread(chatnet, tmp_path / "other", trace) + 1
    with traced(chatnet, data, trace, failing=number) as (server, listening), closing(talker):
        talker.connect(parse(listening["addresses"][0]).port)
        with pytest.raises(Lost):
            talk(talker, number)
        assert server.wait() == EX_IOERR
        assert "disk I/O error" in "".join(server.err.rest())

    reader = TraceReader(data, FILES)
    steps = reader.read(trace)
    failures = [(i, s) for i, s in enumerate(steps) if isinstance(s, SyncFailed) and s.file in FILES]
    ((place, failure),) = failures
    assert failure.file == "chatnet.db-wal"
    assert reader.ended - failure.at <= MOST_SECONDS
    assert not [
        step for step in steps[place:] if isinstance(step, Told) and any(isinstance(e, Ack) for e in step.events)
    ]
    assert talker.acks

    try:
        chatnet.serve("--data", str(data))
        done = chatnet.run("history", "--as", "reader", "--room", "room", "--json")
    finally:
        chatnet.end()
    kept = [json.loads(line)["text"] for line in done.stdout.splitlines()]
    assert kept[: len(talker.acks)] == [talker.said[n].body for n in talker.acks]
    assert len(kept) <= len(talker.acks) + 1, "of what was never acked, only what was under way may be there"


def talk(talker: Talker, count: int) -> None:
    """Say one thing after the other, each when the one before it is acked."""
    room = talker.ask(lambda id: CreateRoom(id, "room"), Opened).conversation.id
    for number in range(count):
        talker.send(talker.post(room, f"text {number}"))
        wait_for_acks([talker])


@contextmanager
def traced(chatnet: Chatnet, data: Path, trace: Path, failing: int = 0) -> Iterator[tuple[Process, dict[str, Any]]]:
    """`chatnet serve` under strace, and what it says of itself. Skips the test where nobody can be watched."""
    if shutil.which("strace") is None:
        pytest.skip("there is no strace")
    done = subprocess.run(["strace", "-o", os.devnull, sys.executable, "-c", ""], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"strace may not be used here: {done.stderr.decode().strip()}")
    inject = ["-e", f"inject=fdatasync:error=EIO:when={failing}"] if failing else []
    serve = ["serve", "--data", str(data), "--bind", "chatnet+tcp://127.0.0.1:0", "--json"]
    server = Process([*STRACE, *inject, "-o", str(trace), *COMMAND, *serve], chatnet.environment)
    try:
        yield server, json.loads(server.out.next())
    finally:
        server.end()


def syncs_of_the_main_thread(chatnet: Chatnet, data: Path, trace: Path) -> int:
    """From its start to its end."""
    with traced(chatnet, data, trace) as (server, listening):
        os.kill(listening["pid"], signal.SIGTERM)
        assert server.wait() == 0
    lines = trace.read_text().splitlines()
    return sum(line.split()[0] == str(listening["pid"]) and " fdatasync(" in line for line in lines)


# -- a full disk ------------------------------------------------------------------------------------------------


def ask(client: Raw, what: Request) -> AnyEvent:
    client.send(request(what))
    return client.event()


def test_a_full_disk_refuses_writers_for_now_serves_readers_and_recovers(tmp_path: Path) -> None:
    with small_disk(tmp_path, MIB):
        ballast = tmp_path / "ballast"
        ballast.write_bytes(bytes(MIB // 2))
        fast = 1e9
        limits = Limits(post_burst=fast, text_burst=fast, request_burst=fast, farewell_seconds=0.2)
        config = Config(bind=(Address(TCP, "127.0.0.1", 0),), limits=limits)
        with (
            Server(config, store=SqliteStore(tmp_path)) as server,
            Raw(server.addresses[0]) as client,
            Raw(server.addresses[0]) as reader,
        ):
            client.log_in("writer")
            reader.log_in("reader")
            opened = ask(client, CreateRoom(1, "room"))
            assert isinstance(opened, Opened)
            room = opened.conversation.id

            n, answer = 1, ask(client, Post(1, room, "x" * 4000))
            while isinstance(answer, Ack):
                n += 1
                assert n < 1000, "this does not fit on the disk"
                answer = ask(client, Post(n, room, "x" * 4000))
            assert isinstance(answer, Nack)
            assert answer.code == ErrorCode.STORE_FULL
            assert answer.retry_after > 0

            for someone in (client, reader):
                page = ask(someone, GetHistory(2, room, limit=3))
                assert isinstance(page, HistoryPage)
                assert [message.seq for message in page.messages] == [n - 3, n - 2, n - 1], "readers go on"
            assert isinstance(ask(client, Post(n, room, "x" * 4000)), Nack), "it is still full"

            ballast.unlink()
            answer = ask(client, Post(n, room, "there is room again"))
            assert isinstance(answer, Ack)
            assert answer.seq == n
            page = ask(reader, GetHistory(3, room, limit=1))
            assert isinstance(page, HistoryPage)
            assert page.messages[0].body == "there is room again"
