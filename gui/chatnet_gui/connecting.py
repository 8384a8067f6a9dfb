"""From what stands in the login window to a client that is logged in. Blocking: it runs in the client's own thread."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chatnet import Client
from chatnet.address import DEFAULT_PORT, Address
from chatnet.auth.codes import parse_code, parse_link
from chatnet.client import discovery
from chatnet.client.credentials import GuestCredentials
from chatnet.client.discovery import Contact, MachineCredentials, server_address
from chatnet.client.enrolment import enrol, join
from chatnet.client.folders import outbox_folder
from chatnet.client.identity import load_identity
from chatnet.client.keeping import check_can_keep, keep
from chatnet.client.outbox import Draft
from chatnet.client.profiles import change_book, load_book
from chatnet.client.spool import Spool
from chatnet.errors import ErrorCode, Refused

_TIMEOUT = 8.0
"""Seconds for any answer."""
_LABEL_MAX = 40


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """What the login window asks for. Exactly one of ``profile`` and ``name`` counts."""

    profile: str = ""
    """An account that this machine knows."""
    server: str = ""
    """An address as people write it; empty for the server of this machine."""
    name: str = ""
    code: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


class Opening:
    """One try to log in; called in the client's thread."""

    def __init__(self, request: LoginRequest) -> None:
        self._request = request
        self.waiting: tuple[Draft, ...] = ()
        """What an earlier run could not send, and this one will; known once there is a connection."""

    @contextmanager
    def __call__(self) -> Iterator[Client]:
        """The client; it connects when it is entered.

        :raises ChatnetError: why not.
        """
        contact = _contact(self._request)
        with Spool(Path(contact.outbox)).claim() as outbox:
            self.waiting = tuple(outbox)
            is_guest = contact.credentials is None
            client = Client(
                contact.addresses,
                credentials=GuestCredentials(contact.name, "", load_identity()) if is_guest else contact.credentials,
                trust=contact.trust,
                timeout=_TIMEOUT,
                outbox=outbox,
            )
            with client:
                yield client


def trust_pin(address: Address, pin: bytes) -> None:
    """The user says that this is the server's key."""
    change_book(lambda book: book.with_pin(address, pin))


def is_local(server: str) -> bool:
    """Does this mean the server of this machine, wherever it listens?"""
    return server.strip().casefold() in ("", "localhost", f"localhost:{DEFAULT_PORT}")


def _contact(request: LoginRequest) -> Contact:
    if request.profile:
        return discovery.find(profile=request.profile)
    if request.code:
        return discovery.find(profile=_join(request))
    if request.password:
        return discovery.find(profile=_enrol(request))
    if is_local(request.server):
        return _on_this_machine(request.name)
    return discovery.find(request.server, request.name)


def _on_this_machine(name: str) -> Contact:
    own = name == discovery.default_name()
    if not os.environ.get(discovery.VARIABLE) and not load_book().default:
        return discovery.find(name=None if own else name)
    # Something else is what commands use by themselves, but here the user has said where.
    credentials = MachineCredentials(name, {}) if own else None
    places = discovery.candidates()
    known = load_book().server_at(places[-1])
    at_port = discovery.find(str(places[-1]), name).pins if known is not None else {}
    return Contact(places, credentials, name, outbox_folder("", name.casefold()), pins=at_port)


def _address(request: LoginRequest) -> Address:
    return discovery.candidates()[-1] if is_local(request.server) else server_address(request.server)


def _join(request: LoginRequest) -> str:
    """Make an account with the join code; returns its profile's name."""
    link = parse_link(request.code)
    address, code = link if link is not None else (_address(request), parse_code(request.code))

    def choose_name(why_not: str | None) -> str:
        if why_not is not None:
            raise Refused(ErrorCode.NAME_IN_USE, why_not)
        return request.name

    check_can_keep()
    label = socket.gethostname()[:_LABEL_MAX]
    return keep(join(address, code, choose_name, label=label, timeout=_TIMEOUT), timeout=_TIMEOUT).name


def _enrol(request: LoginRequest) -> str:
    """Get a token with the password; returns the name of the account's profile."""
    check_can_keep()
    contact = discovery.find(str(_address(request)), request.name)
    label = socket.gethostname()[:_LABEL_MAX]
    enrolment = enrol(
        contact.addresses[0], request.name, request.password, label=label, timeout=_TIMEOUT, trust=contact.trust
    )
    return keep(enrolment, timeout=_TIMEOUT).name
