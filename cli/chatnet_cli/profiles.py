"""``chatnet profiles``: who this user is on which servers."""

import click

from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.options import json_option
from chatnet_cli.output import put, put_json, talk
from chatnet_cli.safe_text import safe_name


@click.command("profiles", short_help="List your accounts, choose the default one, or forget one.")
@click.option("--default", metavar="NAME", help="Use this profile wherever none is named.")
@click.option("--remove", metavar="NAME", help="Forget this profile without telling its server; see 'logout'.")
@json_option("every profile")
@click.pass_context
def command(ctx: click.Context, *, default: str | None, remove: str | None, as_json: bool) -> None:
    """List the accounts that this machine knows, one a line; the default one has a star.

    No server is needed. Ends with 1 if there is none, and with 67 if there is none of that name.

    \b
    Examples:
      chatnet profiles
      chatnet profiles --json
      chatnet profiles --default work
      chatnet profiles --remove old
    """
    from msgspec.structs import replace

    from chatnet.client.keeping import drop
    from chatnet.client.profiles import Book, Profile, change_book, load_book

    def named(book: Book, name: str) -> Profile:
        found = book.profile(name)
        if found is None:
            raise Failure(ExitCode.NO_SUCH_NAME, f"there is no profile {name!r}\n'chatnet profiles' lists them.")
        return found

    if default is not None and remove is not None:
        raise click.UsageError("one thing at a time: either --default or --remove")
    if remove is not None:
        drop(named(load_book(), remove))
        return
    if default is not None:
        change_book(lambda book: replace(book, default=named(book, default).name))
        return
    book = load_book()
    for profile in book.profiles:
        server, is_default = book.server_of(profile), profile.name == book.default
        if as_json:
            put_json(
                {
                    "profile": profile.name,
                    "user": profile.user,
                    "default": is_default,
                    "server": server.id,
                    "pin": server.pin or None,
                    "addresses": list(server.addresses),
                    "keyring": not profile.token,
                }
            )
        else:
            places = ", ".join(server.addresses)
            put(f"{'*' if is_default else ' '} {safe_name(profile.name)}  {safe_name(profile.user)} at {places}")
    if not book.profiles:
        talk("chatnet: no profiles yet; 'chatnet join' and 'chatnet login' make them")
        ctx.exit(ExitCode.NOTHING)
