"""A durable server that is started again, and what clients knew of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatnet.address import TCP, Address
from chatnet.client.driver import Driver
from chatnet.client.identity import Identity
from chatnet.client.outbox import ToConversation
from chatnet.client.session import ClientSession
from chatnet.config import Config
from chatnet.core.limits import Limits
from chatnet.events import Opened
from chatnet.requests import Open
from chatnet.server import Server
from tests.client.servers import PATIENCE


@contextmanager
def online(folder: Path, *names: str) -> Iterator[list[Driver]]:
    """A server over what is in a folder, and these clients of it."""
    config = Config(bind=(Address(TCP, "127.0.0.1", 0),), data=folder, limits=Limits(farewell_seconds=0.2))
    with Server(config) as server:
        drivers = [_client(name, server.addresses[0]) for name in names]
        try:
            yield drivers
        finally:
            for driver in drivers:
                driver.close()


def _client(name: str, address: Address) -> Driver:
    who = name.encode().ljust(16, b".")
    driver = Driver(ClientSession(name, Identity(who * 2, who), random=lambda: 0.0), timeout=PATIENCE, reconnect=False)
    driver.connect([address])
    return driver


def test_a_chat_that_was_only_looked_up_can_be_posted_to_after_a_restart_of_the_server(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with online(folder, "alice", "bob") as (alice, _):
        session = alice.session
        ask = lambda: session.request(lambda id: Open(id, user="bob"))  # noqa: E731
        opened = alice.answer_to(ask, time.monotonic() + PATIENCE)
        assert isinstance(opened, Opened)
    with online(folder, "alice") as (alice,):
        n = alice.session.post(ToConversation(opened.conversation.id), "the first word")
        stored = alice.answer_to_post(n, time.monotonic() + PATIENCE)
        assert (stored.conversation, stored.seq) == (opened.conversation.id, 1)
