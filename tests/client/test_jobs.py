"""Small steps: how jobs go on, end, and are ended."""

import math

import pytest

from chatnet.client.jobs import AT_ONCE, Cancelled, Job, Steps
from chatnet.errors import ErrorCode, Refused


class Log:
    """A job of three steps that notes what happens to it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.job: Job[str] = Job(self._steps(), lambda job: self.lines.append(f"ended {job.is_over}"))

    def _steps(self) -> Steps[str]:
        try:
            for due in (5.0, AT_ONCE, math.inf):
                self.lines.append("step")
                yield due
        except Cancelled:
            self.lines.append("cancelled")
            raise
        finally:
            self.lines.append("left")
        return "done"


def test_a_job_goes_on_step_by_step_to_its_end() -> None:
    log = Log()
    dues = []
    while not log.job.is_over:
        dues.append(log.job.due)
        log.job.step()
    assert dues == [AT_ONCE, 5.0, AT_ONCE, math.inf]
    assert log.lines == ["step", "step", "step", "left", "ended True"]
    assert log.job.result() == "done"
    log.job.step()
    log.job.cancel()
    assert log.lines[-1] == "ended True"


def test_a_job_that_is_cancelled_clears_up_and_says_so() -> None:
    log = Log()
    log.job.step()
    log.job.cancel()
    assert log.lines == ["step", "cancelled", "left", "ended True"]
    assert log.job.is_cancelled
    assert log.job.failure is None


def test_a_job_that_is_cancelled_before_its_first_step() -> None:
    log = Log()
    log.job.cancel()
    assert log.lines == ["ended True"]
    assert log.job.is_cancelled


def test_a_job_that_is_closed_ends_without_a_word() -> None:
    log = Log()
    log.job.step()
    log.job.close()
    assert log.lines == ["step", "left"]
    assert log.job.is_over


def test_a_failure_is_kept_for_who_asks() -> None:
    def fail() -> Steps[str]:
        yield AT_ONCE
        raise Refused(ErrorCode.QUOTA, "too much")

    ended: list[Job[str]] = []
    job = Job(fail(), ended.append)
    job.step()
    job.step()
    assert ended == [job]
    with pytest.raises(Refused, match="too much"):
        job.result()


def test_a_mistake_is_raised_where_it_is_made_and_ends_the_job() -> None:
    def stumble() -> Steps[str]:
        yield AT_ONCE
        raise ZeroDivisionError

    ended: list[Job[str]] = []
    job = Job(stumble(), ended.append)
    job.step()
    with pytest.raises(ZeroDivisionError):
        job.step()
    assert job.is_over
    assert ended == []
