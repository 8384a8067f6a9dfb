"""How often a login may fail: per account and place, per account, per place; and what is kept is bounded."""

import pytest

from chatnet.clock import Now
from chatnet.core.attempts import Attempts
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode, Refused

HERE, THERE = "192.0.2.1", "192.0.2.2"


def at(seconds: float) -> Now:
    return Now(seconds, 0)


def wait(attempts: Attempts, place: str, account: str, now: Now) -> float:
    """For how long a login has to wait; 0 for not at all."""
    try:
        attempts.check(place, account, now)
    except Refused as no:
        return no.retry_after if no.code == ErrorCode.RETRY_AFTER else -1.0
    return 0.0


def fail(attempts: Attempts, place: str, account: str, times: int, now: Now) -> None:
    for _ in range(times):
        attempts.failed(place, account, now)


def test_an_account_may_fail_five_times_a_minute_from_one_place() -> None:
    attempts = Attempts(Limits())
    for second in range(5):
        assert wait(attempts, HERE, "anna", at(second)) == 0
        attempts.failed(HERE, "anna", at(second))
    assert wait(attempts, HERE, "anna", at(5)) == 55
    assert wait(attempts, HERE, "anna", at(60)) == 0
    attempts.failed(HERE, "anna", at(60))
    assert wait(attempts, HERE, "anna", at(60.5)) == 0.5


def test_nobody_locks_out_an_account_from_elsewhere() -> None:
    attempts = Attempts(Limits())
    fail(attempts, THERE, "anna", 9, at(0))
    assert wait(attempts, HERE, "anna", at(1)) == 0


def test_an_account_is_guarded_against_those_who_have_many_places() -> None:
    attempts = Attempts(Limits())
    for i in range(25):
        fail(attempts, f"198.51.100.{i}", "anna", 4, at(i))
    assert wait(attempts, HERE, "anna", at(30)) == 30
    assert wait(attempts, HERE, "bert", at(30)) == 0


def test_a_place_may_fail_ten_times_a_minute_whatever_the_account() -> None:
    attempts = Attempts(Limits())
    for i in range(10):
        assert wait(attempts, HERE, f"name{i}", at(i)) == 0
        attempts.failed(HERE, f"name{i}", at(i))
    assert wait(attempts, HERE, "anna", at(10)) == 50
    assert wait(attempts, HERE, "", at(10)) == 50
    assert wait(attempts, THERE, "anna", at(10)) == 0


def test_this_machine_is_no_place() -> None:
    attempts = Attempts(Limits())
    for i in range(50):
        attempts.failed("", f"name{i}", at(0))
        attempts.failed("", "", at(0))
    assert wait(attempts, "", "anna", at(1)) == 0
    fail(attempts, "", "anna", 5, at(1))
    assert wait(attempts, "", "anna", at(2)) == 59


@pytest.mark.parametrize("keys", [3, 10])
def test_what_is_kept_is_bounded(keys: int) -> None:
    attempts = Attempts(Limits(failed_login_keys=keys))
    for i in range(1000):
        attempts.failed(f"place{i}", f"name{i % 7}", at(i / 100))
        assert len(attempts._failures) <= keys
    assert max(len(times) for times in attempts._failures.values()) <= 100
