"""The options that all commands of a client share, and the connection that they describe."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from chatnet import Client
    from chatnet.client.inbox import ChatStart
    from chatnet.client.news import PostRefused
    from chatnet.client.spool import DiskOutbox, Spool

DEFAULT_TIMEOUT = 10
LONGEST_TIMEOUT = 86400


def _check_seconds(ctx: click.Context, param: click.Parameter, value: float) -> float:
    """A time-out is more than nothing, and at most a day; `nan` is neither."""
    if not 0 < value <= LONGEST_TIMEOUT:
        raise click.BadParameter(f"{value:g} is not between 0 and {LONGEST_TIMEOUT} seconds", ctx, param)
    return value


@dataclass(frozen=True, slots=True)
class Account:
    """Where the server is, who one is there, and how long to wait for an answer."""

    server: str | None
    name: str | None
    timeout: float

    def connect(
        self,
        *,
        live: bool = False,
        reconnect: bool = False,
        outbox: "DiskOutbox | None" = None,
        chat_start: "ChatStart | None" = None,
    ) -> "Client":
        """Send what waits in the outboxes; then log in, when the client that is returned is entered.

        ``live``: hear personal messages; ``reconnect``: come back when the connection breaks; ``outbox``: see `Client`.
        What cannot be sent now still waits, and stops no other command.

        :raises ChatnetError: the server cannot be reached, or refused.
        """
        from chatnet.errors import ChatnetError, Unreachable

        try:
            self.drain()
        except Unreachable:
            pass  # whoever connects next says so
        except ChatnetError as error:
            from chatnet_cli.output import talk
            from chatnet_cli.safe_text import safe_name

            talk(f"chatnet: what waits in the outbox could not be sent: {safe_name(error.message)}")
        return self.client(live=live, reconnect=reconnect, outbox=outbox, chat_start=chat_start)

    def client(
        self,
        *,
        live: bool = False,
        reconnect: bool = False,
        outbox: "DiskOutbox | None" = None,
        chat_start: "ChatStart | None" = None,
    ) -> "Client":
        """A client that is not connected yet; nothing that waits is sent before."""
        from chatnet import Client

        return Client(
            self.server,
            name=self.name,
            timeout=self.timeout,
            live=live,
            reconnect=reconnect,
            outbox=outbox,
            chat_start=chat_start,
        )

    def spool(self) -> "Spool":
        """The outboxes of this name for this server."""
        from chatnet_cli.outboxes import folder_of, spool_of

        return spool_of(folder_of(self.server, self.name))

    def drain(self) -> "list[PostRefused]":
        """Send what waits; returns what was refused for good.

        :raises ChatnetError: it could not be sent now, and still waits.
        """
        from chatnet_cli.outboxes import drain, folder_of, spool_of

        folder = folder_of(self.server, self.name)
        if not folder.is_dir():
            return []
        return drain(spool_of(folder), lambda outbox: self.client(outbox=outbox))


_OPTIONS = (
    click.option(
        "--server",
        metavar="URL",
        help="The server's address, such as chatnet+tcp://HOST:5555. Default: CHATNET_SERVER, or the one here.",
    ),
    click.option("--as", "name", metavar="NAME", help="Who you are. Default: your login name on this machine."),
    click.option(
        "--timeout",
        type=float,
        callback=_check_seconds,
        default=DEFAULT_TIMEOUT,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for the server's answer.",
    ),
)


def client_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--server``, ``--as`` and ``--timeout``; it gets them as an `Account`, its first argument."""

    @functools.wraps(command)
    def wrapper(*args: Any, server: str | None, name: str | None, timeout: float, **kwargs: Any) -> None:
        if name == "":
            raise click.UsageError("the name after --as is empty; leave --as out to go by your login name")
        command(Account(server, name, timeout), *args, **kwargs)

    for option in reversed(_OPTIONS):
        wrapper = option(wrapper)
    return wrapper


def json_option(what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {what} as a JSON object on a line of its own.")


def check_room_name(name: str) -> str:
    """Return a room's name, as long as it does not start with the # that other chat programs put there.

    :raises click.UsageError: it does.
    """
    if name.startswith("#"):
        raise click.UsageError(f"rooms have no '#' in front here: write {name.lstrip('#')!r} instead of {name!r}")
    return name
