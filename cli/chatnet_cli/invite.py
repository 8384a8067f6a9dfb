"""``chatnet invite``: join codes, made, listed and revoked."""

import time
from typing import TYPE_CHECKING

import click

from chatnet_cli.durations import Duration
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.options import Account, client_options, json_option
from chatnet_cli.output import put, put_json, talk

if TYPE_CHECKING:
    from chatnet import Client

_DEFAULT_EXPIRY = 7 * 24 * 60 * 60
_MOST_USES = 10_000


@click.command("invite", short_help="Make a join code for somebody else; for admins.")
@click.option("--uses", type=click.IntRange(1, _MOST_USES), metavar="N", help="How many may use it. Default: one.")
@click.option("--expires", type=Duration(), metavar="TIME", help="How long it is good: 1h, 7d. Default: 7d.")
@click.option("--admin", "is_admin", is_flag=True, help="Whoever uses it becomes an admin.")
@click.option("--address", metavar="HOST[:PORT]", help="How the others reach the server, where this side cannot know.")
@click.option("--list", "is_list", is_flag=True, help="List the codes that can still be used, by their first part.")
@click.option("--revoke", metavar="NAME", help="Make a code worthless; the first four characters name it.")
@json_option("the code")
@client_options
@click.pass_context
def command(
    ctx: click.Context,
    account: Account,
    *,
    uses: int | None,
    expires: int | None,
    is_admin: bool,
    address: str | None,
    is_list: bool,
    revoke: str | None,
    as_json: bool,
) -> None:
    """Make a join code, and print the whole line that the other one types. For admins.

    The code is shown this once: the server keeps only what can check it. Making an account with it uses it up.

    \b
    Examples:
      chatnet invite
      chatnet invite --uses 30 --expires 2h
      chatnet invite --list
      chatnet invite --revoke 7KQM
    """
    makes = uses is not None or expires is not None or is_admin or address is not None
    if is_list + (revoke is not None) + makes > 1:
        raise click.UsageError("one thing at a time: --list, --revoke, or the options of a new code")
    with account.connect() as chat:
        if revoke is not None:
            chat.admin.revoke_invitation(revoke.partition("-")[0].upper())
        elif is_list:
            if not _list(chat, as_json=as_json):
                ctx.exit(ExitCode.NOTHING)
        else:
            _make(chat, uses or 1, expires or _DEFAULT_EXPIRY, address, is_admin=is_admin, as_json=as_json)


def _make(chat: "Client", uses: int, seconds: int, address: str | None, *, is_admin: bool, as_json: bool) -> None:
    from chatnet.client.discovery import server_address, short_address
    from chatnet.client.reach import place_of
    from chatnet.model import Role
    from chatnet_cli.render_accounts import times

    given = None if address is None else server_address(address)
    until = int((time.time() + seconds) * 1000)
    role = Role.ADMIN if is_admin else Role.MEMBER
    code = chat.admin.invite(uses=uses, expires=until, role=role)
    place = given or place_of(chat.address)
    line = None if place is None else f"chatnet join {short_address(place)} {code}"
    if as_json:
        put_json({"code": str(code), "join": line, "uses": uses, "admin": is_admin, **times(until, "expires")})
        return
    put(line or str(code))
    if place is None:
        talk("chatnet: this server seems to listen only on its own machine; for others start it with: serve --lan")


def _list(chat: "Client", *, as_json: bool) -> int:
    from chatnet_cli.render_accounts import invitation_line, invitation_object

    invitations = chat.admin.invitations()
    for invitation in invitations:
        if as_json:
            put_json(invitation_object(invitation))
        else:
            put(invitation_line(invitation))
    return len(invitations)
