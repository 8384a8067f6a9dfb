"""The servers that this user knows, and who the user is there; kept in one small private file.

A profile is an account on a server. It belongs to the server itself (its id and its key), not to an address, of which
it may know several. Servers without a profile are there too: those whose key a guest trusts.

Rules kept here: nobody else can read the file; it is replaced whole, so no reader ever sees half of it; and of several
processes that change it at the same moment, each builds upon what the one before it has written.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import replace

from chatnet.address import Address, parse
from chatnet.auth.names import fold
from chatnet.client.folders import state_folder
from chatnet.errors import ConfigError, ErrorCode
from chatnet.net.folders import FolderLock, make_private_folder, sync_folder
from chatnet.net.trust import ByAuthority, Pinned, Trust

VERSION = 1
_FILE_NAME = "profiles.json"
_PATIENCE = 5.0
"""Seconds to wait for another process that changes the file."""
_POLL = 0.01
_PROFILE_BYTES = 4096
"""More than a profile with its server takes."""


class KnownServer(msgspec.Struct, frozen=True):
    """A server that was proven, or that the user trusts."""

    addresses: tuple[str, ...]
    """URLs; where it was found last comes first."""
    pin: str = ""
    """``sha256:...`` of its key; empty where an authority vouches for it, or where it does no TLS."""
    id: str = ""
    """The server's id in hex digits; empty for one of which only the key is known."""

    @property
    def trust(self) -> Trust:
        """How it has to prove itself."""
        if not self.pin:
            return ByAuthority()
        # Whoever has no profile yet, or needs none, does without the code that reads certificates.
        from chatnet.net.pins import parse_pin

        return Pinned(parse_pin(self.pin))


class Profile(msgspec.Struct, frozen=True):
    """An account of this user on a server."""

    name: str
    """What it is called here."""
    server: str
    """The id of a `KnownServer`."""
    user: str
    """The account's login name."""
    key: str
    """Random hex digits that name what belongs to it elsewhere: its outbox, and its token in a keyring."""
    token: str = ""
    """As `chatnet.auth.tokens` writes it; empty if it is in the system's keyring."""

    def __repr__(self) -> str:
        return f"Profile({self.name!r})"


class Book(msgspec.Struct, frozen=True):
    """All that is known. It is never changed; what changes it returns another one."""

    version: int = VERSION
    default: str = ""
    """The name of the profile that is used where none is named; empty for none."""
    servers: tuple[KnownServer, ...] = ()
    profiles: tuple[Profile, ...] = ()

    # -- looking ----------------------------------------------------------------------------------------------

    def profile(self, name: str) -> Profile | None:
        """The profile that is called so."""
        return next((profile for profile in self.profiles if fold(profile.name) == fold(name)), None)

    def server_of(self, profile: Profile) -> KnownServer:
        """Where the profile's account is."""
        return next(server for server in self.servers if server.id == profile.server)

    def server_at(self, address: Address) -> KnownServer | None:
        """The server that is known to be there."""
        return next((server for server in self.servers if str(address) in server.addresses), None)

    def server_with(self, pin: bytes) -> KnownServer | None:
        """The server that is known to have this key."""
        return next((server for server in self.servers if server.trust == Pinned(pin)), None)

    def profile_at(self, server: KnownServer, user: str | None = None) -> Profile | None:
        """The profile of this user name there; for None the default one if it is there, else the first."""
        found = [profile for profile in self.profiles if server.id and profile.server == server.id]
        if user is not None:
            return next((profile for profile in found if fold(profile.user) == fold(user)), None)
        return next((profile for profile in found if profile.name == self.default), found[0] if found else None)

    # -- changing ---------------------------------------------------------------------------------------------

    def with_server(self, server: KnownServer) -> "Book":
        """This server is at these addresses, so no other is; what was known of it by its id is brought up to date."""
        before = next((known for known in self.servers if server.id and known.id == server.id), None)
        more = () if before is None else tuple(url for url in before.addresses if url not in server.addresses)
        others = [_without(known, server.addresses) for known in self.servers if known is not before]
        used = {profile.server for profile in self.profiles}
        kept = [known for known in others if known.addresses or known.id in used]
        return replace(self, servers=(*kept, replace(server, addresses=server.addresses + more)))

    def with_pin(self, address: Address, pin: bytes, *, is_renewed: bool = False) -> "Book":
        """The server at this address has this key, as the user says.

        Where another key was known, it is another server, to which no profile's token goes; or, if ``is_renewed``, the
        same one with a new key.
        """
        from chatnet.net.pins import show_pin

        known, shown = self.server_at(address), show_pin(pin)
        if known is None or (known.pin != shown and not is_renewed):
            return self.with_server(KnownServer((str(address),), shown))
        servers = tuple(replace(server, pin=shown) if server is known else server for server in self.servers)
        return replace(self, servers=servers)

    def without_server(self, address: Address) -> "Book":
        """Nothing is known of what is at this address. Profiles keep their server's other addresses."""
        known = self.server_at(address)
        if known is None:
            return self
        left = _without(known, (str(address),))
        keep = left.addresses or any(profile.server == known.id for profile in self.profiles)
        servers = tuple(left if server is known else server for server in self.servers if keep or server is not known)
        return replace(self, servers=servers)

    def with_profile(self, profile: Profile) -> "Book":
        """Add a profile, or put it in the place of the one of its name; the first one is the default."""
        others = tuple(other for other in self.profiles if fold(other.name) != fold(profile.name))
        return replace(self, profiles=(*others, profile), default=self.default or profile.name)

    def without_profile(self, name: str) -> "Book":
        """Remove a profile; its server stays known. If it was the default, the first of the others is."""
        left = tuple(profile for profile in self.profiles if fold(profile.name) != fold(name))
        default = self.default
        if fold(default) == fold(name):
            default = left[0].name if left else ""
        return replace(self, profiles=left, default=default)


