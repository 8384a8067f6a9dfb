"""The proxy of `scripts/crash_test`: bytes come through unchanged, and each fault is what it says."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
from _fault_proxy import SERVER_GONE, FaultProxy, Faults  # noqa: E402

NONE = Faults(0, 0, 0, 0, 0)
SECONDS = 10.0
"""For anything that should take a moment."""


@contextmanager
def through(faults: Faults, seed: str = "1") -> Iterator[tuple[socket.socket, socket.socket, FaultProxy]]:
    """A client's and a server's end of one connection through a proxy."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SECONDS)
        with (
            closing(FaultProxy(listener.getsockname()[1], seed=seed, faults=faults)) as proxy,
            socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as client,
            listener.accept()[0] as server,
        ):
            server.settimeout(SECONDS)
            yield client, server, proxy


def receive(sock: socket.socket, size: int) -> bytes:
    """So many bytes; fewer if the other side ends before."""
    data = b""
    while len(data) < size and (more := sock.recv(size - len(data))):
        data += more
    return data


@pytest.mark.parametrize(
    "faults",
    [
        NONE,
        Faults(delay=1, split=1, stall=0, reset=0, half_close=0, delay_seconds=0.002),
        Faults(delay=0, split=0, stall=1, reset=0, half_close=0, stall_seconds=0.005),
    ],
)
def test_all_bytes_come_through_in_order_both_ways(faults: Faults) -> None:
    sent = bytes(range(256)) * 2000
    with through(faults) as (client, server, _):
        for source, sink in ((client, server), (server, client)):
            writer = threading.Thread(target=source.sendall, args=(sent,))
            writer.start()
            assert receive(sink, len(sent)) == sent
            writer.join()


def test_a_split_ends_a_piece_anywhere() -> None:
    with through(Faults(delay=0, split=1, stall=0, reset=0, half_close=0)) as (client, server, proxy):
        client.sendall(b"abcdefgh")
        first = server.recv(100)
        assert first
        assert first + receive(server, 8 - len(first)) == b"abcdefgh"
        assert proxy.counts == {"split": 1}


def test_a_reset_is_seen_on_both_sides() -> None:
    with through(Faults(delay=0, split=0, stall=0, reset=1, half_close=0)) as (client, server, proxy):
        client.sendall(b"abcdefgh")
        for sock in (client, server):
            with pytest.raises(ConnectionResetError):
                receive(sock, 100)
        assert proxy.counts == {"reset": 1}


def test_after_a_half_close_the_other_direction_still_works() -> None:
    with through(Faults(delay=0, split=0, stall=0, reset=0, half_close=1)) as (client, server, proxy):
        client.sendall(b"abcdefgh")
        assert b"abcdefgh".startswith(receive(server, 100))
        proxy.faults = NONE
        server.sendall(b"still here")
        assert receive(client, 10) == b"still here"
        assert proxy.counts == {"half-close": 1}


def test_calm_lets_go_of_what_is_stalled() -> None:
    with through(Faults(delay=0, split=0, stall=1, reset=0, half_close=0, stall_seconds=1e6)) as (
        client,
        server,
        proxy,
    ):
        client.sendall(b"abcdefgh")
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.recv(100)
        server.settimeout(SECONDS)
        proxy.calm()
        assert receive(server, 8) == b"abcdefgh"
        client.sendall(b"and more")
        assert receive(server, 8) == b"and more"
        assert proxy.counts == {"stall": 1}


def test_an_end_is_passed_on_after_the_last_byte() -> None:
    with through(Faults(delay=1, split=0, stall=0, reset=0, half_close=0)) as (client, server, _):
        client.sendall(b"last words")
        client.shutdown(socket.SHUT_WR)
        assert receive(server, 100) == b"last words"
        server.sendall(b"answer")
        server.close()
        assert receive(client, 100) == b"answer"


def test_without_a_server_clients_are_turned_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with closing(FaultProxy(port, seed="1", faults=NONE)) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as client:
            assert client.recv(1) == b""
        assert proxy.counts == {SERVER_GONE: 1}


def test_the_same_seed_plans_the_same_faults() -> None:
    faults = Faults(delay=0.3, split=0, stall=0, reset=0, half_close=0, delay_seconds=0.001)
    seen = []
    for seed in ("1", "1", "2"):
        with through(faults, seed) as (client, server, proxy):
            delayed = []
            for _ in range(40):
                client.sendall(b"x")
                assert server.recv(1) == b"x"
                delayed.append(proxy.counts["delay"])
            seen.append(delayed)
    assert seen[0] == seen[1] != seen[2]
