"""``chatnet rooms topic``, ``invite``, ``ban`` and the like: what a room is like, and who may be in it."""

import click

from chatnet.model import Act
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.moderating import room_command
from chatnet_cli.options import Account, check_room_name, client_options, json_option
from chatnet_cli.output import put, put_json
from chatnet_cli.render_accounts import ban_line, ban_object, member_line, member_object


@click.command("topic", short_help="Say what a room is about.")
@click.argument("room")
@click.argument("topic", metavar="TEXT")
@client_options
def topic(account: Account, *, room: str, topic: str) -> None:
    """Say in a line what ROOM is about; an empty TEXT for nothing. Its owner, moderators and admins may.

    \b
    Examples:
      chatnet rooms topic ops "Friday: release"
      chatnet rooms topic ops ""
    """
    check_room_name(room)
    with account.connect() as chat:
        chat.admin.change_room(room, topic=topic)


@click.command("private", short_help="Let in only members and those who are invited.")
@click.argument("room")
@client_options
def private(account: Account, *, room: str) -> None:
    """Let only members, and those who are invited, see ROOM and join it. Its owner and admins may.

    \b
    Examples:
      chatnet rooms private ops
    """
    _set_private(account, room, is_private=True)


@click.command("public", short_help="Let everybody in.")
@click.argument("room")
@client_options
def public(account: Account, *, room: str) -> None:
    """Let everybody see ROOM and join it. Its owner and admins may.

    \b
    Examples:
      chatnet rooms public ops
    """
    _set_private(account, room, is_private=False)


def _set_private(account: Account, room: str, *, is_private: bool) -> None:
    check_room_name(room)
    with account.connect() as chat:
        chat.admin.change_room(room, private=is_private)


@click.command("rename", short_help="Give a room another name.")
@click.argument("room")
@click.argument("other", metavar="NAME")
@client_options
def rename(account: Account, *, room: str, other: str) -> None:
    """Give ROOM another NAME. Its owner and admins may. Ends with 73 if there is a room of that name.

    \b
    Examples:
      chatnet rooms rename ops operations
    """
    check_room_name(room)
    check_room_name(other)
    with account.connect() as chat:
        chat.admin.change_room(room, name=other)


@click.command("members", short_help="List who belongs to a room, online or not.")
@click.argument("room")
@json_option("every member")
@client_options
@click.pass_context
def members(ctx: click.Context, account: Account, *, room: str, as_json: bool) -> None:
    """List who belongs to ROOM, online or not, and as what. Ends with 1 if nobody does.

    \b
    Examples:
      chatnet rooms members ops
      chatnet rooms members ops --json
    """
    check_room_name(room)
    with account.connect() as chat:
        found = chat.admin.members(room)
    for member in found:
        if as_json:
            put_json(member_object(member))
        else:
            put(member_line(member))
    if not found:
        ctx.exit(ExitCode.NOTHING)


@click.command("bans", short_help="List who is banned or muted in a room.")
@click.argument("room")
@json_option("every ban and mute")
@client_options
@click.pass_context
def bans(ctx: click.Context, account: Account, *, room: str, as_json: bool) -> None:
    """List the bans and mutes that hold in ROOM, for its owner and moderators. Ends with 1 if there is none.

    \b
    Examples:
      chatnet rooms bans ops
    """
    check_room_name(room)
    with account.connect() as chat:
        found = chat.admin.bans(room)
    for each in found:
        if as_json:
            put_json(ban_object(each))
        else:
            put(ban_line(each))
    if not found:
        ctx.exit(ExitCode.NOTHING)


PEOPLE = [
    room_command(Act.INVITE, "Let a user into a private room.", "Let USER join the private room ROOM."),
    room_command(Act.UNINVITE, "Take an invitation back.", "Take back USER's invitation to ROOM, or the membership."),
    room_command(Act.KICK, "Put a user out of a room.", "Put USER out of ROOM; coming back is allowed."),
    room_command(Act.BAN, "Keep a user out of a room.", "Put USER out of ROOM, and do not let them in again."),
    room_command(Act.UNBAN, "End a ban.", "Let USER into ROOM again."),
    room_command(Act.MUTE, "Let a user say nothing in a room.", "Let USER say nothing in ROOM; reading goes on."),
    room_command(Act.UNMUTE, "End a mute.", "Let USER speak in ROOM again."),
    room_command(Act.PROMOTE, "Make a member a moderator.", "Make USER a moderator of ROOM. Its owner may."),
    room_command(Act.DEMOTE, "Make a moderator a member.", "Make the moderator USER a member of ROOM again."),
    room_command(Act.PASS_ON, "Give a room to another owner.", "Make USER the owner of ROOM; you stay a moderator."),
]
"""The commands about one user."""