def _without(server: KnownServer, addresses: tuple[str, ...]) -> KnownServer:
    return replace(server, addresses=tuple(url for url in server.addresses if url not in addresses))


def free_name(book: Book, user: str, address: Address) -> str:
    """What a new profile may be called: the user's name, or with the server behind it where that is taken."""
    names = [user, f"{user}@{address.host or 'local'}"]
    names += [f"{names[1]}-{number}" for number in range(2, len(book.profiles) + 3)]
    return next(name for name in names if book.profile(name) is None)


# -- the file -------------------------------------------------------------------------------------------------


def profiles_folder() -> Path:
    """The private folder in which this user's profiles are; it may not exist yet."""
    return Path(state_folder()) / "profiles"


def load_book(folder: Path | None = None) -> Book:
    """What is known; an empty book where there is no file yet.

    :raises ConfigError: BAD_OPTION: it cannot be read or understood, or others can read it too.
    """
    path = (folder or profiles_folder()) / _FILE_NAME
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read()
    except FileNotFoundError:
        return Book()
    except OSError as error:
        raise _bad(f"your profiles in {path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    if hasattr(os, "getuid") and stat.S_IMODE(mode) & 0o077:
        raise _bad(f"others can read the tokens in {path}\nClose it with  chmod 600 {path}")
    return _understand(content, path)


def change_book(change: Callable[[Book], Book], folder: Path | None = None) -> Book:
    """Change what is known, after whatever another process is changing; returns the new book.

    :raises ConfigError: BAD_OPTION: it cannot be written, or cannot be understood as it is.
    """
    folder = folder or profiles_folder()
    with _alone(folder):
        before = load_book(folder)
        book = change(before)
        if book != before:
            _write(folder / _FILE_NAME, msgspec.json.format(msgspec.json.encode(book), indent=2) + b"\n")
        return book


def check_writing(folder: Path | None = None) -> None:
    """Is there room to keep one profile more? Writes as much, and removes it again.

    :raises ConfigError: BAD_OPTION: there is not, nothing can be written there, or what is there is not understood.
    """
    folder = folder or profiles_folder()
    with _alone(folder):
        load_book(folder)
        path = folder / _FILE_NAME
        size = path.stat().st_size if path.exists() else 0
        _draft(path, bytes(size + _PROFILE_BYTES)).unlink()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While inside, no other process changes the file.

    :raises ConfigError: BAD_OPTION.
    """
    try:
        make_private_folder(folder)
        lock = _lock(folder)
    except ConfigError as error:
        raise _bad(f"your profiles cannot be kept: {error.message}") from error
    except OSError as error:
        raise _not_kept(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def _lock(folder: Path) -> FolderLock:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return FolderLock(folder)
        except ConfigError as error:
            if error.code != ErrorCode.DATA_IN_USE or time.monotonic() > deadline:
                raise
        time.sleep(_POLL)


def _write(path: Path, content: bytes) -> None:
    draft = _draft(path, content)
    try:
        os.replace(draft, path)
        sync_folder(path.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _not_kept(path, error) from error


def _draft(path: Path, content: bytes) -> Path:
    """A private file beside ``path`` that is on the disk."""
    draft = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _not_kept(path, error) from error
    return draft


def _not_kept(path: Path, error: OSError) -> ConfigError:
    return _bad(f"your profiles cannot be kept in {path}: {(error.strerror or str(error)).lower()}")


class _Version(msgspec.Struct):
    version: int


def _understand(content: bytes, path: Path) -> Book:
    try:
        is_newer = msgspec.json.decode(content, type=_Version).version > VERSION
        book = Book() if is_newer else msgspec.json.decode(content, type=Book)
        _check(book)
    except (ValueError, ConfigError) as error:
        raise _bad(
            f"{path} is damaged: {error}\n"
            "Restore it from a backup, or move it away: then every server has to be joined, or logged in to, again."
        ) from error
    if is_newer:
        raise _bad(f"{path} was written by a newer chatnet; bring this one up to date")
    return book


def _check(book: Book) -> None:
    """:raises ValueError, ConfigError: what the types cannot say does not hold."""
    for server in book.servers:
        for url in server.addresses:
            parse(url)
        bytes.fromhex(server.id)
        _ = server.trust
    ids = {server.id for server in book.servers}
    for profile in book.profiles:
        if not profile.server or profile.server not in ids:
            raise ValueError(f"the profile {profile.name!r} has no server")
    if book.default and book.profile(book.default) is None:
        raise ValueError(f"the default profile {book.default!r} is missing")


def _bad(message: str) -> ConfigError:
    return ConfigError(ErrorCode.BAD_OPTION, message)
