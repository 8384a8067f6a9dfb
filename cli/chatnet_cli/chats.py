"""``chatnet chats``: one's personal chats, and what is unread in them."""

import click

from chatnet.model import Conversation
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.options import Account, client_options, json_option
from chatnet_cli.output import put, put_json
from chatnet_cli.render import shown_place


@click.command("chats", short_help="List your personal chats, with what is unread.")
@click.option("--unread", "only_unread", is_flag=True, help="Only those with something unread.")
@json_option("every chat")
@client_options
@click.pass_context
def command(ctx: click.Context, account: Account, *, only_unread: bool, as_json: bool) -> None:
    """List your personal chats, one a line, with how many messages you have not read.

    'chatnet chat' reads what it shows; 'chatnet listen' and 'chatnet history' do not. Ends with 1 if there is none.

    \b
    Examples:
      chatnet chats
      chatnet chats --unread --json
    """
    with account.connect() as chat:
        chats = [each for each in chat.conversations() if each.room is None]
    shown = [each for each in chats if _unread(each) or not only_unread]
    for each in shown:
        if as_json:
            put_json(_object(each))
        else:
            put(f"{shown_place(each)}  {_unread(each)} unread")
    if not shown:
        ctx.exit(ExitCode.NOTHING)


def _unread(chat: Conversation) -> int:
    return max(0, chat.head - max(chat.read, chat.first - 1))


def _object(chat: Conversation) -> dict[str, object]:
    return {
        "conversation": chat.id,
        "with": None if chat.peer is None else chat.peer.name,
        "unread": _unread(chat),
        "head": chat.head,
        "read": chat.read,
        "delivered": chat.delivered,
        "peer_read": chat.peer_read,
        "peer_delivered": chat.peer_delivered,
    }
