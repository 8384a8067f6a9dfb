"""Plays with accounts in them: admins, members, and guests beside them."""

from collections.abc import Iterable

from chatnet.auth.tokens import hash_token
from chatnet.core.effects import Effect
from chatnet.core.entries import PutToken, PutUser, SavedConversation, Snapshot
from chatnet.core.gauges import Gauges
from chatnet.core.limits import Limits
from chatnet.events import Event
from chatnet.model import Act, Role, Scope, User
from chatnet.requests import ChangeRoom, Moderate, TokenLogin
from tests.core.script import Script, events


def club(
    *names: str,
    admins: Iterable[str] = (),
    guests: Iterable[str] = (),
    limits: Limits | None = None,
    gauges: Gauges | None = None,
) -> Script:
    """All of these are connected, as sessions of their names; ids count from 1: accounts, admins, guests."""
    everybody = [*names, *admins]
    roles = [Role.ADMIN if name in admins else Role.MEMBER for name in everybody]
    users = [PutUser(id, name, "", role, b"") for id, (name, role) in enumerate(zip(everybody, roles, strict=True), 1)]
    tokens = [PutToken(u.id, u.id, hash_token(_token(u.name)), "", Scope.ALL, 0, 0) for u in users]
    chat = Script(
        snapshot=Snapshot(users, tokens=tokens, next_user=len(users) + 1, next_token=len(users) + 1),
        limits=limits,
        open_to_guests=True,
        gauges=gauges,
    )
    chat.store.users = {user.id: user for user in users}
    chat.store.tokens = {token.id: token for token in tokens}
    for name in everybody:
        enter(chat, name)
    for name in guests:
        chat.login(name)
    return chat


def enter(chat: Script, session: str, name: str | None = None, *, device: str | None = None) -> list[Effect]:
    """An account connects; it and its device are called as the session if nothing is said."""
    chat.connect(session)
    return chat.ask(session, TokenLogin(1, _token(name or session), (device or session).encode().ljust(16, b".")[:16]))


def reopened(chat: Script) -> Script:
    """Another hub, with what the store of this one has kept."""
    store = chat.store
    kept = [SavedConversation(entry, 1, len(store.log.get(id, []))) for id, entry in store.conversations.items()]
    snapshot = Snapshot(
        list(store.users.values()),
        kept,
        [],
        max(store.users) + 1,
        max(store.conversations, default=0) + 1,
        tokens=list(store.tokens.values()),
        members=sorted(store.members.values(), key=lambda row: row.since),
        bans=list(store.bans.values()),
    )
    again = Script(snapshot=snapshot, open_to_guests=True)
    again.seconds = chat.seconds
    again.store = store
    return again


def do(
    chat: Script, actor: str, act: Act, whom: str, room: int = 0, *, seconds: int = 0, reason: str = ""
) -> list[Effect]:
    """Somebody does something about somebody, and the store has it, if it was not refused."""
    effects = chat.ask(actor, Moderate(9, act, whom, room, seconds, reason)) + chat.store_all()
    return effects + chat.end_turn() + chat.store_all()


def change(chat: Script, who: str, room: int, **wanted: str | bool) -> list[Effect]:
    """Somebody changes a room, and the store has it."""
    return chat.ask(who, ChangeRoom(8, room, **wanted)) + chat.store_all()  # type: ignore[arg-type]


def joined(chat: Script, *sessions: str, room: str = "dev") -> None:
    """These are in a room from now on, and belong to it if they have an account."""
    chat.join(*sessions, room=room)
    chat.store_all()
    chat.end_turn()


def news(effects: list[Effect], session: str) -> list[Event]:
    """All that a session was told, but for what only says that others came and went."""
    return [event for event in events(effects, session) if type(event).__name__ != "Presence"]


def whoever(id: int, name: str, role: Role = Role.MEMBER) -> User:
    """An account as others see it."""
    return User(id, name, "", role)


def _token(name: str) -> bytes:
    return name.encode().ljust(32, b".")
