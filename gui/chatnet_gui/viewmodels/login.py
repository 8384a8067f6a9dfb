"""The login window: its fields, what is wrong with them in plain words, and what to do about it."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatnet.address import DEFAULT_PORT, Address
from chatnet.auth.codes import parse_code, parse_link
from chatnet.auth.names import NAME_MAX, check_name
from chatnet.client.discovery import VARIABLE, server_address, short_address
from chatnet.client.profiles import Book
from chatnet.errors import ChatnetError, ConfigError, ErrorCode, Refused, TrustError
from chatnet.net.mdns import LanServer
from chatnet.net.pins import show_pin
from chatnet_gui.connecting import LoginRequest, is_local, trust_pin
from chatnet_gui.lan import Found
from chatnet_gui.viewmodels.segments import line
from chatnet_gui.viewmodels.settings import Settings
from chatnet_gui.viewmodels.words import sentence

FIELDS = ("host", "port", "name", "code", "password")
NEW = "Another server or name…"
"""In the list of profiles: none of them."""

_PLAIN: dict[str, tuple[str, str]] = {
    ErrorCode.UNREACHABLE: ("host", "Nobody answers there. Is the server running, and are address and port right?"),
    ErrorCode.NO_ANSWER: ("host", "Something is there, but it does not answer."),
    ErrorCode.NOT_CHATNET: ("port", "Something else than a chatnet server answers at this port."),
    ErrorCode.TLS_FAILED: ("host", "No encrypted connection could be made. Is this the right port?"),
    ErrorCode.NAME_IN_USE: ("name", "Somebody else has this name."),
    ErrorCode.FORBIDDEN: ("name", "This server lets nobody in without an account: ask for a join code."),
    ErrorCode.SERVER_FULL: ("", "The server is full. Try again in a minute."),
    ErrorCode.TOO_MANY_SESSIONS: ("name", "This name is logged in at too many places."),
}


@dataclass(frozen=True, slots=True)
class Question:
    """Is this the server's key? ``expected`` is the one it had, or empty at the first contact."""

    address: Address
    pin: bytes
    expected: str

    @property
    def shown(self) -> str:
        """The fingerprint, as whoever runs the server can compare it."""
        return show_pin(self.pin)


