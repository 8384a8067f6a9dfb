"""``chatnet chat``: a terminal client, line by line."""

import click

from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.options import Account, check_room_name, client_options


@click.command("chat", short_help="Talk in the terminal, line by line.")
@click.option("--room", metavar="ROOM", help="Talk in this room. Default: the lobby.")
@click.option("--to", "user", metavar="USER", help="Talk with this user.")
@client_options
def command(account: Account, *, room: str | None, user: str | None) -> None:
    """Talk in the terminal: what you type is said, and what others say appears above it.

    Lines that start with / are commands; /help lists them. Ctrl-D or /quit ends it. Without a terminal, lines come
    from standard input, and everything that is said in your rooms and to you goes to standard output.

    What you type while the server is away is kept on the disk and sent once it is back or, if you have left by then
    (which ends with 75), by the next command under your name; 'chatnet outbox' lists what waits. What is shown counts
    as read.

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

    from chatnet.net.platform import HeldSignals
    from chatnet_cli.chat_session import ChatSession
    from chatnet_cli.console import Console

    with account.spool().claim() as outbox:
        waiting = {draft.n: draft.body for draft in outbox}
        with HeldSignals() as signals, account.connect(live=True, reconnect=True, outbox=outbox) as chat:
            console = Console(chat.wake)
            try:
                session = ChatSession(chat, console, waiting, signals.check)
                signals.hold(chat.wake)
                session.run(room=room, user=user)
            finally:
                console.close()
        if len(outbox):
            count = "1 message" if len(outbox) == 1 else f"{len(outbox)} messages"
            raise Failure(ExitCode.TRY_LATER, f"{count} queued, not sent\nThe next command of this name sends it.")
        if session.unfinished:
            count = "1 file is" if session.unfinished == 1 else f"{session.unfinished} files are"
            raise Failure(ExitCode.TRY_LATER, f"{count} not through\nThe same /send or /download goes on from there.")
