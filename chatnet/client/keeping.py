"""Turns a fresh enrolment into a profile, and a profile back into nothing."""

import os
import shutil

from chatnet.address import TLS
from chatnet.client.enrolment import Enrolment
from chatnet.client.first_contact import look
from chatnet.client.folders import profile_outbox_folder
from chatnet.client.keychain import forget_token, keep_token
from chatnet.client.profiles import Book, KnownServer, Profile, change_book, check_writing, free_name, load_book
from chatnet.errors import ChatnetError, ConfigError
from chatnet.net.pins import show_pin

_KEY_BYTES = 16


def check_can_keep() -> None:
    """Find out before there is something to lose.

    :raises ConfigError: BAD_OPTION: profiles cannot be kept.
    """
    check_writing()


def keep(enrolment: Enrolment, name: str | None = None, *, timeout: float = 10.0) -> Profile:
    """Keep what an enrolment has brought as a profile, in the place of an older one of the same account.

    ``name``: what to call it; by default the user's name. The token is on disk, or in the keyring, when this returns.
    :raises ConfigError: BAD_OPTION.
    """
    server = KnownServer((str(enrolment.address),), _pin(enrolment, timeout), enrolment.server.hex())
    before = load_book().profile_at(server, enrolment.user.name)
    key = os.urandom(_KEY_BYTES).hex() if before is None else before.key
    draft = keep_token(Profile("", server.id, enrolment.user.name, key), enrolment.token)
    made: list[Profile] = []

    def change(book: Book) -> Book:
        chosen = name or (free_name(book, draft.user, enrolment.address) if before is None else before.name)
        made.append(Profile(chosen, draft.server, draft.user, draft.key, draft.token))
        if before is not None and before.name != chosen:
            book = book.without_profile(before.name)
        return book.with_server(server).with_profile(made[-1])

    try:
        change_book(change)
    except ConfigError as error:
        user = enrolment.user.name
        raise ConfigError(
            error.code,
            f"{error.message}\nThe account {user} is there, but this machine has nothing to log in to it with. "
            f"Once that is mended: an admin runs  chatnet admin password {user}  and you  chatnet login",
        ) from error
    return made[-1]


def _pin(enrolment: Enrolment, timeout: float) -> str:
    """A key that an authority vouches for is not pinned: it may be renewed without anybody's telling the clients."""
    if enrolment.address.scheme != TLS or enrolment.pin is None:
        return ""
    try:
        is_certified = look(enrolment.address, timeout) is None
    except ChatnetError:
        is_certified = False
    return "" if is_certified else show_pin(enrolment.pin)


def drop(profile: Profile) -> None:
    """Forget a profile, its token, and what waits in its outbox.

    :raises ConfigError: BAD_OPTION.
    """
    forget_token(profile)
    change_book(lambda book: book.without_profile(profile.name))
    shutil.rmtree(profile_outbox_folder(profile.key), ignore_errors=True)
