"""How long a command keeps trying."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from chatnet.client.progress import Progress
from chatnet.errors import ChatnetError, ErrorCode, Refused, TimedOut, Unreachable
from chatnet_cli import patience
from chatnet_cli.patience import Patience, keep_trying

GOING = Progress("a", 1, 9, 0.0, None, "sending")
GONE = Unreachable(ErrorCode.UNREACHABLE, "nobody is there\nLook elsewhere.")


class Clock:
    """`time` as the test says; sleeping takes no time."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(patience, "time", clock)
    monkeypatch.setattr(patience, "chance", lambda: 1.0)
    return clock


def attempts(*outcomes: ChatnetError | Callable[[], None]) -> Callable[[], str]:
    """An attempt that ends with each of these errors in turn, and then well."""
    left = list(outcomes)

    def attempt() -> str:
        while left:
            outcome = left.pop(0)
            if isinstance(outcome, ChatnetError):
                raise outcome
            outcome()
        return "done"

    return attempt


def test_what_passes_is_tried_again_and_said_once(clock: Clock) -> None:
    told: list[str] = []
    assert keep_trying(attempts(GONE, GONE, GONE), Patience(60), told.append) == "done"
    assert told == ["nobody is there; trying again for 60 s"]


def test_the_time_ends_with_the_last_error(clock: Clock) -> None:
    with pytest.raises(Unreachable):
        keep_trying(attempts(*[GONE] * 1000), Patience(60), lambda _: None)
    assert clock.now == 1060.0


@pytest.mark.parametrize(
    ("seconds", "error"), [(None, GONE), (60, Refused(ErrorCode.MUTED, "")), (60, Refused(ErrorCode.STALE, ""))]
)
def test_one_attempt_is_all_without_patience_and_for_what_does_not_pass(
    clock: Clock, seconds: int | None, error: ChatnetError
) -> None:
    with pytest.raises(type(error)):
        keep_trying(attempts(error), Patience(seconds), lambda _: None)
    assert clock.now == 1000.0


def test_what_a_server_asks_for_is_waited(clock: Clock) -> None:
    keep_trying(attempts(Refused(ErrorCode.STORE_FULL, "", 30.0)), Patience(60), lambda _: None)
    assert clock.now >= 1030.0


def test_whenever_something_moves_patience_is_renewed_and_the_next_failure_told(clock: Clock) -> None:
    patience, told = Patience(60), list[str]()
    tell = patience.following(lambda _: None)

    def move(done: int) -> Callable[[], None]:
        return lambda: tell(replace(GOING, done=done))

    outcomes = [outcome for done in range(1, 11) for outcome in (move(done), GONE, GONE, GONE, GONE)]
    assert keep_trying(attempts(*outcomes), patience, told.append) == "done"
    assert clock.now > 1060.0
    assert len(told) == 10


@pytest.mark.parametrize(
    "progress",
    [
        GOING,
        replace(GOING, done=0),
        replace(GOING, done=5, phase="hashing"),
        replace(GOING, done=5, phase="checking"),
    ],
)
def test_what_was_there_before_and_what_is_only_read_is_no_progress(clock: Clock, progress: Progress) -> None:
    patience = Patience(60)
    tell = patience.following(lambda _: None)
    tell(GOING)
    clock.now += 10
    tell(progress)
    assert patience.left == 50.0


def test_a_server_that_cannot_go_on_is_not_waited_for_longer(clock: Clock) -> None:
    shown: list[Progress] = []
    tell = Patience(60).following(shown.append)
    waiting = replace(GOING, waiting_for="server", reason="the disk is full")
    tell(waiting)
    clock.now += 60
    tell(GOING)
    with pytest.raises(TimedOut, match="for 60 s: the disk is full"):
        tell(waiting)
    assert shown == [waiting, GOING, waiting]


def test_a_client_that_waits_by_itself_is_left_to_it(clock: Clock) -> None:
    shown: list[Progress] = []
    tell = Patience(None).following(shown.append)
    for _ in range(3):
        tell(replace(GOING, waiting_for="connection"))
        clock.now += 10**6
    assert len(shown) == 3
