"""The clients of `scripts/crash_test`: each talks and listens in a thread of its own, and writes down what it is told.

They are `chatnet.client`'s own sessions and drivers, which connect again by themselves. Some keep their outbox on disk;
those crash too, at any moment, and start again with nothing but that folder and a note of how far they have heard
their rooms.
"""

import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from _crash_ledger import Ledger, Piece

from chatnet.address import Address
from chatnet.client import backoff, liveness
from chatnet.client.driver import Driver
from chatnet.client.identity import Identity
from chatnet.client.news import HistoryLost, Incoming, Missed, News, Offline, Online, PostRefused, RoomLost, Stored
from chatnet.client.outbox import MemoryOutbox, Target, ToRoom, ToUser
from chatnet.client.session import ClientSession, Phase
from chatnet.client.spool import DiskOutbox
from chatnet.errors import ConfigError, ErrorCode, Refused, TimedOut, Unreachable
from chatnet.events import Event, Joined
from chatnet.model import DEVICE_ID_BYTES, LOBBY, ConversationId, Seq
from chatnet.requests import CreateRoom

WORKSHOP = "workshop"
ROOMS = (LOBBY, WORKSHOP)
_ANSWER_SECONDS = 3.0
_STEP_SECONDS = 0.05
_PAUSE_SECONDS = 0.4
"""Between two bursts of words, at most."""
_BURST = 8
_LIFE_SECONDS = (0.5, 6.0)
"""Between two crashes of a client that can crash."""
_MOST_UNANSWERED = 100
_FILLERS = ("", "\n", " naïve café", " 你好世界", " 👩‍👩‍👧", " שלום", " long" * 1200, ' "quoted" \\ 100%\t')


def hurry() -> None:
    """Shorten what clients wait, so that a kill costs a second and not a minute."""
    backoff.BASE_SECONDS = 0.05
    backoff.CAP_SECONDS = 0.3
    liveness.PING_SECONDS = 1.0
    liveness.SILENCE_SECONDS = 2.5


