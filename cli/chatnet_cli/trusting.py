"""Whom to believe: the first contact with a server, and what to do when it is not the one that was trusted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from chatnet.address import Address
from chatnet.client.discovery import Contact, short_address
from chatnet.client.first_contact import look
from chatnet.client.profiles import Book, KnownServer, change_book, load_book
from chatnet.errors import ChatnetError, ConfigError, TrustError
from chatnet.net.pins import show_pin
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.output import talk
from chatnet_cli.prompts import can_ask, confirm


def introduce(address: Address, timeout: float) -> bool:
    """Get to know a server of which nothing is known at this address; returns whether something is known now.

    One that shows the key of a server that is known is that server. One for which an authority vouches is taken for
    what it is. Of any other, whoever sits at the terminal is asked; where nobody does, the connection fails.
    :raises Failure: NOT_ALLOWED: it is not trusted.
    """
    try:
        pin = look(address, timeout)
    except ChatnetError:
        return False  # whoever connects next says so
    if pin is None:
        return _try_to_note(lambda book: book.with_server(KnownServer((str(address),))))
    if (known := load_book().server_with(pin)) is not None:
        return _try_to_note(lambda book: book.with_server(replace(known, addresses=(*known.addresses, str(address)))))
    if not can_ask():
        return False
    talk(f"Nothing is known here of the server at {short_address(address)}. The fingerprint of its key is")
    talk(f"  {show_pin(pin)}")
    talk("Is it the one that whoever runs the server tells you? ('chatnet join' with a code needs no such question.)")
    if not confirm("Trust it from now on?"):
        raise Failure(ExitCode.NOT_ALLOWED, "not trusted, so nothing was said to it")
    change_book(lambda book: book.with_pin(address, pin))
    return True


def _try_to_note(change: Callable[[Book], Book]) -> bool:
    """What is found out anew at the next time need not be kept, where it cannot."""
    try:
        change_book(change)
    except ConfigError:
        return False
    return True


@contextmanager
def advised(contact: Contact) -> Iterator[None]:
    """Whoever cannot trust the server is told how that can be changed."""
    try:
        yield
    except TrustError as error:
        raise advice(error, contact) from error


def advice(error: TrustError, contact: Contact) -> Failure:
    """The error, with what to do about it."""
    if error.seen is None:
        return Failure(ExitCode.NOT_ALLOWED, error.message)
    address = next((each for each in contact.addresses if str(each) in error.message), contact.addresses[0])
    line = f"chatnet trust {short_address(address)} {show_pin(error.seen)}"
    if error.expected is None:
        return Failure(
            ExitCode.NOT_ALLOWED,
            f"{error.message}\nIf its owner tells you this fingerprint, trust it with:\n{line}",
        )
    renewed = "" if contact.profile is None else " --renewed"
    return Failure(
        ExitCode.NOT_ALLOWED,
        f"{error.message}\n"
        f"It may be somebody else's. Only if its owner tells you of this new key, go on with:\n{line}{renewed}",
    )
