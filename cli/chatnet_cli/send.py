"""``chatnet send``: say one thing, and end once the server has stored it, or the other user has got or read it."""

import shlex
from typing import TYPE_CHECKING

import click

from chatnet_cli.durations import Duration
from chatnet_cli.message_text import message_text
from chatnet_cli.options import Account, check_room_name, client_options, json_option, quiet_option
from chatnet_cli.output import put_json

if TYPE_CHECKING:
    from chatnet.client.receipts import Stage


class TextCommand(click.Command):
    """A command with a text among its arguments, which may look like an option: ``"-5 degrees"``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            text = next((arg for arg in given if arg.startswith(error.option_name)), "")
            if error.possibilities or not text:
                raise
            raise click.UsageError(
                f"there is no option {error.option_name!r}. "
                f"If this is what you want to say, put it last, after two dashes: -- {_quoted(text)}",
                ctx,
            ) from None


def _quoted(text: str) -> str:
    return shlex.quote(text) if set(text) & set('"$`\\!') else f'"{text}"'


@click.command("send", cls=TextCommand, short_help="Say something to a user or in a room.")
@click.option("--to", "user", metavar="USER", help="Send it to this user.")
@click.option("--room", metavar="ROOM", help="Say it in this room; you need not be in it.")
@click.option("--action", is_flag=True, help="Say it of yourself: '* alice waves'.")
@click.option(
    "--wait",
    type=click.Choice(["stored", "delivered", "read"]),
    default="stored",
    show_default=True,
    help="Until the server has stored it, or (with --to) one of the user's devices has got it, or the user read it.",
)
@click.option(
    "--id",
    "key",
    metavar="KEY",
    help="Repeating the command with the same KEY and target never says it twice, whatever the text is then.",
)
@click.option(
    "--retry", type=Duration(), metavar="TIME", help="Keep trying for so long: 90s, 10m, 2h. Never says it twice."
)
@click.option(
    "--spool",
    is_flag=True,
    help="If it cannot be sent now, keep it for the next command of this name and server to send; ends with 75 then.",
)
@click.option(
    "--file",
    "files",
    type=click.Path(),
    multiple=True,
    metavar="PATH | -",
    help="Share this file, with TEXT if there is one; - reads it from standard input, and then needs --name.",
)
@click.option("--name", "file_name", metavar="NAME", help="What the file is to be called. Default: its own name.")
@quiet_option
@json_option("where and when it was stored, and how far it got,")
@client_options
@click.argument("words", nargs=-1, metavar="[TEXT | -]")
def command(
    account: Account,
    *,
    user: str | None,
    room: str | None,
    action: bool,
    wait: "Stage",
    key: str | None,
    retry: int | None,
    spool: bool,
    files: tuple[str, ...],
    file_name: str | None,
    quiet: bool,
    as_json: bool,
    words: tuple[str, ...],
) -> None:
    """Send TEXT to a user or a room; without TEXT, or with -, what comes from standard input.

    Ends with 0 only once the server has stored the message; with --wait, once it got as far as that. If it did not in
    the time of --timeout, it says 'stored as bob#12, not yet delivered' and ends with 75: that message will arrive.

    With --file, a file is shared; TEXT is what to say about it. If that is interrupted, the same command goes on where
    it stopped. A connection that is lost is made again, with --retry for so long, and without it as long as it takes.

    \b
    Examples:
      chatnet send --to bob "hi"
      echo "disk full on web1" | chatnet send --as cron --room lobby
      chatnet send --to bob --wait read --timeout 600 "lunch?"
      chatnet send --as cron --to bob --id backup-2024-05-01 --retry 10m "backup done"
      chatnet send --as cron --room lobby --spool "web1 is up"
      chatnet send --to bob -- "-5 degrees outside"
      chatnet send --to bob --file video.mkv "from the trip"
      tar c project | chatnet send --to bob --file - --name project.tar
    """
    if (user is None) == (room is None):
        raise click.UsageError("say where to: either --to USER or --room ROOM")
    if room is not None:
        check_room_name(room)
    _check_together(user, wait=wait, key=key, retry=retry, spool=spool)
    if files:
        from chatnet_cli.send_file import send_file

        _check_file_goes_with(action=action, spool=spool)
        sent = send_file(
            account, files, file_name, words, user=user, room=room, wait=wait, key=key, retry=retry, quiet=quiet
        )
        if as_json:
            put_json(sent)
        return
    if file_name is not None or quiet:
        raise click.UsageError(
            f"{'--quiet' if file_name is None else '--name'} is about a file: use it with --file PATH"
        )
    text = message_text(words)

    from chatnet_cli.sending import Saying, say, say_with_spool

    saying = Saying(account, text, user, room, action, wait, key)
    receipt = say_with_spool(saying) if spool else say(saying, retry)
    if as_json:
        from chatnet_cli.render import receipt_object

        put_json(receipt_object(receipt))


def _check_together(user: str | None, *, wait: str, key: str | None, retry: int | None, spool: bool) -> None:
    """Do these options make sense with one another?"""
    if wait != "stored" and user is None:
        raise click.UsageError(f"--wait {wait} is for people only: a room has no one reader; use it with --to USER")
    if spool and retry is not None:
        raise click.UsageError("either --retry, which waits for the server, or --spool, which does not")
    if spool and key is not None:
        raise click.UsageError("--id does not go with --spool: use --id with --retry, or --spool alone")
    if spool and wait != "stored":
        raise click.UsageError(f"--wait {wait} does not go with --spool, which does not wait")
    if key == "":
        raise click.UsageError("the KEY after --id is empty")


def _check_file_goes_with(*, action: bool, spool: bool) -> None:
    if action:
        raise click.UsageError("--action does not go with --file: nobody does a file")
    if spool:
        raise click.UsageError(
            "--spool keeps texts only; for a file use --retry TIME, or repeat the command: it goes on where it stopped"
        )
