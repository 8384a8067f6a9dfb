"""``chatnet export``: everything that was said in one place, as a file."""

from pathlib import Path

import click

from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.options import Account, check_room_name, client_options


@click.command("export", short_help="Save all that was said, as JSON lines or as a page to read.")
@click.option("--room", metavar="ROOM", help="In this room.")
@click.option("--with", "user", metavar="USER", help="Between this user and you.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "html"]),
    default="jsonl",
    show_default=True,
    help="One JSON object a line, or one page for a browser.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Where to. Default: standard output."
)
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@client_options
@click.pass_context
def command(
    ctx: click.Context,
    account: Account,
    *,
    room: str | None,
    user: str | None,
    form: str,
    output: Path | None,
    force: bool,
) -> None:
    """Save everything that was said in a room or with a user, oldest first, as far as the server keeps it.

    FILE appears only once it is complete. Ends with 1 if nothing was said; with 73 if FILE is there already.

    \b
    Examples:
      chatnet export --room ops > ops.jsonl
      chatnet export --room ops --format html -o ops.html
      chatnet export --with bob -o bob.jsonl --force
    """
    if (user is None) == (room is None):
        raise click.UsageError("say of what: either --room ROOM or --with USER")
    if room is not None:
        check_room_name(room)

    from chatnet_cli.exporting import html_page, json_lines
    from chatnet_cli.new_file import stdout_or

    with stdout_or(output, force=force) as write, account.connect() as chat:
        conversation = chat.conversation(room=room, with_=user)
        messages = chat.read_all(room=room, with_=user)
        make = json_lines if form == "jsonl" else html_page
        for piece in make(messages, conversation, chat.user):
            write(piece)
    if conversation.head < conversation.first:
        ctx.exit(ExitCode.NOTHING)
