"""What a store must know of accounts, rooms and powers after it is opened again; and entries to try it with."""

from collections.abc import Hashable

from hypothesis import strategies as st

from chatnet.core.entries import (
    Batch,
    DropBan,
    DropChat,
    DropInvitation,
    DropMember,
    DropToken,
    DropUser,
    Entry,
    PutBan,
    PutChat,
    PutInvitation,
    PutMarks,
    PutMember,
    PutRoom,
    PutToken,
    PutUser,
    Snapshot,
)
from chatnet.model import ITERATIONS, Act, Rank, Role, Scope, UserId, Verifier
from chatnet.testing.store_model import CHATS, ROOMS, USERS, deeds

VERIFIER = Verifier(b"s" * 16, ITERATIONS, b"t" * 32, b"u" * 32)
EVERYTHING: Batch = [
    PutUser(1, "user1", "", Role.ADMIN, b"", VERIFIER, uid=1000),
    PutToken(1, 1, b"h" * 32, "laptop", Scope.ALL, 1000, 0),
    PutToken(2, 1, b"i" * 32, "cron", Scope.SEND, 1000, 2000),
    PutInvitation("7KQM", VERIFIER, uses=3, expires=2000, role=Role.MEMBER, maker=1),
    PutMember(1, 1, Rank.OWNER, 1000),
    PutMember(1, 2, Rank.MEMBER, 1000),
    PutBan(0, 2, Act.BAN, 0, 1, "spam", 1000),
    PutBan(1, 2, Act.MUTE, 2000, 1, "noise", 1000),
]
"""Something of each kind, for users and rooms that are there; user 1 has an account, user 2 is a guest."""


class AccountsModel:
    """All that a `Snapshot` has but extents."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Hashable, ...], Entry] = {}
        """By the kind of thing it is and its key, in the order in which each came."""

    def apply(self, entry: Entry) -> None:
        """Store an entry."""
        match entry:
            case PutMarks():
                self._move_marks(entry)
            case PutUser() | PutRoom() | PutChat() | PutToken() | PutInvitation() | PutMember() | PutBan():
                self._kept[_key(entry)] = entry
            case DropToken() | DropInvitation() | DropMember() | DropBan():
                self._kept.pop(_key(entry), None)
            case DropChat():
                self._kept = {key: kept for key, kept in self._kept.items() if not _is_in(kept, entry)}
            case DropUser():
                self._kept = {key: kept for key, kept in self._kept.items() if not _is_of(kept, entry.id)}

    def _move_marks(self, entry: PutMarks) -> None:
        old = self._kept.get(_key(entry), entry)
        assert isinstance(old, PutMarks)
        delivered, read = max(old.delivered, entry.delivered), max(old.read, entry.read)
        self._kept[_key(entry)] = PutMarks(entry.conversation, entry.user, delivered, read)

    def compare(self, snapshot: Snapshot) -> None:
        """Has a snapshot all that was kept, and nothing else?

        :raises AssertionError: it has not.
        """
        members = [entry for entry in self._kept.values() if isinstance(entry, PutMember)]
        assert snapshot.members == sorted(members, key=lambda member: member.since)
        found: list[Entry] = [*snapshot.users, *(saved.conversation for saved in snapshot.conversations)]
        found += [*snapshot.marks, *snapshot.tokens, *snapshot.invitations, *snapshot.members, *snapshot.bans]
        assert {_key(entry): entry for entry in found} == self._kept
        assert len(found) == len(self._kept)


def _key(entry: Entry) -> tuple[Hashable, ...]:
    match entry:
        case PutUser():
            return "user", entry.id
        case PutRoom() | PutChat():
            return "conversation", entry.id
        case PutMarks():
            return "marks", entry.conversation, entry.user
        case PutToken() | DropToken():
            return "token", entry.id
        case PutInvitation() | DropInvitation():
            return "invitation", entry.name
        case PutMember() | DropMember():
            return "member", entry.conversation, entry.user
        case PutBan() | DropBan():
            return "ban", entry.conversation, entry.user, entry.act
        case _:
            raise TypeError(f"{entry!r} is not kept")


def _is_of(entry: Entry, user: UserId) -> bool:
    """Does it go with a user?"""
    if isinstance(entry, PutUser):
        return entry.id == user
    return isinstance(entry, PutMarks | PutToken | PutMember | PutBan) and entry.user == user


def _is_in(entry: Entry, chat: DropChat) -> bool:
    """Does it go with a personal chat?"""
    if isinstance(entry, PutChat):
        return entry.id == chat.id
    return isinstance(entry, PutMarks) and entry.conversation == chat.id


# -- strategies -----------------------------------------------------------------------------------------------

_users = st.sampled_from(USERS)
_rooms = st.sampled_from(ROOMS)
_chats = st.sampled_from(CHATS)
_places = st.sampled_from((0, *ROOMS))
_bans = st.sampled_from((Act.BAN, Act.MUTE))
_invitations = st.sampled_from(("7KQM", "4XDP", "9TBC"))
_roles = st.sampled_from(Role)
_texts = st.text(max_size=20)
_ids = st.integers(1, 3)
_times = st.integers(0, 2**63 - 1)
_few_times = st.integers(0, 3)
_keys = st.binary(min_size=32, max_size=32)
_verifiers = st.builds(
    Verifier,
    st.binary(min_size=16, max_size=64),
    st.integers(ITERATIONS, 10_000_000),
    stored_key=_keys,
    server_key=_keys,
)


def account_entries() -> st.SearchStrategy[Entry]:
    """Accounts, what they are and what they may do: of few people and things, so that they come again."""
    return st.one_of(
        st.builds(
            PutUser,
            _users,
            _texts,
            _texts,
            _roles,
            st.just(b"") | _keys,
            st.none() | _verifiers,
            st.integers(-1, 2**32),
        ),
        st.builds(PutRoom, _rooms, _texts, _users, st.booleans(), topic=_texts, private=st.booleans()),
        st.builds(PutMarks, _rooms, _users, _few_times, _few_times),
        st.builds(PutToken, _ids, _users, _keys, _texts, st.sampled_from(Scope), _times, _times),
        st.builds(PutInvitation, _invitations, _verifiers, st.integers(1, 9), _times, _roles, _users),
        st.builds(PutMember, _rooms, _users, st.sampled_from(Rank), _few_times),
        st.builds(PutBan, _places, _users, _bans, _times, _users, _texts, _times),
        st.one_of(
            st.builds(DropToken, _ids),
            st.builds(DropInvitation, _invitations),
            st.builds(DropMember, _rooms, _users),
            st.builds(DropBan, _places, _users, _bans),
        ),
        st.one_of(st.builds(DropUser, _users), st.builds(DropChat, _chats), deeds()),
    )
