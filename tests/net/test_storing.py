"""The server's side of the store: batches, counts, and the rule about failures."""

import pytest

from chatnet.core.effects import Append, Reply
from chatnet.core.entries import Batch, Committed, Completion, Failed, PageRead, ReadFailed, ReadMessages
from chatnet.errors import ErrorCode
from chatnet.events import Done
from chatnet.net.storing import StoreBroken, StoreLink
from tests.net.rig import Rig, ScriptedStore, entry

QUERY = ReadMessages(1, 10, 1000, after=0)


class World:
    def __init__(self) -> None:
        self.store = ScriptedStore()
        self.link = StoreLink(self.store)

    def submit(self, number: int) -> Batch:
        self.link.batch.append(entry(number))
        self.link.send()
        return self.store.batches[-1]

    def take(self, *answers: Completion) -> None:
        self.store.answers += answers
        for completion in self.link.take():
            self.link.note(completion)


@pytest.fixture
def world() -> World:
    return World()


def failed(batch: Batch) -> Failed:
    return Failed(batch, ErrorCode.STORE_FULL, "disk full", 5.0)


def committed(batch: Batch) -> Committed:
    return Committed(batch, [None] * len(batch))


def test_each_batch_is_a_list_of_its_own(world: World) -> None:
    first, second = world.submit(1), world.submit(2)
    assert (first, second) == ([entry(1)], [entry(2)])


def test_it_waits_until_all_is_answered(world: World) -> None:
    assert not World().link.is_waiting
    world.link.batch.append(entry(1))
    assert world.link.is_waiting
    world.link.send()
    world.link.queries.append(QUERY)
    world.link.send()
    world.take(committed(world.store.batches[0]))
    assert world.link.is_waiting
    world.take(PageRead(QUERY, [], 1))
    assert not world.link.is_waiting


def test_a_read_that_failed_is_an_answer(world: World) -> None:
    world.link.queries.append(QUERY)
    world.link.send()
    world.take(ReadFailed(QUERY, ErrorCode.STORE_FAILING, "try later"))
    assert not world.link.is_waiting


def test_a_mark_passes_when_all_before_it_is_answered(world: World) -> None:
    first = world.submit(1)
    mark = world.link.mark()
    second = world.submit(2)
    assert not world.link.has_passed(mark)
    world.take(committed(first))
    assert world.link.has_passed(mark)
    assert not world.link.has_passed(world.link.mark())
    world.take(committed(second))
    assert world.link.has_passed(world.link.mark())


def test_a_failure_is_acknowledged(world: World) -> None:
    world.take(failed(world.submit(1)))
    assert world.store.log[-1] == "acknowledge"


def test_failures_that_follow_from_the_first_are_not_acknowledged_again(world: World) -> None:
    batches = [world.submit(n) for n in (1, 2, 3)]
    world.take(failed(batches[0]), failed(batches[1]))
    world.submit(4)
    world.take(failed(batches[2]))
    assert world.store.log == [[entry(1)], [entry(2)], [entry(3)], "acknowledge", [entry(4)]]


def test_a_failure_of_a_batch_submitted_after_that_is_a_new_one(world: World) -> None:
    first, second = world.submit(1), world.submit(2)
    world.take(failed(first))
    third = world.submit(3)
    world.take(failed(second), failed(third))
    assert world.store.log.count("acknowledge") == 2
    assert world.store.log[-1] == "acknowledge"


def test_after_a_success_a_failure_is_a_new_one(world: World) -> None:
    for number in range(3):
        world.take(failed(world.submit(number)))
        world.take(committed(world.submit(number)))
    assert world.store.log.count("acknowledge") == 3


def test_what_was_asked_for_before_a_failure_was_heard_of_fails_with_it(world: World) -> None:
    batch = world.submit(1)
    world.link.batch.append(entry(2))
    world.take(failed(batch))
    assert world.store.log == [[entry(1)], [entry(2)], "acknowledge"]
    world.take(failed(world.store.batches[1]))
    assert world.store.log.count("acknowledge") == 1


def test_the_core_hears_of_a_failure_before_anything_new_is_submitted() -> None:
    rig = Rig()
    rig.carry_out(Append(entry(1)))
    rig.turn()
    client = rig.login()
    rig.core.on_completed = lambda _: [Reply(client.peer, Done(1)), Append(entry(2))]
    rig.store.answers = [failed(rig.store.batches[0])]
    rig.settle()
    assert client.events() == [Done(1)]
    assert rig.store.log == [[entry(1)], "acknowledge", [entry(2)]]


# -- a store that is broken -----------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["open", "send", "take", "close"])
def test_whatever_a_store_raises_means_that_it_is_broken(world: World, call: str) -> None:
    world.link.batch.append(entry(1))
    world.store.error = OSError(5, "Input/output error")
    calls = {
        "open": lambda: world.link.open(lambda: None),
        "send": world.link.send,
        "take": world.link.take,
        "close": world.link.close,
    }
    with pytest.raises(StoreBroken, match="Input/output error") as caught:
        calls[call]()
    assert caught.value.code == ErrorCode.STORE_FAILING
    assert caught.value.__cause__ is world.store.error


def test_an_error_without_a_text_is_named(world: World) -> None:
    world.store.error = MemoryError()
    with pytest.raises(StoreBroken, match="MemoryError"):
        world.link.take()


def test_a_broken_store_ends_the_loop_and_is_not_taken_for_a_clients_fault() -> None:
    rig = Rig()
    client = rig.login()
    rig.core.on_request = lambda *_: [Append(entry(1))]
    rig.store.error = OSError("disk is gone")
    with pytest.raises(StoreBroken, match="disk is gone"):
        rig.turn()
    assert client.events() == []
    assert client.peer in rig.connections.all
