"""What the people of a simulation do: all that an application can ask of its session, at random."""

from collections.abc import Callable
from random import Random

from chatnet.client.connection import Make
from chatnet.client.outbox import Target, ToConversation, ToRoom, ToUser
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode
from chatnet.model import LOBBY, Kind
from chatnet.requests import ChangeRoom, CreateRoom, GetHistory, ListRooms, ListUsers, Rename
from chatnet.testing.simulation.clients import SimulatedClient

ROOMS = (LOBBY, "red", "blue")
_MOST_UNSENT = 200
"""Posts in an outbox; with more, a person waits."""
_KINDS = (Kind.TEXT, Kind.TEXT, Kind.ACTION, Kind.ASK)


class Behaviour:
    """Lets clients act. ``names``: of all guests; the last never comes."""

    def __init__(self, rng: Random, limits: Limits, names: tuple[str, ...]) -> None:
        self._rng = rng
        self._limits = limits
        self._names = names
        self._texts = 0
        self._actions: dict[Callable[[SimulatedClient], None], int] = {
            self._say: 60,
            self._chatter: 3,
            self._flood: 2,
            self._join: 10,
            self._part: 4,
            self._create: 6,
            self._archive: 6,
            self._rename: 2,
            self._look_up: 5,
            self._withdraw: 1,
            self._read: 8,
        }

    def stop_reading(self, client: SimulatedClient, until: float) -> None:
        """Read nothing for some time, but perhaps go on asking for it."""
        client.deaf_until = until
        if self._rng.random() < 0.3:
            for _ in range(30):
                self._look_up_once(client)
            client.hear()

    def act(self, client: SimulatedClient) -> None:
        """Do one thing."""
        (action,) = self._rng.choices(list(self._actions), list(self._actions.values()))
        action(client)
        client.hear()

    # -- saying things ----------------------------------------------------------------------------------------

    def _chatter(self, client: SimulatedClient) -> None:
        for _ in range(self._rng.randint(2, 40)):
            self._say(client)

    def _flood(self, client: SimulatedClient) -> None:
        target = self._target(client)
        for _ in range(self._rng.randint(2, 20)):
            body = self._filled(self._limits.text)
            client.app.post(target, body, Kind.TEXT, 0, _possible_refusals(target))

    def _say(self, client: SimulatedClient) -> None:
        if len(client.app.posts) >= _MOST_UNSENT:
            return
        body, refusal = self._text()
        target, reference = self._target(client), 0
        kind = self._rng.choice(_KINDS)
        if isinstance(target, ToConversation) and self._rng.random() < 0.2:
            reference = client.app.applied.get(target.id, 0)
            kind = Kind.ANSWER if reference else kind
        client.app.post(target, body, kind, reference, (*refusal, *_possible_refusals(target)))

    def _text(self) -> tuple[str, tuple[str, ...]]:
        """A text, and what is wrong with it."""
        rng, most = self._rng, self._limits.text
        luck = rng.random()
        if luck < 0.01:
            return "x" * (most + 1), (ErrorCode.TOO_LONG,)
        if luck < 0.02:
            return rng.choice(("", "bell \a")), (ErrorCode.BAD_TEXT,)
        return self._filled(rng.randint(1, most if luck < 0.1 else 60)), ()

    def _filled(self, size: int) -> str:
        """A text of about so many bytes, unlike any other."""
        self._texts += 1
        letter, prefix = self._rng.choice("aé字"), f"{self._texts} "
        return prefix + letter * ((size - len(prefix)) // len(letter.encode()))

    def _target(self, client: SimulatedClient) -> Target:
        rng = self._rng
        luck = rng.random()
        if luck < 0.3 and client.app.applied:
            return ToConversation(rng.choice(list(client.app.applied)))
        if luck < 0.7:
            return ToRoom(rng.choice(client.app.known_rooms if luck < 0.6 else ROOMS))
        return ToUser(rng.choice(self._names[:-1] if luck < 0.95 else self._names))

    def _withdraw(self, client: SimulatedClient) -> None:
        n = self._rng.choice(list(client.app.posts) or [0])
        if client.session.withdraw(n):
            del client.app.posts[n]

    def _read(self, client: SimulatedClient) -> None:
        """See what has come in one conversation."""
        id = self._rng.choice(list(client.app.applied) or [0])
        if id:
            client.session.mark_read(id, client.app.applied[id])

    # -- rooms and names --------------------------------------------------------------------------------------

    def _join(self, client: SimulatedClient) -> None:
        client.app.join(self._rng.choice(ROOMS), self._rng.choice((None, None, 0)))

    def _part(self, client: SimulatedClient) -> None:
        rooms = [id for id in client.app.applied if id in client.app.rooms]
        if rooms:
            client.app.part(self._rng.choice(rooms))

    def _create(self, client: SimulatedClient) -> None:
        name = self._rng.choice(ROOMS)
        client.app.ask(lambda id: CreateRoom(id, name))

    def _archive(self, client: SimulatedClient) -> None:
        rooms = client.app.own_rooms or list(client.app.rooms) or [1]
        room, archived = self._rng.choice(rooms), self._rng.random() < 0.4
        client.app.ask(lambda id: ChangeRoom(id, room, archived=archived))

    def _rename(self, client: SimulatedClient) -> None:
        """Login names are left alone where another process, or a later one, would come back with the old one."""
        name, display = client.name, self._rng.choice(("", "Zoë", "山田"))
        if client.may_change_name:
            name = self._rng.choice((name, name.upper(), f"{name[:8]}2", self._names[-1]))
        client.app.ask(lambda id: Rename(id, name, display))

    def _look_up(self, client: SimulatedClient) -> None:
        for _ in range(self._rng.choice((1, 1, 1, 20))):
            self._look_up_once(client)

    def _look_up_once(self, client: SimulatedClient) -> None:
        conversation = self._rng.choice(list(client.app.applied) or [1])
        before, after = self._rng.choice(((0, None), (5, None), (0, 0), (0, 3)))
        limit = self._rng.choice((1, 10, 1000))
        make: tuple[Make, ...] = (
            lambda id: GetHistory(id, conversation, before, after, limit),
            lambda id: ListUsers(id, conversation if conversation in client.app.rooms else 0),
            lambda id: ListRooms(id, archived=True),
        )
        client.app.ask(self._rng.choice(make))


def _possible_refusals(target: Target) -> tuple[str, ...]:
    """Why a post may be refused that is right in itself: things change while it is on its way."""
    match target:
        case ToUser():
            return (ErrorCode.NO_SUCH_USER,)
        case ToRoom():
            return (ErrorCode.NO_SUCH_ROOM, ErrorCode.ROOM_ARCHIVED)
        case _:
            return (ErrorCode.ROOM_ARCHIVED,)
