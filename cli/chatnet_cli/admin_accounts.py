"""``chatnet admin users`` and what is done to accounts."""

import click

from chatnet.errors import Refused
from chatnet.model import Role
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.join import taken
from chatnet_cli.options import Account, client_options, json_option
from chatnet_cli.output import put, put_json
from chatnet_cli.prompts import ask_new_password, can_ask, read_line
from chatnet_cli.render_accounts import account_line, account_object

password_stdin_option = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.command("users", short_help="List all accounts, online or not.")
@json_option("every account")
@client_options
@click.pass_context
def users(ctx: click.Context, account: Account, *, as_json: bool) -> None:
    """List all accounts, online or not, with their roles. Ends with 1 if there is none.

    \b
    Examples:
      chatnet admin users
      chatnet admin users --json
    """
    with account.connect() as chat:
        found = chat.admin.accounts()
    for user in found:
        if as_json:
            put_json(account_object(user))
        else:
            put(account_line(user))
    if not found:
        ctx.exit(ExitCode.NOTHING)


@click.command("add-user", short_help="Make an account for somebody.")
@click.argument("login", metavar="NAME")
@click.option("--display", default="", metavar="TEXT", help="How the user likes to be shown.")
@click.option("--admin", "is_admin", is_flag=True, help="Make it an admin's.")
@click.option("--password", "wants_password", is_flag=True, help="Ask for a password.")
@password_stdin_option
@json_option("the account")
@client_options
def add_user(
    account: Account,
    *,
    login: str,
    display: str,
    is_admin: bool,
    wants_password: bool,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Make the account NAME. Without a password it can log in by tokens alone, as a script does.

    People had better choose their own name and need no password: see 'chatnet invite'. Ends with 73 if the name is
    taken, and with 65 if the password cannot be used.

    \b
    Examples:
      chatnet admin add-user backup-bot
      chatnet admin add-user carol --display "Carol Jones" --password
    """
    password = None
    if wants_password or password_stdin:
        password = _new_password(from_stdin=password_stdin)
    role = Role.ADMIN if is_admin else Role.MEMBER
    with account.connect() as chat:
        try:
            user = chat.admin.create_account(login, display=display, role=role, password=password)
        except Refused as refused:
            raise taken(refused) from refused
    if as_json:
        put_json(account_object(user))
    else:
        put(account_line(user))


@click.command("remove-user", short_help="Remove an account for good.")
@click.argument("login", metavar="NAME")
@client_options
def remove_user(account: Account, *, login: str) -> None:
    """Remove the account NAME for good; what it has said stays. The last admin cannot be removed.

    \b
    Examples:
      chatnet admin remove-user carol
    """
    with account.connect() as chat:
        chat.admin.drop_account(login)


@click.command("role", short_help="Make a user an admin or a member.")
@click.argument("login", metavar="NAME")
@click.argument("role", type=click.Choice(["admin", "member"]))
@client_options
def role(account: Account, *, login: str, role: str) -> None:
    """Make the account NAME an admin's or a member's.

    \b
    Examples:
      chatnet admin role carol admin
      chatnet admin role carol member
    """
    with account.connect() as chat:
        chat.admin.set_role(login, Role[role.upper()])


@click.command("password", short_help="Give a user another password.")
@click.argument("login", metavar="NAME")
@password_stdin_option
@client_options
def password(account: Account, *, login: str, password_stdin: bool) -> None:
    """Give the account NAME another password; all its devices and scripts are logged out. For your own: passwd.

    \b
    Examples:
      chatnet admin password carol
      chatnet admin password carol --password-stdin < password.txt
    """
    new = _new_password(from_stdin=password_stdin)
    with account.connect() as chat:
        chat.admin.set_password(login, new)


def _new_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return read_line("password")
    if not can_ask():
        raise click.UsageError("there is no terminal to ask for the password: use --password-stdin")
    return ask_new_password()
