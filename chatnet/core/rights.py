"""What kind of request may come from whom, before anybody looks at what it says."""

from chatnet.core.entities import Session
from chatnet.errors import ErrorCode, Refused
from chatnet.requests import (
    CreateAccount,
    CreateInvitation,
    DropAccount,
    Enter,
    FinishScram,
    FinishUpload,
    GetStats,
    ListAccounts,
    ListAudit,
    ListConnections,
    ListInvitations,
    Login,
    Open,
    ProveUpload,
    Register,
    Request,
    RevokeInvitation,
    SetRole,
    StartScram,
    StartUpload,
    StopTransfer,
    TokenLogin,
    Unwatch,
    Watch,
)

ONLY_ADMINS = "only admins may do that"
_BEFORE_LOGIN = (Login, TokenLogin, Enter, StartScram, FinishScram, Register)
"""What may be asked by somebody who is nobody yet, besides `Ping` and `Alive`."""
_FOR_ADMINS = (
    CreateInvitation,
    ListInvitations,
    RevokeInvitation,
    CreateAccount,
    SetRole,
    DropAccount,
    ListAccounts,
    ListAudit,
    Watch,
    Unwatch,
    GetStats,
    ListConnections,
)
_TO_SEND = (Open, StartUpload, ProveUpload, FinishUpload, StopTransfer)
"""What may be asked with a token of the scope SEND, besides `Post`, `SendChunk`, `Ping` and `Alive`."""


def check_right(session: Session, request: Request) -> None:
    """May this session ask for anything of this kind?

    :raises Refused: NOT_LOGGED_IN, FORBIDDEN.
    """
    kind = type(request)
    if session.user is None and kind not in _BEFORE_LOGIN:
        raise Refused(ErrorCode.NOT_LOGGED_IN, "log in first")
    if session.only_sends and kind not in _TO_SEND:
        raise Refused(ErrorCode.FORBIDDEN, "the token that this session came with is good for sending only")
    if kind in _FOR_ADMINS and not session.is_admin:
        raise Refused(ErrorCode.FORBIDDEN, ONLY_ADMINS)
