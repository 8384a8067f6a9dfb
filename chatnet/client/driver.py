"""Drives one session until something is there: an answer, news, or the end of the time given.

It connects again by itself while it waits, and keeps what the application has not taken yet, in order.
"""

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from chatnet.address import Address
from chatnet.client.jobs import Job, Steps
from chatnet.client.link import Link
from chatnet.client.news import Answer, News, PostRefused, Stored, Woken
from chatnet.client.session import ClientSession
from chatnet.errors import ChatnetError, ErrorCode, Refused, TimedOut, TrustError, Unreachable
from chatnet.events import Event
from chatnet.events import Refused as RefusedEvent
from chatnet.net.trust import TrustFor, by_authority

T = TypeVar("T")
_SHORTEST_CONNECT = 0.1
"""Seconds that even a hurried caller leaves for a connection."""


def chance() -> float:
    """A random number in [0, 1)."""
    return int.from_bytes(os.urandom(4)) / 2**32


class Driver:
    """One thread's way to a session; only `wake` may be called from others.

    ``timeout``: seconds for any answer; ``trust``: how the server at an address has to prove itself.
    """

    def __init__(
        self, session: ClientSession, *, timeout: float, reconnect: bool, trust: TrustFor = by_authority
    ) -> None:
        self.session = session
        self.news: deque[News] = deque()
        """What the application has not taken."""
        self._timeout = timeout
        self._reconnect = reconnect
        self._link = Link(session, trust)
        self._address: Address | None = None
        self._posts: dict[int, Stored | PostRefused | None] = {}
        """Posts that are waited for, and how they fared."""
        self._questions: dict[int, Answer | None] = {}
        self._jobs: list[Job[Any]] = []

    # -- connecting -------------------------------------------------------------------------------------------

    def connect(self, addresses: list[Address]) -> Address:
        """Log in at the first of these addresses where anybody is. That one is kept for later connections.

        :raises ChatnetError: nobody is at any of them, or who is there does not let one in.
        :raises TrustError: who is there could not prove who it is. The addresses after it are not tried.
        """
        failures = []
        for address in addresses:
            try:
                self._link.connect(address, self._timeout)
            except Unreachable as error:
                failures.append(error)
            else:
                self._address = address
                self._log_in()
                return address
        if len(failures) == 1:
            raise failures[0]
        tried = ", ".join(str(address) for address in addresses)
        raise Unreachable(
            ErrorCode.UNREACHABLE, f"no chatnet server was found; tried {tried}.\nStart one with: chatnet serve"
        )

    def _log_in(self) -> None:
        deadline = time.monotonic() + self._timeout
        while not self.session.is_online:
            if not self._link.is_connected:
                raise self._ended()
            if time.monotonic() >= deadline and not self.session.wants_close:
                raise self._named(TimedOut(ErrorCode.NO_ANSWER, f"no answer within {self._timeout:g} seconds"))
            self._link.step(deadline)
        self.collect()

    def close(self) -> None:
        """Drop the connection, and end what is under way."""
        for job in self._jobs:
            job.close()
        self._link.close()

    # -- waiting ----------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Put `Woken` among the news, and end the wait for them. From any thread."""
        self._link.wake()

    def step(self, until: float) -> None:
        """Wait until something happens, at the latest until ``until`` on `time.monotonic`; connect again if due.

        Then all jobs take a step.
        :raises ChatnetError: the connection is lost for good.
        """
        session = self.session
        soon = min(until, self._job_due)
        if self._link.is_connected or not self._reconnect:
            if not self._link.is_connected:
                raise self._ended()
            self._link.step(soon)
        elif session.retry_at is None:
            raise self._ended()
        elif time.monotonic() < session.retry_at:
            self._link.step(min(soon, session.retry_at))
        else:
            self._connect_again(until)
        self.collect()
        self._work()

    def flush(self) -> None:
        """Do what can be done without waiting."""
        if self._link.is_connected:
            self._link.step(0.0)
        self.collect()

    def deadline(self, timeout: float | None) -> float:
        """The moment that many seconds from now; None stands for the time that any answer is given."""
        return time.monotonic() + (self._timeout if timeout is None else timeout)

    def wait(self, take: Callable[[], T | None], deadline: float) -> T:
        """Step until ``take`` has something.

        :raises TimedOut: NO_ANSWER until the deadline.
        :raises Unreachable: no connection until then, or lost for good.
        """
        started = time.monotonic()
        while (found := take()) is None:
            if time.monotonic() >= deadline:
                raise self._out_of_time(deadline - started)
            self.step(deadline)
        return found

    def _connect_again(self, until: float) -> None:
        assert self._address is not None
        left = until - time.monotonic()
        try:
            self._link.connect(self._address, max(_SHORTEST_CONNECT, min(self._timeout, left)))
        except TrustError as error:
            self._reconnect = False
            self.session.connection_lost(time.monotonic(), error)
        except Unreachable as error:
            self.session.connection_lost(time.monotonic(), error)

    def collect(self) -> None:
        """Take the session's news: answers to those who wait for them, the rest to the application."""
        for news in self.session.news():
            if isinstance(news, Stored | PostRefused) and news.n in self._posts:
                self._posts[news.n] = news
            elif isinstance(news, Answer):
                if news.id in self._questions:
                    self._questions[news.id] = news
            else:
                self.news.append(news)
        if self._link.take_woken():
            self.news.append(Woken())

    # -- jobs -------------------------------------------------------------------------------------------------

    def start(self, steps: Steps[T], ended: Callable[[Job[T]], None] | None = None) -> Job[T]:
        """Do something in small steps, beside everything else, whenever this driver is stepped."""
        job = Job(steps, ended)
        self._jobs.append(job)
        return job

    def run(self, steps: Steps[T], deadline: float) -> T:
        """Do it now, and wait until it is done.

        :raises TimedOut, Unreachable: not until the deadline; it is closed.
        :raises ChatnetError: it has failed, or the connection is lost for good.
        """
        job = self.start(steps)
        try:
            self.wait(lambda: job.is_over or None, deadline)
        finally:
            job.close()
        return job.result()

    @property
    def _job_due(self) -> float:
        return min((job.due for job in self._jobs), default=math.inf)

    def _work(self) -> None:
        for job in self._jobs:
            job.step()
        self._jobs = [job for job in self._jobs if not job.is_over]

    # -- answers ----------------------------------------------------------------------------------------------

    @contextmanager
    def posting(self, n: int) -> Iterator[Callable[[], Stored | PostRefused | None]]:
        """Keep the answer to a post apart from other news; call what this gives to see it."""
        self._posts[n] = None
        try:
            yield lambda: self._posts[n]
        finally:
            del self._posts[n]

    def answer_to_post(self, n: int, deadline: float, *, is_kept: bool = False) -> Stored:
        """Wait for a post to be stored. ``is_kept``: its outbox outlives this process.

        :raises Refused: it never will be.
        :raises ChatnetError: it was not until the deadline, or the connection was lost for good; the text says
            whether it may have been sent, or will be.
        """
        with self.posting(n) as answered:
            try:
                answer = self.wait(answered, deadline)
            except ChatnetError as error:
                what = self.fate_of(n, is_kept=is_kept)
                raise type(error)(error.code, f"{error.message}; {what}") from error
        if isinstance(answer, Stored):
            return answer
        assert isinstance(answer, PostRefused)
        raise Refused(answer.code, answer.reason)

    def fate_of(self, n: int, *, is_kept: bool) -> str:
        """What becomes of a post that nobody waits for any longer, in words. One that is not sent is taken back."""
        if is_kept:
            return "what was said is kept, and sent later"
        if self.session.withdraw(n):
            return "nothing was sent"
        return "what was said may still have arrived"

    def answer_to(self, question: Callable[[], int], deadline: float) -> Event | None:
        """Ask something once there is a connection, and wait for the reply; None if the connection broke meanwhile.

        ``question`` asks the session, and returns the number of the `Answer` to come.
        :raises Refused: the server said no.
        :raises TimedOut, Unreachable: no reply until the deadline.
        """
        self.wait(lambda: self.session.is_online or None, deadline)
        number = question()
        self._questions[number] = None
        try:
            self.collect()
            reply = self.wait(lambda: self._questions[number], deadline).reply
        finally:
            del self._questions[number]
        if isinstance(reply, RefusedEvent):
            raise Refused(reply.code, reply.reason, reply.retry_after)
        return reply

    # -- errors -----------------------------------------------------------------------------------------------

    def _ended(self) -> ChatnetError:
        failure = self.session.failure
        assert failure is not None
        return self._named(failure)

    def _out_of_time(self, seconds: float) -> ChatnetError:
        if self.session.is_online or self.session.failure is None:
            return self._named(TimedOut(ErrorCode.NO_ANSWER, f"no answer within {seconds:.3g} seconds"))
        reason = self.session.failure.message
        return self._named(Unreachable(ErrorCode.UNREACHABLE, f"no connection for {seconds:.3g} seconds: {reason}"))

    def _named(self, error: ChatnetError) -> ChatnetError:
        """The same error, saying which server it is about."""
        if isinstance(error, Refused | TrustError) or str(self._address) in error.message:
            return error
        return type(error)(error.code, f"{self._address}: {error.message}")


def forever_or(seconds: float | None) -> float:
    """The moment that many seconds from now, on `time.monotonic`; None means never."""
    return math.inf if seconds is None else time.monotonic() + seconds
