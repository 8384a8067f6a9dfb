"""What a client does that is told little or nothing: where it looks for a server, and as whom it comes.

The server is the one that is named, else the one in CHATNET_SERVER, else that of the default profile, else the one of
this machine. Who one is there is decided after that, and never sends a secret to another server than its own.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from chatnet.address import DEFAULT_PORT, TLS, UNIX, Address, parse
from chatnet.auth.names import fold, suggest_name
from chatnet.client.credentials import Arrival, Credentials, GuestCredentials, LocalCredentials, enter, token_login
from chatnet.client.dialogue import Steps
from chatnet.client.folders import outbox_folder, profile_outbox_folder
from chatnet.client.profiles import Book, KnownServer, Profile, load_book
from chatnet.errors import ConfigError, ErrorCode
from chatnet.events import Welcome
from chatnet.model import User
from chatnet.net.trust import ByAuthority, Pinned, Trust

VARIABLE = "CHATNET_SERVER"
PROFILE_VARIABLE = "CHATNET_PROFILE"
TOKEN_VARIABLE = "CHATNET_TOKEN_FILE"
_BY_AUTHORITY = ByAuthority()


@dataclass(frozen=True, slots=True)
class Contact:
    """A server to talk to, and as whom."""

    addresses: list[Address]
    """Where it may be, in the order in which to try them."""
    credentials: Credentials | None
    """None for a guest."""
    name: str
    """The guest's name, or as far as it is known that of the account."""
    outbox: str
    """The folder in which messages wait."""
    profile: Profile | None = None
    pins: Mapping[Address, bytes] = field(default_factory=dict)
    """The keys that are trusted."""
    is_first: bool = False
    """Is it a place, given by the user, where nothing is known yet of the server's key?"""

    def trust(self, address: Address) -> Trust:
        """How the server at an address has to prove itself."""
        pin = self.pins.get(address)
        return _BY_AUTHORITY if pin is None else Pinned(pin)


def find(server: str | None = None, name: str | None = None, profile: str | None = None) -> Contact:
    """Whom to talk to, as the user or the environment says; an argument counts more than the environment.

    :param server: an address, see `server_address`.
    :param name: the profile of that user there, or else a guest.
    :param profile: the name of a profile.
    :raises ConfigError: BAD_ADDRESS; BAD_OPTION: what is given does not exist, or does not go together.
    """
    book = load_book()
    given = server or os.environ.get(VARIABLE) or ""
    address = server_address(given) if given else None
    wanted = profile or ("" if name else os.environ.get(PROFILE_VARIABLE, ""))
    if wanted:
        return _as_profile(book, _profile(book, wanted), address)
    if address is None and (default := book.profile(book.default)) is not None:
        return _at_server(book, book.server_of(default), None, name)
    if address is None:
        return _on_this_machine(book, name)
    known = book.server_at(address)
    if known is not None:
        return _at_server(book, known, address, name)
    contact = _at_server(book, KnownServer((str(address),)), address, name)
    return replace(contact, is_first=address.scheme == TLS)


def server_address(text: str) -> Address:
    """Read an address: a URL, or ``HOST`` or ``HOST:PORT`` for an encrypted connection.

    :raises ConfigError: BAD_ADDRESS.
    """
    if "://" in text:
        return parse(text)
    # An IPv6 address has two colons at least; one in brackets is written as in a URL.
    host = f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text
    return parse(f"{TLS}://{host}")


def short_address(address: Address) -> str:
    """The shortest text from which `server_address` reads this address."""
    if address.scheme != TLS:
        return str(address)
    text = str(address).removeprefix(f"{TLS}://")
    return text.removesuffix(f":{DEFAULT_PORT}")


def candidates() -> list[Address]:
    """Where a server of this machine may be, in the order in which to try it."""
    from chatnet.net.platform import find_local_sockets

    return [Address(UNIX, path=path) for path in find_local_sockets()] + [Address(TLS, "localhost", DEFAULT_PORT)]


def default_name() -> str:
    """The operating system's login name, made a legal one."""
    from getpass import getuser

    try:
        return suggest_name(getuser())
    except (OSError, KeyError, ImportError):  # a user id without a name, as containers have; ImportError on Windows
        return "guest"


# -- servers that are known, or named -------------------------------------------------------------------------


def _profile(book: Book, name: str) -> Profile:
    found = book.profile(name)
    if found is None:
        raise ConfigError(
            ErrorCode.BAD_OPTION, f"there is no profile {name!r}; 'chatnet profiles' lists those that there are"
        )
    return found


