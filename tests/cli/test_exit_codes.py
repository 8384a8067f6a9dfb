"""Every error has the exit code that scripts rely on."""

import pytest

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
from chatnet_cli.exit_codes import ExitCode, exit_code_of


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (Refused(ErrorCode.TOO_LONG, ""), 65),
        (Refused(ErrorCode.BAD_TEXT, ""), 65),
        (Refused(ErrorCode.BAD_NAME, ""), 64),
        (Refused(ErrorCode.NO_SUCH_USER, ""), 67),
        (Refused(ErrorCode.NO_SUCH_ROOM, ""), 67),
        (Refused(ErrorCode.NO_SUCH_TOKEN, ""), 67),
        (Refused(ErrorCode.NO_SUCH_INVITATION, ""), 67),
        (Refused(ErrorCode.BAD_PASSWORD, ""), 65),
        (Refused(ErrorCode.BAD_CREDENTIALS, ""), 77),
        (Refused(ErrorCode.BANNED, ""), 77),
        (Refused(ErrorCode.MUTED, ""), 77),
        (Refused(ErrorCode.RETRY_AFTER, "", 60.0), 75),
        (TrustError(ErrorCode.UNTRUSTED, ""), 77),
        (Unreachable(ErrorCode.KICKED, ""), 77),
        (Unreachable(ErrorCode.LOGGED_OUT, ""), 77),
        (Unreachable(ErrorCode.UNREACHABLE, ""), 69),
        (Refused(ErrorCode.ROOM_EXISTS, ""), 73),
        (CannotListen(ErrorCode.ADDRESS_IN_USE, ""), 73),
        (CannotListen(ErrorCode.CANNOT_LISTEN, ""), 73),
        (TimedOut(ErrorCode.NO_ANSWER, ""), 75),
        (Refused(ErrorCode.STORE_FULL, "", 1.0), 75),
        (ProtocolError(ErrorCode.BAD_FRAME, ""), 76),
        (Unreachable(ErrorCode.NOT_CHATNET, ""), 76),
        (Refused(ErrorCode.NAME_IN_USE, ""), 77),
        (Refused(ErrorCode.FORBIDDEN, ""), 77),
        (ConfigError(ErrorCode.BAD_ADDRESS, ""), 78),
    ],
)
def test_an_error_has_its_exit_code(error: ChatnetError, exit_code: int) -> None:
    assert exit_code_of(error) == exit_code


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (Refused("FROM_A_NEWER_SERVER", ""), 77),
        (ProtocolError("FROM_A_NEWER_SERVER", ""), 76),
        (Unreachable("FROM_A_NEWER_SERVER", ""), 69),
        (TimedOut("FROM_A_NEWER_SERVER", ""), 75),
    ],
)
def test_a_code_that_this_version_does_not_know_counts_as_its_class(error: ChatnetError, exit_code: int) -> None:
    assert exit_code_of(error) == exit_code


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_that_a_server_may_send_has_an_exit_code_that_is_no_bug(code: ErrorCode) -> None:
    assert exit_code_of(Refused(code, "")) not in (ExitCode.OK, ExitCode.BUG)
