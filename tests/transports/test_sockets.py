"""Socket options: ours and the system's."""

import os
import socket

import pytest

from chatnet.net.sockets import Credentials, claim_address, peer_credentials

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no unix sockets")
knows_peers = pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="this system does not say who connects")


@knows_peers
def test_the_kernel_vouches_for_the_other_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATNET_TEST_PLATFORM", raising=False)
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert peer_credentials(ours) == Credentials(os.getpid(), os.getuid(), os.getgid())


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
