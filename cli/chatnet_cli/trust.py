"""``chatnet trust``: say by hand which key a server has."""

import click

from chatnet_cli.output import put


@click.command("trust", short_help="Trust a server's key, as its owner tells you.")
@click.argument("where", metavar="HOST[:PORT] | URL")
@click.argument("fingerprint", metavar="[FINGERPRINT]", required=False)
@click.option("--renewed", is_flag=True, help="It is the same server as before with a new key; your accounts stay.")
@click.option("--forget", is_flag=True, help="Forget what is known of this address instead.")
def command(*, where: str, fingerprint: str | None, renewed: bool, forget: bool) -> None:
    """Trust the server at HOST if, and only if, its key has this FINGERPRINT, from now on.

    'chatnet join' with a code does this by itself. No server is needed. Where another key was known, it is taken for
    another server, which gets nothing of your accounts on the one before; --renewed says that it is the same.

    \b
    Examples:
      chatnet trust 192.168.1.20 sha256:0a1b2c3d-...
      chatnet trust 192.168.1.20 sha256:0a1b2c3d-... --renewed
      chatnet trust 192.168.1.20 --forget
    """
    from chatnet.address import TLS
    from chatnet.client.discovery import server_address, short_address
    from chatnet.client.profiles import change_book
    from chatnet.errors import ConfigError
    from chatnet.net.pins import parse_pin, show_pin

    address = server_address(where)
    if address.scheme != TLS:
        raise click.UsageError(f"only servers with TLS have a key, and {address} has none")
    if forget == (fingerprint is not None) or (forget and renewed):
        raise click.UsageError("say either the FINGERPRINT or --forget")
    if fingerprint is None:
        change_book(lambda book: book.without_server(address))
        return
    try:
        pin = parse_pin(fingerprint)
    except ConfigError as error:
        raise click.UsageError(error.message) from None
    change_book(lambda book: book.with_pin(address, pin, is_renewed=renewed))
    put(f"{short_address(address)} is trusted with {show_pin(pin)}")
