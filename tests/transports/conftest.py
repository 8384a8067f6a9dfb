"""What tests of several transports need: a server that never answers, and certificates."""

import socket
from collections.abc import Iterator

import pytest

from chatnet.net.certificates import Certificates, own_certificates


@pytest.fixture
def full_listener() -> Iterator[socket.socket]:
    """Listens at 127.0.0.1, with a backlog that is full: one more connect hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        while True:
            client = socket.socket()
            waiting.append(client)
            client.settimeout(0.05)
            try:
                client.connect(listener.getsockname())
            except TimeoutError:
                break
        yield listener
        for client in waiting:
            client.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return own_certificates(tmp_path_factory.mktemp("tls"))