@dataclass(slots=True)
class Play:
    """What everybody is to do now; set by the main thread."""

    talk: bool = False
    crash: bool = False
    roll_calls: int = 0
    """At each, everybody says something in each of its conversations."""
    over: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Who a person is: several may have the same name and secret, each on a device of its own."""

    label: str
    name: str
    secret: bytes
    partners: tuple[str, ...]
    """To whom it talks in personal chats."""
    outbox: Path | None
    """Where its outbox is kept; None for one in memory. Only with a folder does it crash."""


class Person:
    """One client and its thread."""

    def __init__(self, part: Part, address: Address, play: Play, ledger: Ledger, random: Random) -> None:
        self.part = part
        self.applied: dict[ConversationId, Seq] = {}
        self.unanswered = 0
        self.stays = False
        """Is it there, for good? On its way back it hears nothing that is said in old personal chats."""
        self._roll_calls = 0
        self._has_tried = threading.Event()
        self.counts: Counter[str] = Counter()
        self._address, self._play, self._ledger, self._random = address, play, ledger, random
        self._outbox: DiskOutbox | MemoryOutbox = MemoryOutbox()
        self._device = random.randbytes(DEVICE_ID_BYTES)
        self._driver: Driver
        self._rooms: dict[str, ConversationId] = {}
        self._user = self._said = 0
        self._acked = 0
        """The last number that was acked in this life; acks that came at the moment of a crash are never heard of."""
        self._is_first_life = True
        self._online_at = self._talk_at = self._crash_at = 0.0
        self._thread = threading.Thread(target=self._run, name=part.label, daemon=True)

    def enter(self, seconds: float) -> bool:
        """Begin, and wait until it has come in; False if it has not in time, or not at all."""
        self._thread.start()
        return self._has_tried.wait(seconds) and not self._ledger.violations

    def leave(self, seconds: float) -> None:
        """Wait for the end; `Play.over` asks for it."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        if self._thread.is_alive():
            self._ledger.violate("client", f"{self.part.label} hangs")

    @property
    def is_settled(self) -> bool:
        """Has it answered the last roll call, got all acks, and heard all that anybody has?"""
        if self._roll_calls < self._play.roll_calls or self.unanswered:
            return False
        return self._ledger.expected(self.part.name) == self.applied

    # -- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._enter()
            self._introduce()
            self._has_tried.set()
            while not self._play.over:
                self._turn(time.monotonic())
        except Exception:
            self._ledger.violate("client", f"{self.part.label} failed: {traceback.format_exc()}")
        finally:
            self._has_tried.set()
            self._drop()

    def _turn(self, now: float) -> None:
        if self._play.crash and self.part.outbox is not None and now >= self._crash_at:
            self._crash()
            return
        self.stays = not self._play.crash
        if self._roll_calls < self._play.roll_calls:
            for target in self._targets():
                self._say(target)
            self._roll_calls += 1
        elif self._play.talk and now >= self._talk_at and self._driver.session.unanswered < _MOST_UNANSWERED:
            self._talk_at = now + self._random.random() * _PAUSE_SECONDS
            for _ in range(self._random.randint(1, _BURST)):
                self._say(self._random.choice(self._targets()))
        self._driver.step(now + _STEP_SECONDS)
        self._hear()
        self.unanswered = self._driver.session.unanswered

    def _targets(self) -> list[Target]:
        return [*map(ToRoom, ROOMS), *map(ToUser, self.part.partners)]

    def _say(self, target: Target) -> None:
        self._said += 1
        body = f"{self.part.label} says {self._said}{self._random.choice(_FILLERS)}"
        n = self._driver.session.post(target, body)
        self.unanswered = self._driver.session.unanswered
        self._ledger.say((self._device, n), self.part.name, target, body)

    # -- coming and going -------------------------------------------------------------------------------------

    def _crash(self) -> None:
        """End as a killed process does, with all that was not taken or written yet, and start again."""
        self.counts["client crash"] += 1
        self._drop()
        self._is_first_life = False
        self._acked = 0
        known = set(self._rooms.values())
        self.applied = {id: seq for id, seq in self.applied.items() if id in known}
        self._enter()

    def _drop(self) -> None:
        if hasattr(self, "_driver"):
            self._driver.close()
        if isinstance(self._outbox, DiskOutbox):
            self._outbox.close()

    def _enter(self) -> None:
        """Connect, and come back to the rooms."""
        while not self._connect() and not self._play.over:
            time.sleep(_STEP_SECONDS)
        self._online_at = time.monotonic()
        self._crash_at = self._online_at + self._random.uniform(*_LIFE_SECONDS)
        for room in ROOMS if self._rooms else ():
            self._join(room)
        self._hear()

    def _connect(self) -> bool:
        if self.part.outbox is not None:
            try:
                self._outbox = DiskOutbox(self.part.outbox)
            except ConfigError as error:
                if error.code != ErrorCode.DATA_IN_USE:
                    raise
                return False  # a server that is being started has copies of all open files, this lock's too
            self._device = self._outbox.device
        session = ClientSession(
            self.part.name,
            Identity(self.part.secret, self._device),
            random=self._random.random,
            outbox=self._outbox,
            answer_seconds=_ANSWER_SECONDS,
        )
        self._driver = Driver(session, timeout=_ANSWER_SECONDS, reconnect=True)
        try:
            self._driver.connect([self._address])
        except (Unreachable, TimedOut):
            if session.phase is Phase.STOPPED:
                raise
            self._drop()
            return False
        return True

    def _introduce(self) -> None:
        """The first time, before anything goes wrong: rooms are joined, and users are stored with their first word."""
        with suppress(Refused):  # somebody else has made it
            self._reply(partial(self._driver.session.request, partial(CreateRoom, name=WORKSHOP)))
        for room in ROOMS:
            self._join(room)
            self._say(ToRoom(room))
        while self._driver.session.unanswered:
            self._driver.step(time.monotonic() + _STEP_SECONDS)
        self._hear()

    def _join(self, room: str) -> None:
        """Be in a room, and hear all of it from where one was, or from its beginning."""
        after = self.applied.get(self._rooms[room], 0) if room in self._rooms else 0
        while not self._play.over:
            reply = self._reply(lambda: self._driver.session.join(room, after))
            if reply is not None:
                assert isinstance(reply, Joined)
                self._rooms[room] = reply.room.id
                self.applied.setdefault(reply.room.id, 0)
                return

    def _reply(self, question: Callable[[], int]) -> Event | None:
        """The answer; None if it may have been lost with the connection."""
        try:
            return self._driver.answer_to(question, time.monotonic() + _ANSWER_SECONDS)
        except (Unreachable, TimedOut):
            if self._driver.session.phase is Phase.STOPPED:
                raise
            return None

    # -- news -------------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        while self._driver.news:
            self._heard(self._driver.news.popleft())

    def _heard(self, news: News) -> None:
        match news:
            case Online(user=user):
                self.counts["login"] += 1
                if self._user not in (0, user.id):
                    self._ledger.violate("client", f"{self.part.label} was user {self._user} and is {user.id}")
                self._user = user.id
            case Offline(code=code):
                self.counts[f"lost: {code}"] += 1
            case Incoming():
                self._incoming(news)
            case Stored(n, conversation, seq):
                if n != self._acked + 1 and self._acked:
                    self._ledger.violate("I7", f"{self.part.label} got an ack for {n} after the one for {self._acked}")
                self._acked = n
                self._ledger.ack((self._device, n), (conversation, seq))
            case PostRefused() | HistoryLost() | Missed() | RoomLost():
                self._ledger.violate("I7" if isinstance(news, PostRefused) else "I6", f"{self.part.label} got {news}")

    def _incoming(self, news: Incoming) -> None:
        id, message, label = news.conversation.id, news.message, self.part.label
        before = self.applied.get(id)
        if before is None:
            # A client that has just started does not hear of old personal chats; one that was there hears all.
            before = 0 if self._is_first_life else message.seq - 1
            self._ledger.begin(id, Piece(label, message.seq, self._online_at))
        if message.seq != before + 1:
            self._ledger.violate("I6", f"{label} applied {id}#{message.seq} after {id}#{before}")
        self.applied[id] = message.seq
        self._ledger.hear(label, (id, message.seq), message)
