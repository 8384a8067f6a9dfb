"""All that a client may be told, as plain data: replies, which repeat the ``id`` of their request, and news.

Codes are plain strings here, so that an older client can read a code that a newer server has.
The integer tags follow the same rule as those of the requests.
"""

from chatnet.events.base import Delay, Event
from chatnet.events.connection import AreYouThere, Closing, Hello
from chatnet.events.files import (
    Credit,
    DownloadReady,
    FileChunk,
    FilePage,
    FileRemoved,
    ProofWanted,
    TransferEnded,
    Uploaded,
    UploadReady,
)
from chatnet.events.news import Deliver, Invited, Marked, Presence, Removed, Renamed, RoomChanged, Started, Truncated
from chatnet.events.replies import (
    Ack,
    AuditPage,
    BanPage,
    Challenge,
    ConversationPage,
    Done,
    Following,
    HistoryPage,
    InvitationPage,
    Joined,
    MemberPage,
    Nack,
    Opened,
    Pong,
    Proven,
    Refused,
    Registered,
    RoomPage,
    SearchPage,
    TokenCreated,
    TokenPage,
    UserPage,
    Welcome,
)
from chatnet.events.watching import ConnectionPage, LogLines, Stats, WatchEnded

AnyEvent = (
    Hello
    | AreYouThere
    | Closing
    | Refused
    | Done
    | Pong
    | Welcome
    | Opened
    | Joined
    | Following
    | Ack
    | Nack
    | ConversationPage
    | UserPage
    | RoomPage
    | HistoryPage
    | SearchPage
    | Challenge
    | Proven
    | Registered
    | TokenCreated
    | TokenPage
    | InvitationPage
    | MemberPage
    | BanPage
    | AuditPage
    | Deliver
    | Truncated
    | Started
    | Presence
    | Renamed
    | RoomChanged
    | Marked
    | Removed
    | Invited
    | UploadReady
    | ProofWanted
    | Uploaded
    | Credit
    | DownloadReady
    | FileChunk
    | TransferEnded
    | FilePage
    | FileRemoved
    | Stats
    | LogLines
    | ConnectionPage
    | WatchEnded
)
"""Everything that may come from a server."""

__all__ = [
    "Ack",
    "AnyEvent",
    "AreYouThere",
    "AuditPage",
    "BanPage",
    "Challenge",
    "Closing",
    "ConnectionPage",
    "ConversationPage",
    "Credit",
    "Delay",
    "Deliver",
    "Done",
    "DownloadReady",
    "Event",
    "FileChunk",
    "FilePage",
    "FileRemoved",
    "Following",
    "Hello",
    "HistoryPage",
    "InvitationPage",
    "Invited",
    "Joined",
    "LogLines",
    "Marked",
    "MemberPage",
    "Nack",
    "Opened",
    "Pong",
    "Presence",
    "ProofWanted",
    "Proven",
    "Refused",
    "Registered",
    "Removed",
    "Renamed",
    "RoomChanged",
    "RoomPage",
    "SearchPage",
    "Started",
    "Stats",
    "TokenCreated",
    "TokenPage",
    "TransferEnded",
    "Truncated",
    "UploadReady",
    "Uploaded",
    "UserPage",
    "WatchEnded",
    "Welcome",
]
