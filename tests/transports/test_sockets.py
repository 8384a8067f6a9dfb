"""Socket options: ours and the system's."""

import os
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from chatnet.net.sockets import (
    UNSENT_BYTES,
    Credentials,
    claim_address,
    keep_little_unsent,
    listening_process,
    peer_credentials,
)

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no unix sockets")
knows_peers = pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="this system does not say who connects")


@knows_peers
def test_the_kernel_vouches_for_the_other_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATNET_TEST_PLATFORM", raising=False)
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert peer_credentials(ours) == Credentials(os.getpid(), os.getuid(), os.getgid())


@knows_peers
def test_the_kernel_knows_who_listens_at_a_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CHATNET_TEST_PLATFORM", raising=False)
    path = str(tmp_path / "s")
    assert listening_process(path) is None
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        assert listening_process(path) is None
        listener.listen()
        assert listening_process(path) == os.getpid()
        monkeypatch.setenv("CHATNET_TEST_PLATFORM", "minimal")
        assert listening_process(path) is None


def test_the_minimal_platform_knows_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATNET_TEST_PLATFORM", "minimal")
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert peer_credentials(ours) is None


def test_an_address_can_be_taken_again_while_its_last_connections_fade() -> None:
    with socket.socket() as listener:
        claim_address(listener)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        name = listener.getsockname()
        with socket.create_connection(name) as client:
            server, _ = listener.accept()
            server.close()  # whoever closes first waits in TIME_WAIT
            assert client.recv(1) == b""
    with socket.socket() as listener:
        claim_address(listener)
        listener.bind(name)


def test_an_address_that_is_held_cannot_be_taken() -> None:
    with socket.socket() as holder, socket.socket() as other:
        for sock in (holder, other):
            claim_address(sock)
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(OSError, match="in use"):
            other.bind(holder.getsockname())


def taken_unread(favoured: bool) -> int:
    """Bytes that the system takes for somebody who reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        server, _ = listener.accept()
        with server:
            if favoured:
                keep_little_unsent(client)
            client.setblocking(False)
            taken = 0
            with suppress(BlockingIOError):
                while True:
                    taken += client.send(bytes(64 * 1024))
            return taken


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="this system takes as much as it likes")
def test_little_of_what_is_unsent_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATNET_TEST_PLATFORM", raising=False)
    with socket.socket() as sock:
        keep_little_unsent(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == UNSENT_BYTES
    assert taken_unread(favoured=True) < taken_unread(favoured=False) / 2


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="there is nothing to leave alone")
def test_the_minimal_platform_keeps_what_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATNET_TEST_PLATFORM", "minimal")
    with socket.socket() as sock:
        before = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
        keep_little_unsent(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == before


def test_a_unix_socket_has_no_such_option_and_is_left_alone() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        keep_little_unsent(ours)
        ours.sendall(b"as before")
        assert theirs.recv(100) == b"as before"
