"""``chatnet send``: say one thing, and end once the server has stored it."""

import shlex

import click

from chatnet_cli.message_text import message_text
from chatnet_cli.options import Account, check_room_name, client_options, json_option
from chatnet_cli.output import put_json


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
@json_option("where and when it was stored")
@client_options
@click.argument("words", nargs=-1, metavar="[TEXT | -]")
def command(
    account: Account, *, user: str | None, room: str | None, action: bool, as_json: bool, words: tuple[str, ...]
) -> None:
    """Send TEXT to a user or a room; without TEXT, or with -, what comes from standard input.

    Ends with 0 only once the server has stored the message.

    \b
    Examples:
      chatnet send --to bob "hi"
      echo "disk full on web1" | chatnet send --as cron --room lobby
      chatnet send --room lobby --action "waves"
      chatnet send --to bob -- "-5 degrees outside"
    """
    if (user is None) == (room is None):
        raise click.UsageError("say where to: either --to USER or --room ROOM")
    if room is not None:
        check_room_name(room)
    text = message_text(words)

    from chatnet.model import Kind

    with account.connect() as chat:
        receipt = chat.send(text, to=user, room=room, kind=Kind.ACTION if action else Kind.TEXT)
    if as_json:
        from chatnet_cli.render import receipt_object

        put_json(receipt_object(receipt.conversation, receipt.seq, receipt.time))
