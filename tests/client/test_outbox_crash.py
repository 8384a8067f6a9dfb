"""A client that ends at any moment, and comes back with its outbox on disk: its messages are stored once, in order."""

from pathlib import Path

import pytest

from chatnet.client.identity import Identity
from chatnet.client.outbox import ToRoom
from chatnet.client.session import ClientSession
from chatnet.client.spool import DiskOutbox
from tests.client.world import Person, World

TEXTS = [f"message {number}" for number in range(6)]


def come_back(world: World, alice: Person, outbox: DiskOutbox) -> None:
    """The process of before is gone; another one has its outbox."""
    world.cut(alice, server_notices=False)
    identity = Identity(bytes([1]) * 32, outbox.device)  # as `World` has it for the first person
    alice.session = ClientSession("alice", identity, random=lambda: 0.0, outbox=outbox)
    world.connect(alice)


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("answered", [0, 40, 1 << 20])
def test_what_was_sent_before_the_end_is_not_stored_again(tmp_path: Path, turns: int, answered: int) -> None:
    """The end comes after so many turns, in the last of which only so many bytes of the answers arrive."""
    world = World("alice", "bob")
    alice, bob = world.people
    world.settle()
    bob.session.join("lobby")
    world.settle()
    with DiskOutbox(tmp_path / "1") as outbox:
        come_back(world, alice, outbox)
        for text in TEXTS:
            alice.session.post(ToRoom("lobby"), text)
        for _ in range(turns):
            world.carry(alice)
        world.carry(alice, down=answered)
    with DiskOutbox(tmp_path / "1") as outbox:
        come_back(world, alice, outbox)
        world.settle()
        assert len(outbox) == 0
    (heard,) = bob.heard().values()
    assert heard == TEXTS
