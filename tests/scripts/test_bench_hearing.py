"""`scripts/bench`: what a load that compares servers heard is checked without a gap, whatever way it takes to do so."""

import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "bench"))
from _hearing import NUMBER, STAMP, TEXT_BYTES, Ear, Follower, Log, Reader, Solo, Stream, name_of, stamp_in, text_of

NOISE = b":100\r\n"


def wire(sender: int, n: int, stamp: int = 0) -> bytes:
    """A message as some server delivers it."""
    text = text_of(sender).replace(NUMBER, b"%08d" % n).replace(STAMP, b"%016d" % stamp)
    return b"MSG room 1 %d\r\n%s\r\n" % (len(text), text)


def a_log(senders: int = 2) -> Log:
    log = Log()
    log.said = {name_of(sender): 0 for sender in range(senders)}
    return log


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


GOOD = [(n % 2, n // 2 + 1) for n in range(20)]
STREAM = b"".join(wire(*each) for each in GOOD)
CUTS = st.lists(st.integers(0, len(STREAM)), max_size=12)


def test_a_text_has_the_size_that_all_servers_carry() -> None:
    assert len(text_of(7)) == TEXT_BYTES


@given(CUTS, CUTS, CUTS)
def test_however_it_is_cut_everybody_has_heard_everything(one: list[int], two: list[int], three: list[int]) -> None:
    log = a_log()
    stream = Stream(log)
    ears: list[tuple[Ear, bytes, list[int]]] = [
        (Follower(stream), STREAM, one),
        (Follower(stream), STREAM, two),
        (Reader(log), STREAM.replace(b"MSG", NOISE + b"MSG"), three),
    ]
    waiting = [(ear, pieces(data, cuts)) for ear, data, cuts in ears]
    while any(left for _, left in waiting):
        for ear, left in waiting:
            if left:
                ear.feed(left.pop(0))
    assert [ear.heard for ear, _ in waiting] == [len(GOOD)] * 3
    assert [ear.missing() for ear, _ in waiting] == [0] * 3
    assert log.said == {name_of(0): 10, name_of(1): 10}
    assert not log.faults


@given(CUTS, st.integers(0, len(GOOD) - 1))
def test_one_who_only_listens_and_misses_a_message_is_found_out(cuts: list[int], gone: int) -> None:
    log = a_log()
    stream = Stream(log)
    Follower(stream).feed(STREAM)
    follower = Follower(stream)
    for piece in pieces(b"".join(wire(*each) for i, each in enumerate(GOOD) if i != gone), cuts):
        follower.feed(piece)
    assert follower.missing() > 0


@given(CUTS, st.integers(0, len(GOOD) - 1))
def test_one_who_only_listens_and_hears_a_message_twice_is_found_out(cuts: list[int], twice: int) -> None:
    log = a_log()
    stream = Stream(log)
    Follower(stream).feed(STREAM)
    follower = Follower(stream)
    for piece in pieces(b"".join(wire(*each) * (1 + (i == twice)) for i, each in enumerate(GOOD)), cuts):
        follower.feed(piece)
    assert follower.missing() or log.faults


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ([(0, 1), (0, 3)], "lost or damaged"),
        ([(0, 1), (0, 1)], "heard twice or out of order"),
        ([(0, 2), (0, 1)], "heard twice or out of order"),
        ([(5, 1)], "damaged, or heard in another room"),
    ],
)
@pytest.mark.parametrize("kind", [Reader, Solo, Follower])
def test_what_the_first_one_hears_must_be_in_order(kind: type, said: list[tuple[int, int]], fault: str) -> None:
    log = a_log()
    ear: Ear = Solo(log, name_of(1)) if kind is Solo else Follower(Stream(log)) if kind is Follower else Reader(log)
    ear.feed(b"".join(wire(*each) for each in said))
    assert log.faults[fault]


def test_a_damaged_text_is_not_heard() -> None:
    log = a_log()
    reader = Reader(log)
    reader.feed(STREAM)
    other = Reader(log)
    other.feed(STREAM.replace(b"lazy", b"LAZY", 1))
    assert other.missing()


def test_two_senders_may_be_heard_in_another_order_than_by_others() -> None:
    log = a_log()
    stream = Stream(log)
    first, second = Follower(stream), Follower(stream)
    first.feed(wire(0, 1) + wire(1, 1) + wire(0, 2))
    second.feed(wire(1, 1) + wire(0, 1))
    assert second.missing()
    second.feed(wire(0, 2))
    assert [first.missing(), second.missing()] == [0, 0]
    assert not log.faults


def test_whoever_was_ahead_in_another_order_is_followed_again() -> None:
    log = a_log()
    stream = Stream(log)
    first, second = Follower(stream), Follower(stream)
    first.feed(wire(0, 1) + wire(1, 1))
    second.feed(wire(1, 1) + wire(0, 1))
    for n in range(2, 50):
        first.feed(wire(0, n))
        second.feed(wire(0, n))
    assert second._reader is None
    second.feed(wire(0, 51))
    assert log.faults["lost or damaged"]


def test_one_who_is_behind_and_ahead_at_once_is_compared_all_the_same() -> None:
    log = a_log()
    stream = Stream(log)
    first, second = Follower(stream), Follower(stream)
    first.feed(wire(0, 1))
    second.feed(wire(0, 1).replace(b"lazy", b"LAZY") + wire(0, 2))
    assert second.missing() or log.faults


def test_where_orders_differ_a_message_twice_does_not_stand_for_another() -> None:
    log = a_log()
    stream = Stream(log)
    first, second = Follower(stream), Follower(stream)
    Reader(log).feed(wire(1, 1) + wire(0, 1))
    first.feed(wire(0, 1) + wire(1, 1))
    second.feed(wire(1, 1))
    second.feed(wire(1, 1))
    assert second.missing()


def test_a_sender_of_its_own_must_be_heard_in_order() -> None:
    log = a_log()
    Reader(log).feed(wire(0, 1) + wire(1, 1) + wire(0, 2))
    other = Reader(log)
    other.feed(wire(0, 2) + wire(1, 1) + wire(0, 1))
    assert other.missing()


def test_who_does_not_hear_itself_misses_only_what_others_say() -> None:
    log = a_log()
    one, other = Solo(log, name_of(0)), Solo(log, name_of(1))
    one.feed(wire(1, 1))
    other.feed(wire(0, 1))
    assert [one.missing(), other.missing()] == [0, 0]
    other.feed(wire(0, 2))
    assert log.heard_of(name_of(0)) == 2
    one.feed(wire(1, 2))
    third = Solo(log, name_of(1))
    assert third.missing() == 2


def test_a_stamp_comes_back() -> None:
    log = a_log()
    assert [stamp_in(item) for item in Reader(log).feed(wire(0, 1, 12345))] == [12345]
