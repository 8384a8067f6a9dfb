"""Replays an IRC log through a real server and checks that every client received every message once and in order."""

import argparse
import multiprocessing
import select
import selectors
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from _irclog import Line, NameBook, people, read_log

from chatnet.address import TCP, Address
from chatnet.auth.names import fold
from chatnet.client.identity import Identity
from chatnet.client.news import Answer, Incoming, Offline, Online, PostRefused, Stored
from chatnet.client.outbox import ToConversation
from chatnet.client.session import ClientSession
from chatnet.config import Config
from chatnet.core.limits import Limits
from chatnet.model import LOBBY, Kind
from chatnet.net.ports import Transport
from chatnet.requests import Rename
from chatnet.server import Server
from chatnet.transports import registry

PATIENCE_SECONDS = 20.0
LINES_BETWEEN_PUMPS = 16
Said = tuple[str, Kind, str]
"""Who (the nick as people see it), how, and what."""


class ReplayFailed(Exception):
    """The server or a client did not do what the log says."""


def serve(pipe: Connection) -> None:
    """A server on a free port, in a process of its own, without rate limits; stopped by the end of the pipe."""
    fast = 1e9
    limits = Limits(
        post_burst=fast, text_burst=fast, request_burst=fast, strangers=10_000, wasted_connections_per_place=10_000
    )
    with Server(Config(bind=(Address(TCP, "127.0.0.1", 0),), limits=limits)) as server:
        pipe.send(server.addresses[0])
        pipe.poll(None)


class Person:
    """One client: its session, its connection, and all that it was told."""

    def __init__(self, address: Address, name: str, display: str) -> None:
        self.session = ClientSession(name, Identity.ephemeral(), random=lambda: 0.5, display=display)
        self.names = (name, display)
        self.heard: list[Said] = []
        self.online = False
        self.stored = 0
        self.answers: set[int] = set()
        self.transport: Transport = registry.connect(address, PATIENCE_SECONDS)
        self._unsent = b""
        self.session.connection_made(time.monotonic())

    def receive(self) -> None:
        """Take what has arrived."""
        data = self.transport.receive(1 << 18)
        if data is None:
            return
        if not data:
            raise ReplayFailed(f"{self.names[0]} lost the connection: {self.session.failure}")
        self.session.receive(data, time.monotonic())
        for news in self.session.news():
            match news:
                case Incoming(message=m):
                    self.heard.append((m.display or m.name, m.kind, m.body))
                case Online():
                    self.online = True
                case Stored():
                    self.stored += 1
                case Answer(id=id):
                    self.answers.add(id)
                case PostRefused(reason=reason) | Offline(reason=reason):
                    raise ReplayFailed(f"{self.names[0]}: {reason}")

    def send(self) -> None:
        """Send what is to be sent; the rest goes with the next call."""
        self._unsent += self.session.data_to_send()
        if self._unsent:
            self._unsent = self._unsent[self.transport.send(self._unsent) :]


class Crowd:
    """Everybody in the log, in one thread."""

    def __init__(self, address: Address, nicks: list[str]) -> None:
        self.book = NameBook()
        self.selector = selectors.DefaultSelector()
        self.by_nick: dict[str, Person] = {}
        self.later: dict[str, list[Person]] = {}
        """Those whose first nick somebody else has at the start."""
        self.former: list[Person] = []
        """Those who had to give up a name that the log gives to somebody else."""
        self.everybody = [self._enter(address, nick) for nick in nicks]
        for person in self.everybody:
            self.selector.register(person.transport.selectable, selectors.EVENT_READ, person)
        self.wait(lambda: all(p.online for p in self.everybody), "to log in")
        joins = [(p, p.session.join(LOBBY)) for p in self.everybody]
        self.wait(lambda: all(id in p.answers for p, id in joins), "to join")
        self.lobby = next(c.id for c in self.everybody[0].session.cache.conversations.values() if c.room)

    def _enter(self, address: Address, nick: str) -> Person:
        if nick not in self.by_nick:
            person = self.by_nick[nick] = Person(address, *self.book.names(nick))
        else:
            waiting = self.later.setdefault(nick, [])
            waiting.append(person := Person(address, *self.book.names(f"{nick} {len(waiting) + 2}")))
        return person

    def _who(self, nick: str) -> Person:
        if nick not in self.by_nick:
            self.by_nick[nick] = self.later[nick].pop(0)
        return self.by_nick[nick]

    def wait(self, done: Callable[[], bool], what: str) -> None:
        """Move everybody's bytes until something has come true.

        :raises ReplayFailed: it did not, in time.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        for person in self.everybody:
            person.send()
        while not done():
            self.pump(0.1)
            if time.monotonic() > deadline:
                raise ReplayFailed(f"waited {PATIENCE_SECONDS:.0f} s in vain for somebody {what}")

    def pump(self, seconds: float) -> None:
        """Take what has arrived for anybody."""
        for key, _ in self.selector.select(seconds):
            key.data.receive()
            key.data.send()

    def wait_for(self, person: Person, done: Callable[[], bool], what: str) -> None:
        """The same, but move one person's bytes only: what the others are told meanwhile, they read in one go."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        person.send()
        while not done():
            select.select([person.transport.selectable], [], [], 0.1)
            person.receive()
            person.send()
            if time.monotonic() > deadline:
                raise ReplayFailed(f"{person.names[0]} waited {PATIENCE_SECONDS:.0f} s in vain {what}")

    def close(self) -> None:
        """Let everybody go."""
        for person in self.everybody:
            person.transport.close()
        self.selector.close()

    def say(self, line: Line) -> Said:
        """Let somebody say a line, and wait until it is stored, so that the log's order is the server's."""
        person = self._who(line.nick)
        self._take_names(person, self.book.names(line.nick))
        before = person.stored
        person.session.post(ToConversation(self.lobby), line.text, line.kind)
        self.wait_for(person, lambda: person.stored > before, "to have a message stored")
        return line.nick, line.kind, line.text

    def rename(self, line: Line) -> None:
        """Let somebody take another nick; whoever had it before has gone."""
        person = self._who(line.nick)
        del self.by_nick[line.nick]
        self.by_nick[line.new] = person
        self._take_names(person, self.book.names(line.new))

    def _take_names(self, person: Person, names: tuple[str, str]) -> None:
        if person.names == names:
            return
        for other in self.everybody:
            if fold(other.names[0]) == fold(names[0]) and other is not person:
                self.former.append(other)
                self._ask_rename(other, self.book.names(f"former {names[0]} {len(self.former)}"))
        self._ask_rename(person, names)

    def _ask_rename(self, person: Person, names: tuple[str, str]) -> None:
        person.names = names
        asked = person.session.request(lambda id: Rename(id, *names))
        self.wait_for(person, lambda: asked in person.answers, "to be renamed")


