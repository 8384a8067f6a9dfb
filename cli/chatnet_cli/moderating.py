"""The commands that do something about a user; the same ones for a room and for the whole server."""

from collections.abc import Callable

import click

from chatnet.model import Act
from chatnet_cli.durations import Duration
from chatnet_cli.options import Account, check_room_name, client_options

_reason_option = click.option(
    "--reason", default="", metavar="TEXT", help="Told to the user, and kept in the audit log."
)
_for_option = click.option(
    "--for", "seconds", type=Duration(), metavar="TIME", help="How long: 10m, 1d. Default: for ever."
)


def server_command(act: Act, short_help: str, text: str) -> click.Command:
    """``chatnet admin ACT USER``."""
    name = act.name.lower()

    @client_options
    def run(account: Account, *, user: str, seconds: int | None = None, reason: str = "") -> None:
        with account.connect() as chat:
            chat.admin.moderate(act, user, seconds=seconds or 0, reason=reason)

    run.__doc__ = f"{text}\n\n\b\nExamples:\n  chatnet admin {name} bob{_example(act)}\n"
    return click.command(name, short_help=short_help)(click.argument("user")(_with_options(run, act)))


def room_command(act: Act, short_help: str, text: str) -> click.Command:
    """``chatnet rooms ACT ROOM USER``."""
    name = act.name.lower().replace("_", "-")

    @client_options
    def run(account: Account, *, room: str, user: str, seconds: int | None = None, reason: str = "") -> None:
        check_room_name(room)
        with account.connect() as chat:
            chat.admin.moderate(act, user, room=room, seconds=seconds or 0, reason=reason)

    run.__doc__ = f"{text}\n\n\b\nExamples:\n  chatnet rooms {name} ops bob{_example(act)}\n"
    with_user = click.argument("user")(_with_options(run, act))
    return click.command(name, short_help=short_help)(click.argument("room")(with_user))


def _with_options(run: Callable[..., None], act: Act) -> Callable[..., None]:
    if act in (Act.BAN, Act.MUTE):
        run = _for_option(run)
    return _reason_option(run) if act in (Act.KICK, Act.BAN, Act.MUTE) else run


def _example(act: Act) -> str:
    return {Act.KICK: ' --reason "off topic"', Act.BAN: " --for 1d", Act.MUTE: " --for 10m"}.get(act, "")
