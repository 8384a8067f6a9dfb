"""All that a client may ask, as plain data: the one vocabulary of every front-end and of the core.

Every request carries an ``id`` that its reply repeats. A `Post` has its device number ``n`` instead, since that
stays the same when it is sent again over another connection.

The integer tags are the protocol's. A tag is never used again for something else; fields are only ever added at
the end, with a default.
"""

from chatnet.requests.accounts import (
    CreateAccount,
    CreateInvitation,
    CreateToken,
    DropAccount,
    ListAccounts,
    ListInvitations,
    ListTokens,
    RevokeInvitation,
    RevokeToken,
    SetPassword,
    SetRole,
)
from chatnet.requests.base import Request
from chatnet.requests.entering import Enter, FinishScram, Login, Proof, Register, StartScram, TokenLogin
from chatnet.requests.files import (
    FinishUpload,
    GrantCredit,
    ListFiles,
    ProveUpload,
    RemoveFile,
    SendChunk,
    StartDownload,
    StartUpload,
    StopTransfer,
)
from chatnet.requests.moderation import ChangeRoom, ListAudit, ListBans, ListMembers, Moderate
from chatnet.requests.talking import (
    Alive,
    CreateRoom,
    Follow,
    GetHistory,
    Join,
    ListConversations,
    ListRooms,
    ListUsers,
    Mark,
    Open,
    Part,
    Ping,
    Post,
    Rename,
    Search,
)
from chatnet.requests.watching import GetStats, ListConnections, Unwatch, Watch

AnyRequest = (
    Login
    | Enter
    | TokenLogin
    | StartScram
    | FinishScram
    | Register
    | Ping
    | Alive
    | Post
    | Open
    | Join
    | Part
    | CreateRoom
    | Rename
    | Follow
    | ListConversations
    | ListUsers
    | ListRooms
    | GetHistory
    | Mark
    | Search
    | SetPassword
    | CreateToken
    | ListTokens
    | RevokeToken
    | CreateInvitation
    | ListInvitations
    | RevokeInvitation
    | CreateAccount
    | SetRole
    | DropAccount
    | ListAccounts
    | ChangeRoom
    | Moderate
    | ListMembers
    | ListBans
    | ListAudit
    | StartUpload
    | ProveUpload
    | SendChunk
    | FinishUpload
    | StopTransfer
    | StartDownload
    | GrantCredit
    | ListFiles
    | RemoveFile
    | Watch
    | Unwatch
    | GetStats
    | ListConnections
)
"""Everything that may come from a client."""

__all__ = [
    "Alive",
    "AnyRequest",
    "ChangeRoom",
    "CreateAccount",
    "CreateInvitation",
    "CreateRoom",
    "CreateToken",
    "DropAccount",
    "Enter",
    "FinishScram",
    "FinishUpload",
    "Follow",
    "GetHistory",
    "GetStats",
    "GrantCredit",
    "Join",
    "ListAccounts",
    "ListAudit",
    "ListBans",
    "ListConnections",
    "ListConversations",
    "ListFiles",
    "ListInvitations",
    "ListMembers",
    "ListRooms",
    "ListTokens",
    "ListUsers",
    "Login",
    "Mark",
    "Moderate",
    "Open",
    "Part",
    "Ping",
    "Post",
    "Proof",
    "ProveUpload",
    "Register",
    "RemoveFile",
    "Rename",
    "Request",
    "RevokeInvitation",
    "RevokeToken",
    "Search",
    "SendChunk",
    "SetPassword",
    "SetRole",
    "StartDownload",
    "StartScram",
    "StartUpload",
    "StopTransfer",
    "TokenLogin",
    "Unwatch",
    "Watch",
]
