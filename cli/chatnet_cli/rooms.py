"""``chatnet rooms``: list rooms, make one, close one. What else is done about a room is in `rooms_order`."""

import click

from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.lazy import ListByDefault
from chatnet_cli.options import Account, check_room_name, client_options, json_option
from chatnet_cli.output import put, put_json
from chatnet_cli.render import room_line, room_object
from chatnet_cli.rooms_order import PEOPLE, bans, members, private, public, rename, topic


@click.group("rooms", cls=ListByDefault, short_help="List the rooms, make one, and keep order in it.")
def command() -> None:
    """List the rooms, make one, and keep order in it; without a command, list them.

    A room's owner may do everything in it, its moderators what is about people and the topic, admins all of it. Every
    act is recorded: 'chatnet admin audit'.

    \b
    Examples:
      chatnet rooms
      chatnet rooms --json
      chatnet rooms create ops
      chatnet rooms private ops
      chatnet rooms invite ops bob
    """


@command.command("list", short_help="List the rooms, with how many are in each now.")
@click.option("--all", "with_archived", is_flag=True, help="The archived ones too.")
@json_option("every room")
@client_options
@click.pass_context
def list_rooms(ctx: click.Context, account: Account, *, with_archived: bool, as_json: bool) -> None:
    """List the rooms of the server, one a line, with how many are in each now.

    \b
    Examples:
      chatnet rooms
      chatnet rooms list --all --json
    """
    with account.connect() as chat:
        rooms = chat.rooms(archived=with_archived)
    for room in rooms:
        if as_json:
            put_json(room_object(room))
        else:
            put(room_line(room))
    if not rooms:
        ctx.exit(ExitCode.NOTHING)


@command.command("create", short_help="Make a room.")
@click.argument("room", metavar="NAME")
@client_options
def create(account: Account, *, room: str) -> None:
    """Make the room NAME; you own it.

    \b
    Examples:
      chatnet rooms create ops
      chatnet rooms create --as alice ops
    """
    check_room_name(room)
    with account.connect() as chat:
        chat.create_room(room)


@command.command("archive", short_help="Close a room, or open it again.")
@click.argument("room", metavar="NAME")
@click.option("--undo", is_flag=True, help="Open it again.")
@client_options
def archive(account: Account, *, room: str, undo: bool) -> None:
    """Close the room NAME: it can be read, but nothing more is said there. Its owner may.

    \b
    Examples:
      chatnet rooms archive --as alice ops
      chatnet rooms archive --as alice ops --undo
    """
    check_room_name(room)
    with account.connect() as chat:
        chat.archive_room(room, not undo)


for _other in (rename, topic, private, public, members, *PEOPLE, bans):
    command.add_command(_other)
