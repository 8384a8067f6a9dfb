"""``chatnet chat``: a terminal client, line by line."""

import click

from chatnet_cli.options import Account, check_room_name, client_options


@click.command("chat", short_help="Talk in the terminal, line by line.")
@click.option("--room", metavar="ROOM", help="Talk in this room. Default: the lobby.")
@click.option("--to", "user", metavar="USER", help="Talk with this user.")
@client_options
def command(account: Account, *, room: str | None, user: str | None) -> None:
    """Talk in the terminal: what you type is said, and what others say appears above it.

    Lines that start with / are commands; /help lists them. Ctrl-D or /quit ends it. Without a terminal, lines come
    from standard input, and everything that is said in your rooms and to you goes to standard output.

    \b
    Examples:
      chatnet chat
      chatnet chat --as alice --room ops
      chatnet chat --to bob
    """
    if user is not None and room is not None:
        raise click.UsageError("either --room ROOM or --to USER: /join and /msg lead to the others")
    if room is not None:
        check_room_name(room)

    from chatnet_cli.chat_session import ChatSession
    from chatnet_cli.console import Console

    with account.connect(live=True, reconnect=True) as chat:
        console = Console(chat.wake)
        try:
            ChatSession(chat, console).run(room=room, user=user)
        finally:
            console.close()
