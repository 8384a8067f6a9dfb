"""What the exit codes of ``chatnet`` mean, in one place; the numbers are those of ``sysexits.h``.

Scripts rely on them, so they keep their meaning. An error code that this version does not know counts as what its
exception says.
"""

from enum import IntEnum

from chatnet.errors import (
    CannotListen,
    ChatnetError,
    ConfigError,
    ErrorCode,
    ProtocolError,
    Refused,
    TimedOut,
    TrustError,
    Unreachable,
)


class ExitCode(IntEnum):
    """Every way in which ``chatnet`` ends."""

    OK = 0
    NOTHING = 1
    """The answer is "no", or nothing was found."""
    USAGE = 64
    BAD_TEXT = 65
    NO_INPUT = 66
    NO_SUCH_NAME = 67
    """No such user or room, file, token, invitation or profile."""
    UNREACHABLE = 69
    BUG = 70
    """An error inside chatnet itself."""
    CANNOT_CREATE = 73
    """The address to listen at, the data folder, or the name of a new room or account is taken, or cannot be had."""
    IO = 74
    """The output could not be written, or another failure of a disk."""
    TRY_LATER = 75
    """Timed out, or a passing failure of the server."""
    PROTOCOL = 76
    """The other side is not a chatnet server, or one that this version cannot talk to."""
    NOT_ALLOWED = 77
    """Not allowed here, or to this user; or a server that cannot be trusted."""
    CONFIG = 78
    INTERRUPTED = 130


_BY_CODE: dict[str, ExitCode] = {
    ErrorCode.BAD_NAME: ExitCode.USAGE,
    ErrorCode.BAD_TEXT: ExitCode.BAD_TEXT,
    ErrorCode.BAD_PASSWORD: ExitCode.BAD_TEXT,
    ErrorCode.TOO_LONG: ExitCode.BAD_TEXT,
    ErrorCode.NO_SUCH_USER: ExitCode.NO_SUCH_NAME,
    ErrorCode.NO_SUCH_ROOM: ExitCode.NO_SUCH_NAME,
    ErrorCode.NO_SUCH_CONVERSATION: ExitCode.NO_SUCH_NAME,
    ErrorCode.NO_SUCH_TOKEN: ExitCode.NO_SUCH_NAME,
    ErrorCode.NO_SUCH_INVITATION: ExitCode.NO_SUCH_NAME,
    ErrorCode.ROOM_EXISTS: ExitCode.CANNOT_CREATE,
    ErrorCode.DATA_IN_USE: ExitCode.CANNOT_CREATE,
    ErrorCode.DATA_UNUSABLE: ExitCode.CANNOT_CREATE,
    ErrorCode.DATA_TOO_NEW: ExitCode.CONFIG,
    ErrorCode.NO_SUCH_FILE: ExitCode.NO_SUCH_NAME,
    ErrorCode.QUOTA: ExitCode.NOT_ALLOWED,
    ErrorCode.TOO_MANY_TRANSFERS: ExitCode.TRY_LATER,
    ErrorCode.BAD_DIGEST: ExitCode.IO,
    ErrorCode.CANNOT_READ: ExitCode.NO_INPUT,
    ErrorCode.CANNOT_CREATE: ExitCode.CANNOT_CREATE,
    ErrorCode.DISK_FULL: ExitCode.IO,
    ErrorCode.FILE_CHANGED: ExitCode.NO_INPUT,
    ErrorCode.STORE_FULL: ExitCode.TRY_LATER,
    ErrorCode.STORE_FAILING: ExitCode.TRY_LATER,
    ErrorCode.STALE: ExitCode.TRY_LATER,
    ErrorCode.RETRY_AFTER: ExitCode.TRY_LATER,
    ErrorCode.SERVER_FULL: ExitCode.TRY_LATER,
    ErrorCode.TOO_MANY_SESSIONS: ExitCode.TRY_LATER,
    ErrorCode.AUTH_TIMEOUT: ExitCode.TRY_LATER,
    ErrorCode.TIMED_OUT: ExitCode.TRY_LATER,
    ErrorCode.TOO_SLOW: ExitCode.TRY_LATER,
    ErrorCode.NO_ANSWER: ExitCode.TRY_LATER,
    ErrorCode.KICKED: ExitCode.NOT_ALLOWED,
    ErrorCode.LOGGED_OUT: ExitCode.NOT_ALLOWED,
    ErrorCode.SHUTTING_DOWN: ExitCode.UNREACHABLE,
    ErrorCode.REPLACED: ExitCode.UNREACHABLE,
    ErrorCode.INTERNAL: ExitCode.UNREACHABLE,
    ErrorCode.UNREACHABLE: ExitCode.UNREACHABLE,
    ErrorCode.NOT_CHATNET: ExitCode.PROTOCOL,
    ErrorCode.BAD_MAGIC: ExitCode.PROTOCOL,
    ErrorCode.BAD_VERSION: ExitCode.PROTOCOL,
    ErrorCode.BAD_FRAME: ExitCode.PROTOCOL,
    ErrorCode.FRAME_TOO_BIG: ExitCode.PROTOCOL,
    ErrorCode.UNKNOWN_REQUEST: ExitCode.PROTOCOL,
    ErrorCode.BAD_REQUEST: ExitCode.PROTOCOL,
    ErrorCode.TOO_MANY_UNANSWERED: ExitCode.PROTOCOL,
}
_BY_CLASS: tuple[tuple[type[ChatnetError], ExitCode], ...] = (
    (ConfigError, ExitCode.CONFIG),
    (CannotListen, ExitCode.CANNOT_CREATE),
    (ProtocolError, ExitCode.PROTOCOL),
    (TrustError, ExitCode.NOT_ALLOWED),
    (Unreachable, ExitCode.UNREACHABLE),
    (TimedOut, ExitCode.TRY_LATER),
    (Refused, ExitCode.NOT_ALLOWED),
)


def exit_code_of(error: ChatnetError) -> ExitCode:
    """The exit code for an error of the server, the connection or the options."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return next((exit_code for kind, exit_code in _BY_CLASS if isinstance(error, kind)), ExitCode.BUG)


def passes(error: ChatnetError) -> bool:
    """Is it worth trying again?"""
    if error.code == ErrorCode.STALE:
        return False
    return exit_code_of(error) in (ExitCode.UNREACHABLE, ExitCode.TRY_LATER) or getattr(error, "retry_after", 0.0) > 0
