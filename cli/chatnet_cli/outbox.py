"""``chatnet outbox``: what waits to be sent."""

import click

from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.lazy import ListByDefault
from chatnet_cli.options import Account, client_options, json_option
from chatnet_cli.output import put, put_json, talk


@click.group("outbox", cls=ListByDefault, short_help="List what waits to be sent, or send it.")
def command() -> None:
    """List what waits to be sent, or send it; without a command, list it.

    Messages wait here when the server was away: those of 'chatnet send --spool', and those typed in 'chatnet chat'.
    The next command to the same server (--server) under the same name (--as) sends them first.

    \b
    Examples:
      chatnet outbox
      chatnet outbox --as cron --json
      chatnet outbox send --as cron
    """


@command.command("list")
@json_option("every waiting message")
@client_options
@click.pass_context
def list_waiting(ctx: click.Context, account: Account, *, as_json: bool) -> None:
    """List what waits to be sent, one message a line; no server is needed. Ends with 1 if nothing waits.

    \b
    Examples:
      chatnet outbox list
      chatnet outbox list --json
    """
    from chatnet_cli.outboxes import draft_line, draft_object

    drafts = account.spool().peek()
    for draft in drafts:
        if as_json:
            put_json(draft_object(draft))
        else:
            put(draft_line(draft))
    if not drafts:
        talk("chatnet: nothing waits to be sent")
        ctx.exit(ExitCode.NOTHING)


@command.command("send")
@client_options
@click.pass_context
def send_waiting(ctx: click.Context, account: Account) -> None:
    """Send what waits, now. Ends with 0 once nothing waits, and with 1 if the server refused a message for good.

    What another process is about to send is left to it.

    \b
    Examples:
      chatnet outbox send
      chatnet outbox send --as cron --timeout 60
    """
    if account.drain():
        ctx.exit(ExitCode.NOTHING)
