"""The server's side of the store: batches, counts, and the rule about failures."""

import pytest

from chatnet.core.effects import Reply
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

    def take(self, *answers: Completion) -> list[Completion]:
        """What the core hears when the store answers so."""
        self.store.answers += answers
        return list(self.link.take())


@pytest.fixture
def world() -> World:
    return World()


def failed(batch: Batch) -> Failed:
    return Failed(batch, ErrorCode.STORE_FULL, "disk full", 5.0)


def committed(batch: Batch) -> Committed:
    return Committed(batch, [None] * len(batch))


def test_each_batch_is_a_list_of_its_own(world: World) -> None:
    first = world.submit(1)
    world.take(committed(first))
    assert (first, world.submit(2)) == ([entry(1)], [entry(2)])


def test_while_the_store_has_a_batch_the_next_is_gathered(world: World) -> None:
    first = world.submit(1)
    for number in (2, 3):
        world.link.batch.append(entry(number))
        assert not world.link.can_send
        world.link.send()
    assert world.store.batches == [first]
    world.take(committed(first))
    assert world.link.can_send
    world.link.send()
    assert world.store.batches == [first, [entry(2), entry(3)]]


def test_queries_do_not_wait_for_a_batch(world: World) -> None:
    world.submit(1)
    world.link.batch.append(entry(2))
    world.link.queries.append(QUERY)
    assert world.link.can_send
    world.link.send()
    assert world.store.log == [[entry(1)], QUERY], "and the next batch waits all the same"


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
    world.link.batch.append(entry(2))
    later = world.link.mark()
    assert not world.link.has_passed(mark)
    world.take(committed(first))
    assert world.link.has_passed(mark)
    assert not world.link.has_passed(later)
    world.link.send()
    assert not world.link.has_passed(later)
    world.take(committed(world.store.batches[-1]))
    assert world.link.has_passed(later)


def test_a_mark_passes_too_when_what_was_gathered_fails(world: World) -> None:
    first = world.submit(1)
    world.link.batch.append(entry(2))
    mark = world.link.mark()
    world.take(failed(first))
    assert world.link.has_passed(mark)
    assert not world.link.is_waiting
    world.submit(3)
    assert world.link.is_waiting


def test_a_failure_is_acknowledged(world: World) -> None:
    world.take(failed(world.submit(1)))
    assert world.store.log[-1] == "acknowledge"


def test_the_core_hears_at_once_of_all_that_a_failure_takes_with_it(world: World) -> None:
    first = world.submit(1)
    gathered = world.link.batch
    gathered.append(entry(2))
    heard = world.take(failed(first))
    assert heard == [failed([entry(1)]), failed([entry(2)])]
    assert isinstance(heard[1], Failed)
    assert heard[1].batch is gathered, "the very batch that the core has asked for"
    assert world.store.log == [first, "acknowledge"]
    assert not world.link.batch


def test_what_a_failure_leads_to_is_the_next_batch(world: World) -> None:
    world.store.answers = [failed(world.submit(1))]
    for _ in world.link.take():
        world.link.batch.append(entry(2))
    assert world.link.batch == [entry(2)]


def test_after_a_success_a_failure_is_a_new_one(world: World) -> None:
    for number in range(3):
        world.take(failed(world.submit(number)))
        world.take(committed(world.submit(number)))
    assert world.store.log.count("acknowledge") == 3


def test_nothing_new_is_submitted_before_the_core_has_heard_of_a_failure() -> None:
    rig = Rig()
    rig.submit()
    client = rig.login()
    rig.core.on_completed = lambda _: [Reply(client.peer, Done(1)), entry(2)]
    rig.store.answers = [failed(rig.store.batches[0])]
    rig.settle()
    assert client.events() == [Done(1)]
    assert rig.store.log == [[entry(1)], "acknowledge", [entry(2)]]


def test_a_message_never_overtakes_one_that_has_failed() -> None:
    rig = Rig()
    first = rig.submit(1)
    rig.carry_out(entry(2))
    rig.turn()
    rig.store.answers = [failed(first)]
    rig.turn()
    told = [done.batch for (done,) in rig.core.heard("completed") if isinstance(done, Failed)]
    assert told == [[entry(1)], [entry(2)]]
    assert rig.store.log == [first, "acknowledge"]


# -- a store that is broken -----------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["open", "send", "take", "close"])
def test_whatever_a_store_raises_means_that_it_is_broken(world: World, call: str) -> None:
    world.link.batch.append(entry(1))
    world.store.error = OSError(5, "Input/output error")
    calls = {
        "open": lambda: world.link.open(lambda: None),
        "send": world.link.send,
        "take": lambda: list(world.link.take()),
        "close": world.link.close,
    }
    with pytest.raises(StoreBroken, match="Input/output error") as caught:
        calls[call]()
    assert caught.value.code == ErrorCode.STORE_FAILING
    assert caught.value.__cause__ is world.store.error


def test_an_error_without_a_text_is_named(world: World) -> None:
    world.store.error = MemoryError()
    with pytest.raises(StoreBroken, match="MemoryError"):
        list(world.link.take())


def test_a_broken_store_ends_the_loop_and_is_not_taken_for_a_clients_fault() -> None:
    rig = Rig()
    client = rig.login()
    rig.core.on_request = lambda *_: [entry(1)]
    rig.store.error = OSError("disk is gone")
    with pytest.raises(StoreBroken, match="disk is gone"):
        rig.turn()
    assert client.events() == []
    assert client.peer in rig.connections.all