def replay(address: Address, path: Path) -> None:
    """Replay one log and print what came of it.

    :raises ReplayFailed: somebody heard something else than the log says.
    """
    log = read_log(path)
    crowd = Crowd(address, people(log.lines))
    began = time.monotonic()
    expected = say_all(crowd, log.lines)
    crowd.wait(lambda: all(len(p.heard) >= len(expected) for p in crowd.everybody), "to hear everything")
    seconds = time.monotonic() - began
    verify(crowd, expected)
    crowd.close()
    deliveries = len(expected) * len(crowd.everybody)
    print(
        f"{path.name}: {len(expected)} messages, {len(crowd.everybody)} clients, {deliveries} deliveries "
        f"in {seconds:.1f} s ({deliveries / seconds:.0f}/s). Every client received every message once, in order, "
        f"byte for byte. Left out: {log.empty} empty and {log.unknown} unknown lines."
    )


def say_all(crowd: Crowd, lines: list[Line]) -> list[Said]:
    """Say and rename as the log does; returns what everybody should have heard."""
    expected: list[Said] = []
    for number, line in enumerate(lines, 1):
        if line.new:
            crowd.rename(line)
        else:
            expected.append(crowd.say(line))
        if number % LINES_BETWEEN_PUMPS == 0:
            crowd.pump(0)
        show_progress(number, len(lines))
    return expected


def verify(crowd: Crowd, expected: list[Said]) -> None:
    """Has everybody heard exactly this?"""
    for person in crowd.everybody:
        if person.heard != expected:
            pairs = zip(person.heard, expected, strict=False)
            place = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(person.heard), len(expected)))
            heard = person.heard[place : place + 1]
            raise ReplayFailed(f"{person.names[0]} heard {heard} as message {place + 1} of {len(expected)}")


def show_progress(number: int, total: int) -> None:
    """A line that counts, on a terminal; else one line for each tenth."""
    if sys.stderr.isatty():
        print(f"\r{number} of {total} lines", end="" if number < total else "\n", file=sys.stderr)
    elif number * 10 // total > (number - 1) * 10 // total:
        print(f"{number} of {total} lines", file=sys.stderr)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/replay", description=__doc__)
    parser.add_argument("log", nargs="+", type=Path, help="a log, one line a message: [04:14] <nick> text")
    logs: list[Path] = parser.parse_args().log
    try:
        for log in logs:
            with server_process() as address:
                replay(address, log)
        return 0
    except (ReplayFailed, OSError, UnicodeDecodeError) as error:
        print(f"replay: {error}", file=sys.stderr)
        return 1


@contextmanager
def server_process() -> Iterator[Address]:
    """A server in a process of its own, and where it listens."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,))
    process.start()
    theirs.close()
    try:
        if not ours.poll(PATIENCE_SECONDS):
            raise ReplayFailed("the server did not start")
        yield ours.recv()
    finally:
        ours.close()
        process.join(PATIENCE_SECONDS)
        if process.is_alive():
            process.kill()


if __name__ == "__main__":
    sys.exit(main())