class LoginModel:
    """State of the login window. ``trust`` remembers a key."""

    def __init__(
        self, settings: Settings, book: Book, default_name: str, trust: Callable[[Address, bytes], None] = trust_pin
    ) -> None:
        self._trust = trust
        self._tried: set[str] = set()
        self._request: LoginRequest | None = None
        self.profiles: Sequence[str] = tuple(profile.name for profile in book.profiles)
        self.profile = book.default
        self.values = dict.fromkeys(FIELDS, "")
        self.values["name"] = settings.last_name or default_name
        self.values["host"], self.values["port"] = _split(os.environ.get(VARIABLE) or settings.last_server)
        self.errors: dict[str, str] = {}
        """What is wrong, by field; under the empty name, what belongs to none."""
        self.offer = ""
        """A name to try instead."""
        self.question: Question | None = None
        self.is_busy = False
        self.found: list[LanServer] = []
        """Servers of the local network."""
        self.looking = "Looking for servers on this network…"
        """How that is getting on."""

    # -- servers of the local network -------------------------------------------------------------------------

    def learn(self, found: Found) -> None:
        """These servers make themselves known, or cannot be heard."""
        self.found = found.servers
        if found.trouble:
            first, *rest = found.trouble.split("\n")
            self.looking = "\n".join([sentence(first), *rest])
        else:
            self.looking = "" if found.servers else "No server makes itself known on this network."

    def found_as_text(self) -> list[str]:
        """A line about each; all of it was said by anybody on the network."""
        return [
            "   ".join(
                [line(server.name), line(short_address(server.addresses[0])), *(["guests"] if server.is_open else [])]
            )
            for server in self.found
        ]

    def choose_found(self, number: int) -> None:
        """Log in to this one."""
        self.profile = ""
        self._forget_answers()
        host, port = _split(short_address(self.found[number].addresses[0]))
        self.values["host"], self.values["port"] = host, port

    # -- what the user does -----------------------------------------------------------------------------------

    def choose_profile(self, choice: str) -> None:
        """Log in as a known account, or as `NEW`."""
        self.profile = choice if choice in self.profiles else ""
        self._forget_answers()

    def set(self, field: str, value: str) -> None:
        """Something was typed: what was wrong with it is open again."""
        self.values[field] = value
        self.errors.pop(field, None)
        if field == "name":
            self.offer = ""

    def submit(self) -> LoginRequest | None:
        """What to log in with; None if there is something wrong with it."""
        self._forget_answers()
        request = LoginRequest(profile=self.profile) if self.profile else self._checked()
        if request is not None:
            self._request, self.is_busy = request, True
        return request

    def take_offer(self) -> LoginRequest | None:
        """Try the name that is offered."""
        self.values["name"] = self.offer
        return self.submit()

    def accept(self) -> LoginRequest | None:
        """Yes, this is the server's key: remember it, and go on."""
        question, self.question = self.question, None
        if question is None:
            return None
        try:
            self._trust(question.address, question.pin)
        except ConfigError as error:
            self.errors[""] = error.message
            return None
        return self.submit()

    def decline(self) -> None:
        """No: nothing was said to it."""
        self.question = None
        self.errors["host"] = "Not trusted, so nothing was said to this server."

    # -- what comes of it -------------------------------------------------------------------------------------

    def succeeded(self, settings: Settings) -> None:
        """Logged in: remember where and who."""
        self.is_busy = False
        if self._request is not None and not self._request.profile:
            settings.last_server, settings.last_name = self._request.server, self._request.name

    def failed(self, error: ChatnetError) -> None:
        """Say in plain words what is wrong, beside the field that it is about."""
        self.is_busy = False
        if isinstance(error, TrustError) and error.seen is not None and (address := self._address()) is not None:
            self.question = Question(address, error.seen, "" if error.expected is None else show_pin(error.expected))
            return
        field, text = self._in_words(error)
        self.errors[field] = text
        if error.code == ErrorCode.NAME_IN_USE:
            self._tried.add(self.values["name"].casefold())
            self.offer = free_name(self.values["name"], self._tried)

    def _in_words(self, error: ChatnetError) -> tuple[str, str]:
        if error.code == ErrorCode.BAD_CREDENTIALS:
            if self.values["code"] and not self.profile:
                return "code", "This join code is not good, or not any more. Ask for a new one."
            if self.values["password"] and not self.profile:
                return "password", "The name or the password is wrong."
            return "", "The server does not know this account any more: log in again, or ask for a join code."
        if error.code == ErrorCode.BAD_NAME:
            return "name", sentence(error.message)
        if error.code == ErrorCode.BAD_ADDRESS:
            return "host", sentence(error.message)
        field, text = _PLAIN.get(error.code, ("", sentence(error.message)))
        return ("", text) if self.profile else (field, text)

    # -- parts ------------------------------------------------------------------------------------------------

    def _forget_answers(self) -> None:
        self.errors, self.offer, self.question = {}, "", None

    def _checked(self) -> LoginRequest | None:
        values = {field: value.strip() for field, value in self.values.items()}
        values["password"] = self.values["password"]
        server = self._check_server(values["host"], values["port"], values["code"])
        self._check("name", lambda: check_name(values["name"]))
        if values["code"]:
            self._check("code", lambda: parse_link(values["code"]) or parse_code(values["code"]))
        if self.errors:
            return None
        return LoginRequest("", server, values["name"], values["code"], values["password"])

    def _check_server(self, host: str, port: str, code: str) -> str:
        if "://" in host or not host or "://" in code:
            server = host
        elif not re.fullmatch(r"[0-9]{1,5}", port or str(DEFAULT_PORT)) or not 0 < int(port or DEFAULT_PORT) < 65536:
            self.errors["port"] = "A port is a number from 1 to 65535."
            return ""
        else:
            bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
            server = f"{bracketed}:{port}" if port and int(port) != DEFAULT_PORT else bracketed
        if not is_local(server):
            self._check("host", lambda: server_address(server))
        return server

    def _check(self, field: str, look: Callable[[], object]) -> None:
        try:
            look()
        except (Refused, ConfigError) as error:
            self.errors[field] = sentence(error.message)

    def _address(self) -> Address | None:
        """The one place where the server is, if it is one."""
        request = self._request
        if request is None or request.profile:
            return None
        return server_address(request.server if not is_local(request.server) else "localhost")


def free_name(name: str, taken: set[str]) -> str:
    """A name like this one that was not tried yet."""
    stem = re.sub(r"[0-9]+$", "", name) or name
    number = 2
    while True:
        candidate = stem[: NAME_MAX - len(str(number))] + str(number)
        if candidate.casefold() not in taken:
            return candidate
        number += 1


def _split(server: str) -> tuple[str, str]:
    """Host and port, as they stand in the fields."""
    if not server:
        return "localhost", str(DEFAULT_PORT)
    if "://" in server:
        return server, ""
    try:
        address = server_address(server)
    except ConfigError:
        return server, ""
    host = short_address(Address(address.scheme, address.host, DEFAULT_PORT))
    return host, str(address.port)
