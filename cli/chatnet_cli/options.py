"""The options that all commands of a client share, and the connection that they describe."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from chatnet.errors import ChatnetError, ErrorCode, TrustError, Unreachable
from chatnet_cli.durations import Duration

if TYPE_CHECKING:
    from chatnet import Client
    from chatnet.address import Address
    from chatnet.client.discovery import Contact
    from chatnet.client.inbox import ChatStart
    from chatnet.client.news import PostRefused
    from chatnet.client.spool import DiskOutbox, Spool

T = TypeVar("T")
DEFAULT_TIMEOUT = 10
LONGEST_TIMEOUT = 86400


def _check_seconds(ctx: click.Context, param: click.Parameter, value: float) -> float:
    """A time-out is more than nothing, and at most a day; `nan` is neither."""
    if not 0 < value <= LONGEST_TIMEOUT:
        raise click.BadParameter(f"{value:g} is not between 0 and {LONGEST_TIMEOUT} seconds", ctx, param)
    return value


@dataclass(frozen=True)
class Account:
    """Where the server is, who one is there, and how long to wait for an answer."""

    server: str | None
    name: str | None
    timeout: float
    profile: str | None = None

    @cached_property
    def contact(self) -> "Contact":
        """What comes of the options, the environment and the profiles; nothing is connected to.

        :raises ConfigError: they make no sense.
        """
        from chatnet.client.discovery import find

        _warn_of_open_token_file()
        return find(self.server, self.name, self.profile)

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
        """A client that is not connected yet; nothing that waits is sent before.

        At the first contact with a server, a terminal is asked whether it is to be trusted.
        """
        from chatnet import Client

        self.get_acquainted()
        contact = self.contact
        return Client(
            contact.addresses,
            name=contact.name if contact.credentials is None else None,
            credentials=contact.credentials,
            trust=contact.trust,
            timeout=self.timeout,
            live=live,
            reconnect=reconnect,
            outbox=outbox,
            chat_start=chat_start,
        )

    def get_acquainted(self) -> None:
        """At the first contact with a server, ask whoever sits at the terminal whether it is to be trusted.

        :raises Failure: NOT_ALLOWED: it is not.
        """
        contact = self.contact
        if contact.is_first:
            from chatnet_cli.trusting import introduce

            if introduce(contact.addresses[0], self.timeout):
                del self.__dict__["contact"]

    def anywhere(self, attempt: "Callable[[Address], T]") -> T:
        """Do something at the first address where anybody is.

        :raises ChatnetError: what the attempt raises, there or at the last address.
        """
        *others, last = self.contact.addresses
        for address in others:
            try:
                return attempt(address)
            except Unreachable as error:
                if error.code != ErrorCode.UNREACHABLE:
                    raise
        return attempt(last)

    def spool(self) -> "Spool":
        """The outboxes of this name for this server."""
        from chatnet_cli.outboxes import spool_of

        return spool_of(Path(self.contact.outbox))

    def drain(self) -> "list[PostRefused]":
        """Send what waits; returns what was refused for good.

        :raises ChatnetError: it could not be sent now, and still waits.
        """
        from chatnet_cli.outboxes import drain, spool_of

        folder = Path(self.contact.outbox)
        if not folder.is_dir():
            return []
        return drain(spool_of(folder), lambda outbox: self.client(outbox=outbox))


server_option = click.option(
    "--server",
    metavar="URL",
    help="The server's address: HOST, HOST:PORT, or a URL. Default: CHATNET_SERVER, your profile's, or the one here.",
)
timeout_option = click.option(
    "--timeout",
    type=float,
    callback=_check_seconds,
    default=DEFAULT_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the server's answer.",
)
_OPTIONS = (
    server_option,
    click.option("--as", "name", metavar="NAME", help="Who you are: your account of this name there, or else a guest."),
    click.option("--profile", metavar="NAME", help="Use this profile; 'chatnet profiles' lists them."),
    timeout_option,
)


def _warn_of_open_token_file() -> None:
    path = os.environ.get("CHATNET_TOKEN_FILE")
    try:
        mode = os.stat(path).st_mode if path and hasattr(os, "getuid") else 0
    except OSError:
        return  # whoever reads it says so
    if mode & 0o077:
        from chatnet_cli.output import talk
        from chatnet_cli.safe_text import safe_name

        talk(f"chatnet: others on this machine can read the token; close it with  chmod 600 {safe_name(path or '')}")


def client_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--server``, ``--as``, ``--profile`` and ``--timeout``; its first argument is an `Account`."""

    @functools.wraps(command)
    def wrapper(
        *args: Any, server: str | None, name: str | None, profile: str | None, timeout: float, **kwargs: Any
    ) -> None:
        if name == "":
            raise click.UsageError("the name after --as is empty; leave --as out to go by your login name")
        if name is not None and profile is not None:
            raise click.UsageError("say who you are once: either --as NAME or --profile NAME")
        account = Account(server, name, timeout, profile)
        try:
            command(account, *args, **kwargs)
        except TrustError as error:
            from chatnet_cli.trusting import advice

            raise advice(error, account.contact) from error

    for option in reversed(_OPTIONS):
        wrapper = option(wrapper)
    return wrapper


patience_option = click.option(
    "--retry",
    type=Duration(),
    metavar="TIME",
    help="Give up once nothing has moved for so long: 90s, 10m, 2h. Default: with no server at once, later never.",
)
quiet_option = click.option(
    "--quiet", "-q", is_flag=True, help="Show no progress, and say nothing of a file that is done."
)


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
