"""``chatnet login``: make this machine known to a server where one has an account with a password."""

import socket

import click

from chatnet_cli.options import Account, json_option, server_option, timeout_option
from chatnet_cli.output import put, put_json
from chatnet_cli.prompts import ask, ask_secret, can_ask, read_line
from chatnet_cli.safe_text import safe_name

_LABEL_MAX = 40


@click.command("login", short_help="Log in to an account with its password, once for this machine.")
@click.argument("where", metavar="[HOST[:PORT] | URL]", required=False)
@click.option("--name", metavar="NAME", help="Your login name there. Default: asked for, on a terminal.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--profile", metavar="NAME", help="What the account is called on this machine. Default: your name.")
@json_option("the account")
@server_option
@timeout_option
def command(
    *,
    where: str | None,
    name: str | None,
    password_stdin: bool,
    profile: str | None,
    as_json: bool,
    server: str | None,
    timeout: float,
) -> None:
    """Log in to an account that has a password; this machine is remembered by a token, so once is enough.

    The password itself is neither sent nor kept. Of a server that is not known here yet, the fingerprint is shown
    first. Ends with 77 if the name or the password is wrong; which of them is not told.

    \b
    Examples:
      chatnet login 192.168.1.20 --name alice
      chatnet login < password.txt --password-stdin --name alice
    """
    if where is not None and server is not None:
        raise click.UsageError("say where once: either HOST or --server URL")
    if name is None and not can_ask():
        raise click.UsageError("say who you are: --name NAME")
    if not password_stdin and not can_ask():
        raise click.UsageError("there is no terminal to ask for the password: use --password-stdin")

    from chatnet.client.discovery import default_name, short_address
    from chatnet.client.enrolment import enrol
    from chatnet.client.keeping import check_can_keep, keep
    from chatnet_cli.join import say_what_comes_next
    from chatnet_cli.trusting import advised

    account = Account(where or server, name, timeout)
    check_can_keep()
    account.get_acquainted()
    contact = account.contact
    user = name or ask(f"Your name at {short_address(contact.addresses[0])}", default_name())
    password = read_line("password") if password_stdin else ask_secret("Password")
    label = socket.gethostname()[:_LABEL_MAX]
    with advised(contact):
        enrolment = account.anywhere(
            lambda at: enrol(at, user, password, label=label, timeout=timeout, trust=contact.trust)
        )
    kept = keep(enrolment, profile, timeout=timeout)
    if as_json:
        put_json({"name": enrolment.user.name, "address": str(enrolment.address), "profile": kept.name})
        return
    put(f"You are {safe_name(enrolment.user.name)} at {short_address(enrolment.address)}")
    say_what_comes_next(kept.name, enrolment.user.name)
