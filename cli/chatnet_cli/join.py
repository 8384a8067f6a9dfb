"""``chatnet join``: make an account with a join code; the server is proven by it, and remembered."""

import socket

import click

from chatnet.address import Address
from chatnet.auth.codes import Code, parse_code, parse_link
from chatnet.client.discovery import default_name, server_address, short_address
from chatnet.errors import ConfigError, ErrorCode, Refused
from chatnet.model import Role
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.options import json_option, timeout_option
from chatnet_cli.output import put, put_json, talk
from chatnet_cli.prompts import ask, can_ask, read_line
from chatnet_cli.safe_text import safe_name

_LABEL_MAX = 40


@click.command("join", short_help="Make an account on a server with a join code.")
@click.argument("where", metavar="HOST[:PORT] | URL | -")
@click.argument("code", metavar="[CODE | -]", required=False)
@click.option("--name", metavar="NAME", help="Your login name there. Default: asked for, on a terminal.")
@click.option("--display", default="", metavar="TEXT", help="How you like to be shown, such as 'Alice Smith'.")
@click.option("--profile", metavar="NAME", help="What the account is called on this machine. Default: your name.")
@json_option("what was joined")
@timeout_option
def command(
    *,
    where: str,
    code: str | None,
    name: str | None,
    display: str,
    profile: str | None,
    as_json: bool,
    timeout: float,
) -> None:
    """Make an account on the server at HOST with a join code, which its admin gets from 'chatnet invite'.

    That the server knows the code proves it: its key is remembered, and so is the account, as a profile of this
    machine. With - the code is read from standard input, where no list of processes shows it; 'join -' reads the whole
    line 'HOST CODE', or the URL. Ends with 73 if the name is taken, with 77 if the code is not good.

    \b
    Examples:
      chatnet join 192.168.1.20 7KQM-4XDP-9TBC
      chatnet join chatnet://192.168.1.20:5555/7KQM-4XDP-9TBC --name alice
      echo 7KQM-4XDP-9TBC | chatnet join chat.example.org - --name build-bot
    """
    from chatnet.client.enrolment import join
    from chatnet.client.keeping import check_can_keep, keep

    address, secret = _where_to(where, code)
    check_can_keep()
    enrolment = join(
        address,
        secret,
        _names(address, name),
        display=display,
        label=socket.gethostname()[:_LABEL_MAX],
        timeout=timeout,
    )
    kept = keep(enrolment, profile, timeout=timeout)
    user = enrolment.user
    if as_json:
        put_json(
            {
                "name": user.name,
                "display": user.display,
                "admin": user.role == Role.ADMIN,
                "server": enrolment.server.hex(),
                "address": str(address),
                "profile": kept.name,
            }
        )
        return
    put(
        f"You are {safe_name(user.name)} at {short_address(address)}"
        + (", an admin" if user.role == Role.ADMIN else "")
    )
    say_what_comes_next(kept.name, user.name)


def say_what_comes_next(profile: str, user: str) -> None:
    """How the new profile is used."""
    from chatnet.client.profiles import load_book

    option = "" if load_book().default == profile else f" --profile {safe_name(profile)}"
    talk(f"This machine is known there from now on. Try:  chatnet send{option} --to {safe_name(user)} hi")
    if option:
        talk(f"To use it without {option.strip()}:  chatnet profiles --default {safe_name(profile)}")


def _where_to(where: str, code: str | None) -> tuple[Address, Code]:
    """The server and the code, from the arguments and from standard input."""
    if where == "-":
        if code is not None:
            raise click.UsageError("with -, the whole line 'HOST CODE' or the URL comes from standard input")
        where, _, code = read_line("'HOST CODE'").strip().partition(" ")
    elif code == "-":
        code = read_line("join code")
    try:
        link = parse_link(where)
        if link is not None:
            if code:
                raise click.UsageError("the URL has a code already: leave out the other one")
            return link
        if not code:
            raise click.UsageError("say the join code too: chatnet join HOST CODE")
        return server_address(where), parse_code(code)
    except ConfigError as error:
        if error.code != ErrorCode.BAD_OPTION:
            raise
        raise click.UsageError(error.message) from None


def _names(address: Address, name: str | None) -> "_Names":
    if name is None and not can_ask():
        raise click.UsageError("say who you want to be: --name NAME")
    # Asked before there is a connection: a server does not wait for a login for ever.
    return _Names(name or ask(f"Your name at {short_address(address)}", default_name()), is_fixed=name is not None)


class _Names:
    """Gives a name, and on a terminal others while it is taken."""

    def __init__(self, first: str, *, is_fixed: bool) -> None:
        self._first = first
        self._is_fixed = is_fixed

    def __call__(self, reason: str | None) -> str:
        if reason is None:
            return self._first
        if not self._is_fixed:
            talk(f"chatnet: {safe_name(reason)}")
            return ask("Another name")
        # What cannot be a name at all is refused by this side, with the rule.
        from chatnet.auth.names import check_name

        check_name(self._first)
        raise Failure(ExitCode.CANNOT_CREATE, f"{reason}\nThe code is still good: join again with another --name.")


def taken(refused: Refused) -> Failure | Refused:
    """The failure of whoever makes an account with a name that is taken."""
    if refused.code != ErrorCode.NAME_IN_USE:
        return refused
    return Failure(ExitCode.CANNOT_CREATE, refused.message)
