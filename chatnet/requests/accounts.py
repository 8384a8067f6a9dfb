"""Accounts, tokens and join codes: one's own, and for admins everybody's.

The names of users are login names. Where a request has one that may be empty, that is oneself.
"""

from typing import Annotated

import msgspec

from chatnet.model import Natural, Role, Scope, Secret, Time, TokenId, Verifier
from chatnet.requests.base import Request


class SetPassword(Request, frozen=True, tag=23):
    """Change a password. All other sessions and tokens of the account end. Reply: `Done`.

    An account's own password, if it has one, must have been shown on this connection by SCRAM.
    """

    id: Natural
    verifier: Verifier
    user: str = ""


class CreateToken(Request, frozen=True, tag=24):
    """Let a device or a script log in with this token. Reply: `TokenCreated`."""

    id: Natural
    token: Secret
    """32 random bytes made by the client; the server keeps only a hash."""
    label: str
    scope: Scope = Scope.ALL
    user: str = ""
    expires: Time = 0
    """0 for never."""


class ListTokens(Request, frozen=True, tag=25):
    """The tokens of an account. Reply: `TokenPage`."""

    id: Natural
    user: str = ""
    cursor: Natural = 0


class RevokeToken(Request, frozen=True, tag=26):
    """Make a token worthless and end its sessions; 0 for the one that this session came with. Reply: `Done`."""

    id: Natural
    token: TokenId = 0


class CreateInvitation(Request, frozen=True, tag=27):
    """Make a join code; for admins. The client makes the code itself and keeps its secret half. Reply: `Done`."""

    id: Natural
    name: str
    """The four characters that name the invitation."""
    verifier: Verifier
    """Of the other eight."""
    uses: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    expires: Time = 0
    """0 for never."""
    role: Role = Role.MEMBER


class ListInvitations(Request, frozen=True, tag=28):
    """The join codes that can still be used; for admins. Reply: `InvitationPage`."""

    id: Natural
    after: str = ""
    """The last name of the page before."""


class RevokeInvitation(Request, frozen=True, tag=29):
    """Make a join code worthless; for admins. Reply: `Done`."""

    id: Natural
    name: str


class CreateAccount(Request, frozen=True, tag=30):
    """Make an account; for admins. Reply: `Registered`."""

    id: Natural
    name: str
    display: str = ""
    role: Role = Role.MEMBER
    verifier: Verifier | None = None
    """Of its password; None for an account that logs in by tokens alone."""


class SetRole(Request, frozen=True, tag=31):
    """Make a user an admin or a member; for admins. Reply: `Done`."""

    id: Natural
    user: str
    role: Role


class DropAccount(Request, frozen=True, tag=32):
    """Remove an account for good; for admins. What it said stays. Reply: `Done`."""

    id: Natural
    user: str


class ListAccounts(Request, frozen=True, tag=33):
    """All accounts, online or not; for admins. Reply: `UserPage`."""

    id: Natural
    cursor: Natural = 0
