"""``chatnet files``: which files were shared, and taking one away."""

from datetime import date

import click

from chatnet import Client
from chatnet.model import Conversation, ConversationId, SharedFile
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.lazy import ListByDefault
from chatnet_cli.options import Account, check_room_name, client_options, json_option
from chatnet_cli.output import put, put_json, talk
from chatnet_cli.render_files import file_line, listed_object


@click.group("files", cls=ListByDefault, short_help="List the files that were shared, or remove one.")
def command() -> None:
    """List the files that were shared, or remove one; without a command, list them.

    'chatnet send --file' and 'chatnet upload' share files; 'chatnet download' fetches them.

    \b
    Examples:
      chatnet files --room lab
      chatnet files --with bob --json
      chatnet files remove 55
    """


@command.command("list", short_help="List the files of a room or a personal chat.")
@click.option("--room", metavar="ROOM", help="Those in this room.")
@click.option("--with", "user", metavar="USER", help="Those between this user and you.")
@json_option("every file")
@client_options
@click.pass_context
def list_files(ctx: click.Context, account: Account, *, room: str | None, user: str | None, as_json: bool) -> None:
    """List files, the newest first: number, name, size, who shared it and when, how often it was fetched, SHA-256.

    Without --room and --with, those of all rooms that you may read and of your personal chats, with where each is.
    Ends with 1 if there is none.

    \b
    Examples:
      chatnet files --room lab
      chatnet files --with bob --json | jq .sha256
      chatnet files
    """
    if user is not None and room is not None:
        raise click.UsageError("say where: either --room ROOM or --with USER")
    if room is not None:
        check_room_name(room)
    is_one_place = room is not None or user is not None
    with account.connect() as chat:
        if is_one_place:
            place = chat.conversation(room=room, with_=user)
            places = {place.id: place}
        found = chat.files(room=room, with_=user)
        if not is_one_place:
            places = _places(chat, found)
    today = date.today()
    for file in found:
        place_of_it = places.get(file.conversation)
        if as_json:
            put_json(listed_object(file, place_of_it))
        else:
            put(file_line(file, None if is_one_place else place_of_it, today))
    if not found:
        talk("chatnet: no files were shared" + (" there" if is_one_place else ""))
        ctx.exit(ExitCode.NOTHING)


def _places(chat: Client, files: list[SharedFile]) -> dict[ConversationId, Conversation]:
    """Where files of many places are; nothing is asked if there are none."""
    if not files:
        return {}
    rooms = (Conversation(room.id, room, None) for room in chat.rooms(archived=True))
    return {each.id: each for each in (*rooms, *chat.conversations())}


@command.command("remove", short_help="Remove a file for everybody.")
@click.argument("files", nargs=-1, required=True, type=click.IntRange(1, 2**63 - 1), metavar="FILE_ID...")
@client_options
def remove(account: Account, *, files: tuple[int, ...]) -> None:
    """Remove files for everybody: whoever shared them may, the room's owner and moderators, and admins.

    The messages that shared them stay, and say that the file is gone. Ends with 67 if there is no such file.

    \b
    Examples:
      chatnet files remove 55
    """
    from chatnet_cli.fetching import naming

    with account.connect() as chat:
        for file in dict.fromkeys(files):
            with naming(file):
                chat.remove_file(file)
