"""``chatnet doctor``: find out why a server cannot be reached, or that it can."""

from typing import TYPE_CHECKING

import click

from chatnet.errors import TrustError
from chatnet_cli.exit_codes import exit_code_of
from chatnet_cli.failures import Failure
from chatnet_cli.options import Account, client_options, json_option
from chatnet_cli.output import put, put_json, talk
from chatnet_cli.safe_text import safe_name

if TYPE_CHECKING:
    from chatnet.address import Address
    from chatnet.client.checkup import Step
    from chatnet.client.discovery import Contact
    from chatnet.client.session import ClientSession
    from chatnet.net.trust import Trust

_SHOWN_AS = {"tls": "TLS"}
_WIDTH = len("round trip")


@click.command("doctor", short_help="Find out why a server cannot be reached.")
@click.argument("where", metavar="[HOST|URL]", required=False)
@json_option("every step")
@client_options
def command(account: Account, *, where: str | None, as_json: bool) -> None:
    """Walk the way to a server, step by step, and say at which one it ends, and what to do.

    The steps are name, route, port, TLS, pin, protocol, login, round trip and clock, as far as the address has them.
    A HOST alone, or HOST:PORT, means chatnet://HOST, which is encrypted; without either, the server is the one that
    every other command would use. You are who you are there for every other command, and a terminal is asked whether
    a server is to be trusted that was never seen before. Ends as those would: with 69 if it cannot be reached, 76 if
    it is no chatnet server, 77 if it cannot be trusted or does not let you in, 75 if it does not answer.

    \b
    Examples:
      chatnet doctor
      chatnet doctor 192.168.1.20
      chatnet doctor chatnet+tcp://localhost:5555 --as alice --json
    """
    if where is not None and account.server is not None:
        raise click.UsageError("say where once: either HOST or --server URL")

    from chatnet.client.checkup import checkup, reachable

    if where is not None:
        account = Account(where, account.name, account.timeout, account.profile)
    address = reachable(account.contact.addresses, account.timeout)
    talk(f"chatnet: looking at {safe_name(str(address))}")
    for taken in checkup(address, lambda: _session(account), lambda place: _trust(account, place), account.timeout):
        step = _with_contact(taken, account.contact, address)
        if as_json:
            put_json(_object(step))
        else:
            put(_line(step))
        if step.error is not None:
            name = _SHOWN_AS.get(step.name, step.name)
            raise Failure(exit_code_of(step.error), f"the step '{name}' fails. {step.advice}")


def _trust(account: Account, address: "Address") -> "Trust":
    """As every other command would, which may ask at the first contact, or find that it is a server known elsewhere."""
    account.get_acquainted()
    return account.contact.trust(address)


def _with_contact(step: "Step", contact: "Contact", address: "Address") -> "Step":
    """The step, with what only the user's own files tell: the profile, and what makes a server trusted."""
    from dataclasses import replace

    from chatnet_cli.trusting import advice

    if isinstance(step.error, TrustError) and step.error.seen is not None:
        _, _, what_to_do = str(advice(step.error, contact)).removeprefix(step.error.message).partition("\n")
        return replace(step, advice=what_to_do)
    if step.error is not None:
        return step
    if step.name == "pin" and contact.profile is not None:
        return replace(step, says=f"{step.says}, in the profile {contact.profile.name}")
    if step.name == "login":
        return replace(step, says=step.says + _known_by(contact, address))
    return step


def _known_by(contact: "Contact", address: "Address") -> str:
    """What shows the server who one is."""
    from chatnet.address import UNIX
    from chatnet.client.credentials import TokenCredentials

    if contact.profile is not None:
        return f", by the profile {contact.profile.name}"
    if isinstance(contact.credentials, TokenCredentials):
        return ", by the token that CHATNET_TOKEN_FILE names"
    return ", by local access" if contact.credentials is not None and address.scheme == UNIX else ""


def _session(account: Account) -> "ClientSession":
    """One that logs in as every other command does, and hears nothing."""
    from chatnet.client.driver import chance
    from chatnet.client.identity import Identity, load_identity
    from chatnet.client.session import ClientSession

    contact = account.contact
    identity = load_identity() if contact.credentials is None else Identity.ephemeral()
    who = contact.credentials or contact.name
    return ClientSession(who, identity, random=chance, live=False, answer_seconds=account.timeout)


def _line(step: "Step") -> str:
    """``ok     port        localhost port 5555 answers  (0.2 ms)``."""
    outcome = "fails" if step.error is not None else "ok"
    name = _SHOWN_AS.get(step.name, step.name)
    shown = "\n".join(f"{'':{_WIDTH + 9}}{line}" for line in map(safe_name, step.says.split("\n"))).lstrip()
    figure = "" if step.seconds is None or step.name == "clock" else f"  ({step.seconds * 1000:.1f} ms)"
    warning = f"\n{'':{_WIDTH + 9}}{step.advice}" if step.advice and step.error is None else ""
    return f"{outcome:5}  {name:{_WIDTH}}  {shown}{figure}{warning}"


def _object(step: "Step") -> dict[str, object]:
    return {
        "step": step.name,
        "ok": step.error is None,
        "says": step.says,
        "seconds": step.seconds,
        "code": None if step.error is None else step.error.code,
        "advice": step.advice or None,
    }
