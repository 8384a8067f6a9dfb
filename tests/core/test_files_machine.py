"""Files against stores, a network and clients that do as they like, in any order that hypothesis can think of.

The rules only choose who does what; `tests.core.machine.files` does it and checks. To see that the machine can fail,
break any rule of uploads, downloads or shelves.
"""

import sys

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatnet.model import Act
from chatnet.requests import ChangeRoom, Moderate, RemoveFile, StopTransfer
from tests.core.machine.file_clients import FileClient
from tests.core.machine.files import DIGESTS, Files

some = st.integers(0, 99)
names = st.sampled_from(["a", "a", "b"])
turns = st.lists(st.sampled_from("cccsffn"), max_size=25).map("".join)
"""How far things get: clients, the store, the file store and the network each take a step when it is their turn."""


class FilesMachine(RuleBasedStateMachine):
    """Everybody at once."""

    play: Files

    @initialize(shared=st.lists(st.tuples(st.sampled_from(DIGESTS), some), max_size=3))
    def start(self, shared: list[tuple[bytes, int]]) -> None:
        self.play = Files()
        for client in self.play.clients[::2]:
            self.play.connect(client)
        bert = next(client for client in self.play.open_clients() if client.user == "bert")
        for digest, place in shared:
            self.play.announce(bert, digest, self.play.place(bert, place), "shared")
            self.play.calm()

    def client(self, number: int) -> FileClient:
        """Somebody who is connected."""
        clients = self.play.open_clients()
        return clients[number % len(clients)]

    def anybody(self) -> bool:
        return bool(self.play.open_clients())

    # -- connections ------------------------------------------------------------------------------------------

    @rule(who=some)
    def connect(self, who: int) -> None:
        away = [client for client in self.play.clients if not client.session]
        if away:
            self.play.connect(away[who % len(away)])

    @precondition(anybody)
    @rule(who=some)
    def vanish(self, who: int) -> None:
        self.play.vanish(self.client(who))

    @precondition(anybody)
    @rule(who=some, digest=st.sampled_from(DIGESTS), place=some, turns=turns, then=turns)
    def break_off(self, who: int, digest: bytes, place: int, turns: str, then: str) -> None:
        """A client loses its connection in the midst of an upload, and comes back."""
        client = self.client(who)
        where = self.play.place(client, place)
        for _ in range(2):
            self.play.announce(client, digest, where, "a")
            self.play.run(turns)
            self.play.vanish(client)
            self.play.run(then)
            self.play.connect(client)

    @rule(turns=turns)
    def kill(self, turns: str) -> None:
        self.play.run(turns)
        self.play.kill()
        for client in self.play.clients[::2]:
            self.play.connect(client)

    # -- transfers --------------------------------------------------------------------------------------------

    @precondition(anybody)
    @rule(who=some, digest=st.sampled_from(DIGESTS), place=some, name=names, turns=turns)
    def announce(self, who: int, digest: bytes, place: int, name: str, turns: str) -> None:
        client = self.client(who)
        self.play.announce(client, digest, self.play.place(client, place), name)
        self.play.run(turns)

    @precondition(anybody)
    @rule(who=some, steps=st.sampled_from([1, 3, 10]))
    def go_on(self, who: int, steps: int) -> None:
        client = self.client(who)
        for _ in range(steps):
            self.play.go_on(client)

    @rule(turns=turns)
    def run(self, turns: str) -> None:
        self.play.run(turns)

    @precondition(lambda self: any(client.sending or client.fetching for client in self.play.open_clients()))
    @rule(who=some, which=some, forget=st.booleans())
    def stop(self, who: int, which: int, forget: bool) -> None:
        busy = [client for client in self.play.open_clients() if client.sending or client.fetching]
        client = busy[who % len(busy)]
        numbers = [*client.sending, *client.fetching]
        self.play.ask(client, StopTransfer(0, numbers[which % len(numbers)], forget))

    @precondition(lambda self: self.anybody() and self.play.chat.store.files)
    @rule(who=some, file=some, offset=st.sampled_from([0, 0, 0, 5, 65_000]), turns=turns)
    def fetch(self, who: int, file: int, offset: int, turns: str) -> None:
        ids = sorted(self.play.chat.store.files)
        self.play.fetch(self.client(who), ids[file % len(ids)], offset)
        self.play.run(turns)

    @precondition(anybody)
    @rule(who=some, place=st.none() | some)
    def list_files(self, who: int, place: int | None) -> None:
        client = self.client(who)
        self.play.list_files(client, 0 if place is None else self.play.place(client, place))

    @precondition(lambda self: self.anybody() and self.play.chat.store.files)
    @rule(who=some, file=some)
    def remove(self, who: int, file: int) -> None:
        ids = sorted(self.play.chat.store.files)
        self.play.ask(self.client(who), RemoveFile(0, ids[file % len(ids)]))

    # -- who may read -----------------------------------------------------------------------------------------

    @precondition(lambda self: any(client.user == "ada" for client in self.play.open_clients()))
    @rule(
        act=st.sampled_from([Act.BAN, Act.UNBAN, Act.KICK, Act.INVITE, None]),
        whom=st.sampled_from(["bert", "cleo", "dora"]),
        private=st.booleans(),
    )
    def keep_order(self, act: Act | None, whom: str, private: bool) -> None:
        ada = next(client for client in self.play.open_clients() if client.user == "ada")
        if act is None:
            self.play.ask(ada, ChangeRoom(0, self.play.board, private=private))
        else:
            self.play.ask(ada, Moderate(0, act, whom, self.play.board))

    @precondition(lambda self: any(client.user == "ada" for client in self.play.open_clients()))
    @rule(
        how=st.sampled_from([Act.BAN, ChangeRoom, RemoveFile]),
        whom=st.sampled_from(["bert", "cleo", "dora"]),
        digest=st.sampled_from(DIGESTS[2:]),
        turns=st.text("fn", max_size=6),
        then=turns,
    )
    def end_it(self, how: object, whom: str, digest: bytes, turns: str, then: str) -> None:
        """Somebody fetches a file from the board, and may not any more in the midst of it."""
        play = self.play
        ada = next(client for client in play.open_clients() if client.user == "ada")
        reader = next((client for client in play.open_clients() if client.user == whom), None)
        file = next((row.file for row in play.chat.store.files.values() if row.file.conversation == play.board), None)
        if reader is None or file is None:
            play.announce(ada, digest, play.board, "here")
            play.calm()
            return
        play.fetch(reader, file.id, 0)
        play.run(turns)
        if how is ChangeRoom:
            play.ask(ada, ChangeRoom(0, play.board, private=True))
        else:
            play.ask(ada, RemoveFile(0, file.id) if how is RemoveFile else Moderate(0, Act.BAN, whom, play.board))
        play.store()
        play.run(then)

    # -- stores, network, time --------------------------------------------------------------------------------

    @rule(fails=st.booleans())
    def store(self, fails: bool) -> None:
        self.play.store(fails=fails)

    @precondition(lambda self: self.play.chat.files.waiting)
    @rule(fails=st.booleans(), jobs=st.sampled_from([1, 1, 2, 8]))
    def work(self, fails: bool, jobs: int) -> None:
        for _ in range(jobs):
            self.play.work(fails=fails)

    @rule()
    def calm(self) -> None:
        self.play.calm()

    @rule(seconds=st.sampled_from([1.0, 60.0, 120.0, 600.0, 1200.0]))
    def tick(self, seconds: float) -> None:
        self.play.tick(seconds)

    @invariant()
    def check(self) -> None:
        if hasattr(self, "play"):
            self.play.check()

    def teardown(self) -> None:
        if sys.exc_info()[0] is None and hasattr(self, "play"):
            self.play.settle()


TestFiles = FilesMachine.TestCase
TestFiles.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
