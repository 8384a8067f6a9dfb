"""What can go wrong, each with a code that never changes.

A code is for programs, its message for people. A code, once released, keeps its meaning; new ones may be added,
so a client treats a code that it does not know by what it was raised as.

    ChatnetError                 anything that chatnet reports on purpose
    +-- ProtocolError            the other side broke the wire protocol; the connection is over
    +-- Refused                  the server understood and said no; the connection goes on
    +-- Unreachable              no connection: refused, timed out, lost, or not a chatnet server
    +-- TrustError               a server that cannot prove to be the one that is wanted; nothing was said to it
    +-- TimedOut                 no answer in the time given; what was sent may still arrive
    |   +-- NotYet               stored, but not yet delivered or read in that time (in chatnet.client)
    +-- ConfigError              an address or an option that cannot be used
    +-- CannotListen             an address that the server cannot open
    +-- LocalFileError           a file on the client's own disk that cannot be read or written (in chatnet.client)
    +-- StoreUnusable            a data folder that a server cannot start with (in chatnet.store)
    |   +-- DatabaseTooNew       ... because a newer chatnet wrote it
    +-- StoreBroken              the store failed in a way that does not pass; the server ends (in chatnet.net)
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Every code that goes over the wire or out of the API."""

    # The connection is over.
    BAD_MAGIC = "BAD_MAGIC"
    BAD_VERSION = "BAD_VERSION"
    BAD_FRAME = "BAD_FRAME"
    FRAME_TOO_BIG = "FRAME_TOO_BIG"
    UNKNOWN_REQUEST = "UNKNOWN_REQUEST"
    NOT_CHATNET = "NOT_CHATNET"
    AUTH_TIMEOUT = "AUTH_TIMEOUT"
    TIMED_OUT = "TIMED_OUT"
    TOO_SLOW = "TOO_SLOW"
    TOO_MANY_UNANSWERED = "TOO_MANY_UNANSWERED"
    SERVER_FULL = "SERVER_FULL"
    REPLACED = "REPLACED"
    KICKED = "KICKED"
    LOGGED_OUT = "LOGGED_OUT"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    INTERNAL = "INTERNAL"

    # A request was refused; the connection goes on.
    NOT_LOGGED_IN = "NOT_LOGGED_IN"
    ALREADY_LOGGED_IN = "ALREADY_LOGGED_IN"
    FORBIDDEN = "FORBIDDEN"
    BAD_CREDENTIALS = "BAD_CREDENTIALS"
    RETRY_AFTER = "RETRY_AFTER"
    NAME_IN_USE = "NAME_IN_USE"
    BAD_NAME = "BAD_NAME"
    BAD_REQUEST = "BAD_REQUEST"
    TOO_MANY_SESSIONS = "TOO_MANY_SESSIONS"
    TOO_MANY_ROOMS = "TOO_MANY_ROOMS"
    NO_SUCH_USER = "NO_SUCH_USER"
    NO_SUCH_ROOM = "NO_SUCH_ROOM"
    NO_SUCH_CONVERSATION = "NO_SUCH_CONVERSATION"
    ROOM_EXISTS = "ROOM_EXISTS"
    ROOM_ARCHIVED = "ROOM_ARCHIVED"
    NOT_A_MEMBER = "NOT_A_MEMBER"
    NO_SUCH_TOKEN = "NO_SUCH_TOKEN"
    NO_SUCH_INVITATION = "NO_SUCH_INVITATION"
    BAD_PASSWORD = "BAD_PASSWORD"
    QUOTA = "QUOTA"
    NO_SUCH_FILE = "NO_SUCH_FILE"
    BAD_DIGEST = "BAD_DIGEST"
    TOO_MANY_TRANSFERS = "TOO_MANY_TRANSFERS"
    BANNED = "BANNED"
    MUTED = "MUTED"

    # A message was refused.
    BAD_TEXT = "BAD_TEXT"
    TOO_LONG = "TOO_LONG"
    STALE = "STALE"
    STORE_FULL = "STORE_FULL"
    STORE_FAILING = "STORE_FAILING"

    # The server cannot start.
    DATA_UNUSABLE = "DATA_UNUSABLE"
    DATA_TOO_NEW = "DATA_TOO_NEW"
    DATA_IN_USE = "DATA_IN_USE"

    # On the client's side only.
    UNREACHABLE = "UNREACHABLE"
    UNTRUSTED = "UNTRUSTED"
    TLS_FAILED = "TLS_FAILED"
    NO_ANSWER = "NO_ANSWER"
    BAD_ADDRESS = "BAD_ADDRESS"
    BAD_OPTION = "BAD_OPTION"
    UNSUPPORTED = "UNSUPPORTED"
    ADDRESS_IN_USE = "ADDRESS_IN_USE"
    CANNOT_LISTEN = "CANNOT_LISTEN"
    CANNOT_READ = "CANNOT_READ"
    CANNOT_CREATE = "CANNOT_CREATE"
    DISK_FULL = "DISK_FULL"
    FILE_CHANGED = "FILE_CHANGED"


class ChatnetError(Exception):
    """An error with a stable ``code``; ``str()`` of it is one or two lines for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ProtocolError(ChatnetError):
    """The other side sent what the protocol does not allow."""


class Refused(ChatnetError):
    """The server said no. ``retry_after`` is in seconds; 0 means that asking again will not help."""

    def __init__(self, code: str, message: str, retry_after: float = 0.0) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class Unreachable(ChatnetError):
    """There is no connection to a chatnet server at that address, or it was lost for good."""


class TrustError(ChatnetError):
    """It may be somebody else's server: trying again, or without encryption, is no cure.

    ``expected`` and ``seen`` are pins (`chatnet.net.pins`) of the key that was to be there, and of the one that is;
    None where there is none, or where it is not known.
    """

    def __init__(self, code: str, message: str, expected: bytes | None = None, seen: bytes | None = None) -> None:
        super().__init__(code, message)
        self.expected = expected
        self.seen = seen


class TimedOut(ChatnetError):
    """The time given has passed without an answer."""


class ConfigError(ChatnetError):
    """An address or an option that cannot be used as it was given."""


class CannotListen(ChatnetError):
    """The server cannot open one of its addresses."""