def _as_profile(book: Book, profile: Profile, address: Address | None) -> Contact:
    server = book.server_of(profile)
    if address is None and not server.addresses:
        raise ConfigError(
            ErrorCode.BAD_OPTION,
            f"nothing is known any more of where the server of the profile {profile.name!r} is\n"
            f"Say so once more: --profile {profile.name} --server URL",
        )
    if address is None or str(address) in server.addresses or (server.pin and address.scheme == TLS):
        credentials = ProfileCredentials(profile)
        return Contact(
            [parse(url) for url in server.addresses] if address is None else [address],
            credentials,
            profile.user,
            profile_outbox_folder(profile.key),
            profile,
            _pins(server, address),
        )
    raise ConfigError(
        ErrorCode.BAD_OPTION,
        f"the profile {profile.name!r} belongs to {server.addresses[0] if server.addresses else 'another server'}, "
        f"and nothing says that this is the server at {address}",
    )


def _at_server(book: Book, server: KnownServer, address: Address | None, name: str | None) -> Contact:
    """At one server: with the token of the environment, a profile, or as a guest."""
    place = server.id if address is None else str(address)
    addresses = [parse(url) for url in server.addresses] if address is None else [address]
    pins = _pins(server, address)
    if name is None and (token := _token_credentials()) is not None:
        return Contact(addresses, token, "", outbox_folder(place, token.key), pins=pins)
    profile = book.profile_at(server, name)
    if profile is not None:
        return _as_profile(book, profile, address)
    credentials = LocalCredentials() if name is None and addresses[0].scheme == UNIX else None
    name = name or default_name()
    return Contact(addresses, credentials, name, outbox_folder(place, fold(name)), pins=pins)


def _pins(server: KnownServer, address: Address | None) -> dict[Address, bytes]:
    if not isinstance(server.trust, Pinned):
        return {}
    places = [parse(url) for url in server.addresses] if address is None else [address]
    return dict.fromkeys(places, server.trust.pin)


def _token_credentials() -> Credentials | None:
    """What CHATNET_TOKEN_FILE says."""
    path = os.environ.get(TOKEN_VARIABLE)
    if not path:
        return None
    from chatnet.auth.tokens import parse_token
    from chatnet.client.credentials import TokenCredentials

    try:
        with open(path, encoding="ascii", errors="replace") as file:
            text = file.read(1024)
    except OSError as error:
        message = f"{TOKEN_VARIABLE} names {path}, which cannot be read: {(error.strerror or str(error)).lower()}"
        raise ConfigError(ErrorCode.BAD_OPTION, message) from error
    try:
        return TokenCredentials(parse_token(text))
    except ConfigError as error:
        raise ConfigError(ErrorCode.BAD_OPTION, f"{path}, named by {TOKEN_VARIABLE}: {error.message}") from error


@dataclass(frozen=True, slots=True)
class ProfileCredentials:
    """The account of a profile. Its token is looked up when it is shown, since a keyring may ask the user first."""

    profile: Profile

    @property
    def me(self) -> User:
        return User(0, self.profile.user)

    @property
    def key(self) -> str:
        return f"account {self.profile.server} {fold(self.profile.user)}"

    def login(self, arrival: Arrival) -> Steps[Welcome]:
        from chatnet.client.keychain import token_of

        return (yield from token_login(token_of(self.profile), arrival))


# -- this machine ---------------------------------------------------------------------------------------------


def _on_this_machine(book: Book, name: str | None) -> Contact:
    """The server of this machine, whoever runs it: over its socket, by its owner's private file, or at its port."""
    from chatnet.net.local_access import load_local_access

    places = candidates()
    pins = {}
    if (known := book.server_at(places[-1])) is not None:
        pins = _pins(known, places[-1])
    access = load_local_access()
    if access is not None:
        places.insert(len(places) - 1, access.address)
        pins[access.address] = access.pin
    if name is None and (token := _token_credentials()) is not None:
        return Contact(places, token, "", outbox_folder("", token.key), pins=pins)
    credentials = None
    if name is None:
        credentials = MachineCredentials(default_name(), {} if access is None else {access.pin: access.token})
    name = name or default_name()
    return Contact(places, credentials, name, outbox_folder("", fold(name)), pins=pins)


@dataclass(frozen=True, slots=True)
class MachineCredentials:
    """Somebody on the server's own machine, who has said nothing about it.

    On the local socket the operating system says who that is. A server of which the user has the private file gets
    the token in it; any other, a guest by the name of the operating system's user.
    """

    name: str
    tokens: Mapping[bytes, bytes] = field(repr=False)
    """By the pin of the server."""

    @property
    def me(self) -> User:
        return User(0, self.name)

    @property
    def key(self) -> str:
        return fold(self.name)

    def login(self, arrival: Arrival) -> Steps[Welcome]:
        channel = arrival.channel
        if channel.is_local and channel.server_pin is None:
            return (yield from enter(arrival))
        token = self.tokens.get(channel.server_pin or b"")
        if token is not None:
            return (yield from token_login(token, arrival))
        from chatnet.client.identity import load_identity

        return (yield from GuestCredentials(self.name, "", load_identity()).login(arrival))
