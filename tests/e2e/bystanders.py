"""Two ordinary clients, who must not notice anything of what a test does to their server."""

import time

from chatnet import Client
from chatnet.address import Address
from chatnet.client.identity import Identity
from tests.e2e.processes import DEADLINE


class Pair:
    """Alice, who talks, and Bob, who listens. Neither connects again: to lose the connection is to notice."""

    def __init__(self, address: Address) -> None:
        self.alice = Client(address, name="alice", identity=Identity.ephemeral(), timeout=DEADLINE, reconnect=False)
        self.bob = Client(address, name="bob", identity=Identity.ephemeral(), timeout=DEADLINE, reconnect=False)
        self._said = 0

    def start(self) -> None:
        self.alice.connect()
        self.bob.connect()

    def talk(self) -> None:
        """Alice says something, and it is the next thing that Bob hears."""
        self._said += 1
        text = f"message {self._said}"
        self.alice.send(text, to="bob")
        heard = next(self.bob.messages(timeout=DEADLINE), None)
        assert heard is not None
        assert (heard.sender, heard.text) == ("alice", text)

    def wait_until_gone(self, name: str) -> None:
        """Wait until the server knows nobody of this name who is online."""
        end = time.monotonic() + DEADLINE
        while name in {user.name for user in self.alice.who()}:
            assert time.monotonic() < end, f"{name} is still there"

    def end(self) -> None:
        self.alice.close()
        self.bob.close()
