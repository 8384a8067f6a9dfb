"""A server that is there and never answers."""

import socket
from collections.abc import Iterator

import pytest


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
