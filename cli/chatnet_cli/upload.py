"""``chatnet upload``: share files with a user or in a room."""

from pathlib import Path

import click

from chatnet_cli.options import Account, check_room_name, client_options, json_option, patience_option, quiet_option
from chatnet_cli.output import put_json


@click.command("upload", short_help="Share files with a user or in a room.")
@click.option("--to", "user", metavar="USER", help="Share them with this user.")
@click.option("--room", metavar="ROOM", help="Share them in this room; you need not be in it.")
@click.option("--text", default="", metavar="TEXT", help="Say this with each of them.")
@patience_option
@quiet_option
@json_option("every file that is shared")
@client_options
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
def command(
    account: Account,
    *,
    user: str | None,
    room: str | None,
    text: str,
    retry: int | None,
    quiet: bool,
    as_json: bool,
    paths: tuple[Path, ...],
) -> None:
    """Share FILEs with a user or in a room, one message each; they find them whenever they come.

    A lost connection is made again. After Ctrl-C, a crash or an error the same command goes on: no byte that has
    arrived for good is sent again, and what you have shared there already, under the same name and with the same
    content, is not shared again. A file that cannot be shared does not keep the others from it; the exit code tells.

    Ends with 66 if a file cannot be read, with 77 if the server has no room for it in your quota.

    \b
    Examples:
      chatnet upload --room lab *.csv
      chatnet upload --to bob --text "from the trip" video.mkv
      tar c project | chatnet send --to bob --file - --name project.tar      # what is no file: see send
    """
    if (user is None) == (room is None):
        raise click.UsageError("say where to: either --to USER or --room ROOM")
    if room is not None:
        check_room_name(room)
    if Path("-") in paths:
        raise click.UsageError("to share what comes from a pipe: ... | chatnet send --file - --name NAME")

    from chatnet_cli.message_text import check_text
    from chatnet_cli.sharing import Sharing
    from chatnet_cli.sharing_many import share_all

    if text:
        check_text(text)
    sharing = Sharing(account, user, room, text, retry, quiet)
    share_all(sharing, list(dict.fromkeys(paths)), put_json if as_json else lambda _: None)
