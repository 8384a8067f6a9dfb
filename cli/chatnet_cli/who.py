"""``chatnet who``: who is there now."""

import click

from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.options import Account, check_room_name, client_options, json_option
from chatnet_cli.output import put, put_json
from chatnet_cli.render import shown_user, user_object


@click.command("who", short_help="List who is online.")
@click.option("--room", metavar="ROOM", help="Only those in this room.")
@json_option("every user")
@client_options
@click.pass_context
def command(ctx: click.Context, account: Account, *, room: str | None, as_json: bool) -> None:
    """List who is online, or in a room, one a line; you are among them while the command runs.

    Ends with 1 if nobody is there.

    \b
    Examples:
      chatnet who
      chatnet who --room lobby --json
    """
    if room is not None:
        check_room_name(room)
    with account.connect() as chat:
        users = chat.who(room)
    for user in users:
        if as_json:
            put_json(user_object(user))
        else:
            put(shown_user(user))
    if not users:
        ctx.exit(ExitCode.NOTHING)
