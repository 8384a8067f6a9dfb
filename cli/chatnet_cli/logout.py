"""``chatnet logout``: end what this machine may do as an account, on the server and here."""

import click

from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.options import Account, client_options
from chatnet_cli.output import put, talk
from chatnet_cli.safe_text import safe_name


@click.command("logout", short_help="Log out, and forget the account here.")
@click.option("--force", is_flag=True, help="Give up messages that still wait to be sent.")
@client_options
def command(account: Account, *, force: bool) -> None:
    """Make the token of this machine worthless on the server, and forget the profile. The account itself stays.

    If the server cannot be reached, the profile is forgotten all the same, and it is said that the token is still
    good there. Messages that wait are sent first; if they cannot be, the command ends with 75 and changes nothing.

    \b
    Examples:
      chatnet logout
      chatnet logout --profile work
    """
    from chatnet.client.keeping import drop

    profile = account.contact.profile
    if profile is None:
        raise Failure(ExitCode.NOTHING, "there is no profile to log out of; 'chatnet profiles' lists them")
    name = safe_name(profile.name)
    told = _tell_server(account, force=force)
    waiting = 0 if force else len(account.spool().peek())
    if waiting:
        raise Failure(ExitCode.TRY_LATER, f"{waiting} messages still wait to be sent\nTo give them up: --force")
    drop(profile)
    put(f"logged out of {name}")
    if told is not None:
        talk(f"chatnet: the server was not told: {safe_name(told)}")
        talk("  The token of this machine is still good there, until an admin revokes it: chatnet admin tokens, revoke")


def _tell_server(account: Account, *, force: bool) -> str | None:
    """Send what waits, then revoke the token; why that could not be done."""
    from chatnet.errors import ChatnetError, ErrorCode

    try:
        if not force:
            account.drain()
        with account.client() as chat:
            chat.admin.revoke_token()
    except ChatnetError as error:
        # It is worthless already, or became so while the server answered.
        is_over = error.code in (ErrorCode.BAD_CREDENTIALS, ErrorCode.LOGGED_OUT)
        return None if is_over else error.message.partition("\n")[0]
    return None
