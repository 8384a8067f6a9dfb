"""``chatnet passwd``: give one's own account a password, or another one."""

import click

from chatnet_cli.options import Account, client_options
from chatnet_cli.output import put
from chatnet_cli.prompts import ask_new_password, ask_secret, can_ask, read_line
from chatnet_cli.safe_text import safe_name


@click.command("passwd", short_help="Change your password.")
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read two lines from standard input: the old password, empty if there is none, and the new one.",
)
@client_options
def command(account: Account, *, password_stdin: bool) -> None:
    """Change the password of your account. All your other devices and scripts are logged out; this one stays.

    A password has 8 characters or more. An account that was made with a join code has none at first. Ends with 77 if
    the old password is wrong, and with 65 if the new one cannot be used.

    \b
    Examples:
      chatnet passwd
      chatnet passwd --profile work
      printf '%s\\n%s\\n' "$OLD" "$NEW" | chatnet passwd --password-stdin
    """
    if not password_stdin and not can_ask():
        raise click.UsageError("there is no terminal to ask for the passwords: use --password-stdin")

    from chatnet.client.enrolment import change_password
    from chatnet_cli.exit_codes import ExitCode
    from chatnet_cli.failures import Failure

    account.get_acquainted()
    contact = account.contact
    if contact.credentials is None:
        raise Failure(ExitCode.NOT_ALLOWED, "guests have no password\nMake an account first: chatnet join HOST CODE")
    if password_stdin:
        old, new = read_line("old password"), read_line("new password")
    else:
        old, new = ask_secret("Old password (empty if there is none)"), ask_new_password()
    shown, timeout = contact.credentials, account.timeout
    user = account.anywhere(
        lambda at: change_password(at, shown, new, old=old or None, timeout=timeout, trust=contact.trust)
    )
    put(f"The password of {safe_name(user.name)} is changed; other devices are logged out.")
