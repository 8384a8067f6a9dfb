"""``chatnet admin``: users, tokens, order, how the server fares, and its data."""

import click

from chatnet_cli.lazy import LazyGroup

_ACCOUNTS, _TOKENS = "chatnet_cli.admin_accounts", "chatnet_cli.admin_tokens"
_ORDER, _DATA = "chatnet_cli.admin_order", "chatnet_cli.admin_data"
_COMMANDS = {
    "users": f"{_ACCOUNTS}:users",
    "add-user": f"{_ACCOUNTS}:add_user",
    "remove-user": f"{_ACCOUNTS}:remove_user",
    "role": f"{_ACCOUNTS}:role",
    "password": f"{_ACCOUNTS}:password",
    "tokens": f"{_TOKENS}:tokens",
    "token": f"{_TOKENS}:token",
    "revoke": f"{_TOKENS}:revoke",
    "kick": f"{_ORDER}:kick",
    "ban": f"{_ORDER}:ban",
    "unban": f"{_ORDER}:unban",
    "mute": f"{_ORDER}:mute",
    "unmute": f"{_ORDER}:unmute",
    "bans": f"{_ORDER}:bans",
    "audit": f"{_ORDER}:audit",
    "stats": "chatnet_cli.admin_stats:stats",
    "backup": f"{_DATA}:backup",
    "check": f"{_DATA}:check",
}


@click.group("admin", cls=LazyGroup, modules=_COMMANDS, short_help="Look after users, tokens, order and data.")
def command() -> None:
    """Look after users, tokens, order and the server's data.

    All but backup and check go to the server, and need an admin: whoever runs the server is one on its own machine.
    Everybody may make, list and revoke tokens of their own. Backup and check work on the data folder itself.

    \b
    Examples:
      chatnet admin users
      chatnet admin token --send-only --label backup --to-file backup.token
      chatnet admin ban bob --for 1d --reason "spam"
      chatnet admin stats --follow
      chatnet admin backup /backup/chatnet-monday.db
    """
