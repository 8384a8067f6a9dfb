"""What a client asks about accounts, order and the server: for everybody their own tokens, for admins and moderators
the rest.

    with Client() as chat:
        for user in chat.admin.accounts():
            print(user.name)

Every method raises what the methods of `Client` raise; whoever may not do something is `Refused`, with FORBIDDEN.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from chatnet.auth.codes import Code, make_code
from chatnet.auth.tokens import make_token
from chatnet.client.asking import ask, pages, request
from chatnet.client.connection import Make
from chatnet.client.driver import Driver
from chatnet.errors import ErrorCode, Refused
from chatnet.events import (
    AuditPage,
    BanPage,
    ConnectionPage,
    Done,
    Event,
    InvitationPage,
    MemberPage,
    Registered,
    Stats,
    TokenCreated,
    TokenPage,
    UserPage,
)
from chatnet.model import (
    Act,
    Ban,
    ConnectionInfo,
    ConversationId,
    Deed,
    Invitation,
    Member,
    Role,
    Scope,
    Time,
    Token,
    TokenId,
    User,
)
from chatnet.requests import (
    ChangeRoom,
    CreateAccount,
    CreateInvitation,
    CreateToken,
    DropAccount,
    GetStats,
    ListAccounts,
    ListAudit,
    ListBans,
    ListConnections,
    ListInvitations,
    ListMembers,
    ListTokens,
    Moderate,
    RevokeInvitation,
    RevokeToken,
    SetPassword,
    SetRole,
)

E = TypeVar("E", bound=Event)
_TRIES = 5
"""Of a join code's name, which somebody else's may have: four characters are a million names."""


class Administration:
    """Asks through a connected `Client`. The names of users are login names; an empty one is oneself."""

    def __init__(self, driver: Driver, find_room: Callable[[str], ConversationId]) -> None:
        self._driver = driver
        self._find_room = find_room

    # -- accounts ---------------------------------------------------------------------------------------------

    def accounts(self) -> list[User]:
        """All accounts, online or not."""
        return pages(self._driver, UserPage, ListAccounts, lambda page: page.users)

    def create_account(
        self, name: str, *, display: str = "", role: Role = Role.MEMBER, password: str | None = None
    ) -> User:
        """Make an account; without a password it can log in by tokens alone.

        :raises Refused: NAME_IN_USE, BAD_NAME, BAD_PASSWORD.
        """
        verifier = None
        if password is not None:
            from chatnet.auth.scram import SALT_BYTES, make_verifier

            verifier = make_verifier(password, os.urandom(SALT_BYTES))
        make = partial(CreateAccount, name=name, display=display, role=role, verifier=verifier)
        return self._ask(Registered, make).user

    def drop_account(self, user: str) -> None:
        """Remove an account for good."""
        self._ask(Done, lambda id: DropAccount(id, user))

    def set_role(self, user: str, role: Role) -> None:
        """Make an account an admin's or a member's."""
        self._ask(Done, lambda id: SetRole(id, user, role))

    def set_password(self, user: str, password: str) -> None:
        """Give another account a new password: all its sessions and tokens end. One's own: see `change_password`.

        :raises Refused: BAD_PASSWORD, NO_SUCH_USER.
        """
        from chatnet.auth.scram import SALT_BYTES, make_verifier

        verifier = make_verifier(password, os.urandom(SALT_BYTES))
        self._ask(Done, lambda id: SetPassword(id, verifier, user))

    # -- tokens -----------------------------------------------------------------------------------------------

    def create_token(
        self, label: str, *, user: str = "", scope: Scope = Scope.ALL, expires: Time = 0
    ) -> tuple[Token, bytes]:
        """Make a token; what is returned with it is the token itself, which nobody can ask for again."""
        secret = make_token(os.urandom)
        make = partial(CreateToken, token=secret, label=label, scope=scope, user=user, expires=expires)
        return self._ask(TokenCreated, make).token, secret

    def tokens(self, user: str = "") -> list[Token]:
        """The tokens of an account."""
        return pages(self._driver, TokenPage, lambda id, cursor: ListTokens(id, user, cursor), lambda page: page.tokens)

    def revoke_token(self, token: TokenId = 0) -> None:
        """Make a token worthless; 0 is the one that this client has logged in with.

        :raises Refused: NO_SUCH_TOKEN.
        """
        self._ask(Done, lambda id: RevokeToken(id, token))

    # -- join codes -------------------------------------------------------------------------------------------

    def invite(self, *, uses: int = 1, expires: Time = 0, role: Role = Role.MEMBER) -> Code:
        """Make a join code."""
        from chatnet.auth.scram import SALT_BYTES, make_code_verifier

        for rest in reversed(range(_TRIES)):
            code = make_code(os.urandom)
            verifier = make_code_verifier(code, os.urandom(SALT_BYTES))
            make = partial(CreateInvitation, name=code.name, verifier=verifier, uses=uses, expires=expires, role=role)
            try:
                self._ask(Done, make)
            except Refused as refused:
                if refused.code != ErrorCode.NAME_IN_USE or not rest:
                    raise
            else:
                return code
        raise AssertionError("the last try returns or raises")

    def invitations(self) -> list[Invitation]:
        """The join codes that can still be used."""
        found: list[Invitation] = []
        after = ""
        while True:
            page = self._ask(InvitationPage, partial(ListInvitations, after=after))
            found += page.invitations
            if not page.next or page.next == after:
                return found
            after = page.next

    def revoke_invitation(self, name: str) -> None:
        """Make a join code worthless; it is named by its first four characters.

        :raises Refused: NO_SUCH_INVITATION.
        """
        self._ask(Done, lambda id: RevokeInvitation(id, name))

    # -- order ------------------------------------------------------------------------------------------------

    def moderate(self, act: Act, user: str, *, room: str | None = None, seconds: int = 0, reason: str = "") -> None:
        """Do something about a user, in a room or on the whole server.

        :raises Refused: FORBIDDEN, NO_SUCH_USER, NO_SUCH_ROOM, BAD_REQUEST.
        """
        make = partial(Moderate, act=act, user=user, conversation=self._place(room), seconds=seconds, reason=reason)
        self._ask(Done, make)

    def change_room(
        self, room: str, *, name: str | None = None, topic: str | None = None, private: bool | None = None
    ) -> None:
        """Change what is not None.

        :raises Refused: FORBIDDEN, NO_SUCH_ROOM, ROOM_EXISTS, BAD_NAME, BAD_TEXT.
        """
        make = partial(ChangeRoom, conversation=self._place(room), name=name, topic=topic, private=private)
        self._ask(Done, make)

    def members(self, room: str) -> list[Member]:
        """Who belongs to a room, online or not."""
        place = self._place(room)
        return pages(
            self._driver, MemberPage, lambda id, cursor: ListMembers(id, place, cursor), lambda page: page.members
        )

    def bans(self, room: str | None = None) -> list[Ban]:
        """The bans and mutes that hold, in a room or on the whole server."""
        place = self._place(room)
        return pages(self._driver, BanPage, lambda id, cursor: ListBans(id, place, cursor), lambda page: page.bans)

    def audit(self, limit: int = 100) -> list[Deed]:
        """The newest ``limit`` lines of the audit log, the newest first."""
        deeds: list[Deed] = []
        before = 0
        while len(deeds) < limit:
            page = self._ask(AuditPage, partial(ListAudit, before=before, limit=min(limit - len(deeds), 1000)))
            deeds += page.deeds
            before = page.next
            if not before:
                break
        return deeds

    # -- watching ---------------------------------------------------------------------------------------------

    def watch(self, *, log: bool = True) -> None:
        """Be told how the server fares, over later connections too: `Client.events` gives a `ServerStats` at once and
        then every second, and with ``log`` a `ServerLog` whenever something happens.
        """
        ask(self._driver, Done, lambda: self._driver.session.watch(log=log))

    def unwatch(self) -> None:
        """Be told so no more."""
        ask(self._driver, Done, self._driver.session.unwatch)

    def stats(self) -> Stats:
        """How the server fares now."""
        return self._ask(Stats, GetStats)

    def connections(self) -> list[ConnectionInfo]:
        """All connections that speak the protocol, in the order in which they came."""
        return pages(self._driver, ConnectionPage, ListConnections, lambda page: page.connections)

    # -- parts ------------------------------------------------------------------------------------------------

    def _place(self, room: str | None) -> ConversationId:
        return 0 if room is None else self._find_room(room)

    def _ask(self, expected: type[E], make: Make) -> E:
        return request(self._driver, expected, make)
