"""Why does it not work? Walks the way to a server step by step, and stops at the first step that cannot be taken.

Each step does just what every client does, but alone, so that its failure has one meaning and one piece of advice. The
order is that of a real connection: name, route, port, TLS, pin, protocol, login, round trip, clock. Nothing secret is
said before the server has proven who it is.
"""

import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from chatnet.address import TCP, TLS, UNIX, Address, is_loopback
from chatnet.client.news import Answer
from chatnet.client.session import ClientSession, Phase
from chatnet.client.wire_walk import WireWalk
from chatnet.errors import ChatnetError, ErrorCode, TrustError, Unreachable
from chatnet.events import Welcome
from chatnet.model import Role
from chatnet.net.interfaces import source_address
from chatnet.net.pins import show_pin
from chatnet.net.trust import ByAuthority, Pinned, TrustFor, Unproven
from chatnet.requests import Ping
from chatnet.transports import registry

PINGS = 5
CLOCK_SECONDS = 2.0
"""A difference that people notice: messages seem to come from the future, or too late."""

_ROLES = {Role.GUEST: "a guest", Role.MEMBER: "a member", Role.ADMIN: "an admin"}
_ADVICE = {
    "name": "Check the spelling, or use the server's numeric address; 'chatnet discover' lists those nearby.",
    "route": "Check this machine's network: cable, Wi-Fi, VPN.",
    "port": "Check that the server runs and listens there ('chatnet serve' says where), and for firewalls between.",
    "tls": "Check the port, and that a chatnet server speaks TLS there.",
    "pin": "Ask whoever runs the server for its fingerprint, or for a join code.",
    "protocol": "Check the host and the port: is it a chatnet server, and one that this version can talk to?",
    "login": "Check who you are (--as), and that the server knows you; 'chatnet join' makes an account.",
    "round trip": "Try again; if it stays like that, look at the network and at the load of the server.",
    "clock": "Set both clocks by the network (NTP).",
}
_BY_CODE: dict[str, str] = {
    ErrorCode.BAD_VERSION: "Bring chatnet up to date on the older side.",
    ErrorCode.NO_ANSWER: "Who takes connections there does not answer: check the port, or restart the server.",
    ErrorCode.BAD_CREDENTIALS: "Ask an admin for a new join code ('chatnet join'), or log in: chatnet login",
    ErrorCode.LOGGED_OUT: "Log in again: chatnet login; or ask an admin for a new join code ('chatnet join').",
    ErrorCode.NAME_IN_USE: "Choose another name with --as NAME.",
    ErrorCode.SERVER_FULL: "Try again in a minute.",
    ErrorCode.SHUTTING_DOWN: "Try again once the server is back.",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way, taken or not."""

    name: str
    says: str
    """What was found; may hold text from the other side, raw."""
    seconds: float | None = None
    """How long it took, or for the clock how far the server's is ahead."""
    error: ChatnetError | None = None
    """Why it cannot be taken."""
    advice: str = ""
    """What to do; also where the step was taken, but something is not as it should be."""


def checkup(
    address: Address, make_session: Callable[[], ClientSession], trust_for: TrustFor, timeout: float
) -> Iterator[Step]:
    """Take the steps to the server at ``address``; the last one is the first that has an ``error``, if any has.

    :param make_session: a new session that logs in as the user would; asked once the server has proven who it is.
    :param trust_for: asked once the server has shown its key; may ask a person, and may end it all by an exception.
    :param timeout: seconds for each step.
    """
    walk = _Checkup(address, make_session, trust_for, timeout)
    with closing(walk):
        for name, step in walk.steps():
            started = time.monotonic()
            try:
                yield step()
            except ChatnetError as error:
                advice = _BY_CODE.get(error.code, _ADVICE[name])
                yield Step(name, error.message, time.monotonic() - started, error, advice)
                return


def reachable(addresses: list[Address], timeout: float) -> Address:
    """The first address where anybody listens, as a client that is told nothing chooses it; else the last."""
    for address in addresses[:-1]:
        try:
            registry.connect(address, timeout, Unproven()).close()
        except ChatnetError:
            continue
        return address
    return addresses[-1]


class _Checkup:
    """What the steps hand on to one another."""

    def __init__(
        self, address: Address, make_session: Callable[[], ClientSession], trust_for: TrustFor, timeout: float
    ) -> None:
        self._address = address
        self._make_session = make_session
        self._trust_for = trust_for
        self._timeout = timeout
        self._targets: list[str] = []
        self._wire: WireWalk | None = None
        self._session: ClientSession | None = None
        self._round_trip = 0.0

    def steps(self) -> list[tuple[str, Callable[[], Step]]]:
        """Those that make sense for this address."""
        over_ip = self._address.scheme != UNIX and self._address.port != 0
        first = [("name", self._name), ("route", self._route)] if over_ip else []
        tls = [("tls", self._tls), ("pin", self._pin)] if self._address.scheme == TLS else []
        rest = [
            ("protocol", self._protocol),
            ("login", self._login),
            ("round trip", self._ping),
            ("clock", self._clock),
        ]
        return [*first, ("port", self._port), *tls, *rest]

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()

    # -- the network ------------------------------------------------------------------------------------------

    def _name(self) -> Step:
        started = time.monotonic()
        self._targets = look_up(self._address.host, self._timeout)
        seconds = time.monotonic() - started
        if self._targets == [self._address.host]:
            return Step("name", f"{self._address.host} is a number already", seconds)
        return Step("name", f"{self._address.host} is {', '.join(self._targets)}", seconds)

    def _route(self) -> Step:
        for target in self._targets:
            family = socket.AF_INET6 if ":" in target else socket.AF_INET
            source = source_address(family, target.partition("%")[0])
            if source is not None:
                return Step("route", f"from {source} to {target}")
        raise Unreachable(ErrorCode.UNREACHABLE, f"this machine has no way to {', '.join(self._targets)}")

    def _port(self) -> Step:
        started = time.monotonic()
        self._wire = WireWalk(registry.connect(self._address, self._timeout, Unproven()))
        seconds = time.monotonic() - started
        where = self._address.path or f"{self._address.host} port {self._address.port}"
        if self._address.scheme == TCP and not all(is_loopback(target) for target in self._targets):
            return Step("port", f"{where} answers", seconds, advice="Nothing is encrypted on this way.")
        return Step("port", f"{where} answers", seconds)

    # -- TLS --------------------------------------------------------------------------------------------------

    def _tls(self) -> Step:
        """With whoever is there: whether it is the right one is the next step."""
        assert self._wire is not None
        seconds = self._wire.shake_hands(time.monotonic() + self._timeout)
        return Step("tls", "TLS 1.3", seconds)

    def _pin(self) -> Step:
        """Once more, as every client does it; this connection goes on."""
        assert self._wire is not None
        pin = self._wire.transport.server_pin
        assert pin is not None, "a server shows its key in the handshake"
        self._wire.close()
        trust = self._trust_for(self._address)
        try:
            self._wire = WireWalk(registry.connect(self._address, self._timeout, trust))
            self._wire.shake_hands(time.monotonic() + self._timeout)
        except TrustError as error:
            if error.seen is not None:
                raise
            message = f"{error.message}\nIts fingerprint: {show_pin(pin)}"
            raise TrustError(error.code, message, error.expected, pin) from error
        match trust:
            case Pinned():
                how = "as trusted before"
            case ByAuthority():
                how = "certified by an authority"
            case Unproven():
                how = "not trusted yet"
        return Step("pin", f"{show_pin(pin)}, {how}")

    # -- chatnet ----------------------------------------------------------------------------------------------

    def _protocol(self) -> Step:
        assert self._wire is not None
        self._session = session = self._make_session()
        seconds = self._wire.start(session, lambda: session.phase is not Phase.GREETING, self._deadline())
        hello = self._wire.hello
        assert hello is not None, "the session has left this phase by it"
        return Step("protocol", f"chatnet {hello.version}", seconds)

    def _login(self) -> Step:
        assert self._wire is not None
        assert self._session is not None
        session = self._session
        seconds = self._wire.go_on(session, lambda: session.phase is Phase.ONLINE, self._deadline())
        me = session.cache.me
        return Step("login", f"as {me.name}, {_ROLES[me.role]}", seconds)

    def _ping(self) -> Step:
        self._round_trip = statistics.median(self._ping_once() for _ in range(PINGS))
        return Step("round trip", f"median of {PINGS}", self._round_trip)

    def _ping_once(self) -> float:
        assert self._wire is not None
        assert self._session is not None
        number, session = self._session.request(Ping), self._session
        answered = lambda: any(isinstance(news, Answer) and news.id == number for news in session.news())  # noqa: E731
        return self._wire.go_on(session, answered, self._deadline())

    def _clock(self) -> Step:
        assert self._wire is not None
        assert self._wire.welcome is not None, "a session is not online before"
        ahead = clock_difference(*self._wire.welcome, self._round_trip)
        says = f"the server's is {abs(ahead):.3f} s {'ahead' if ahead >= 0 else 'behind'}"
        return Step("clock", says, ahead, advice=_ADVICE["clock"] if abs(ahead) > CLOCK_SECONDS else "")

    def _deadline(self) -> float:
        return time.monotonic() + self._timeout


def clock_difference(welcome: Welcome, heard_at: float, round_trip: float) -> float:
    """How many seconds the server's clock is ahead of this one's, negative if it is behind.

    ``heard_at``: when the welcome came, in seconds since 1970 UTC. It was on its way for half a round trip.
    """
    return welcome.time / 1000 + round_trip / 2 - heard_at


def look_up(host: str, timeout: float) -> list[str]:
    """The numeric addresses of a host name, in the order in which to try them.

    In a thread of its own, since the system's look-up cannot be told how long it may take.
    :raises Unreachable: UNREACHABLE: there is no such name, or nobody answers for it in time.
    """
    answer: list[list[str] | Exception] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            answer.append(list(dict.fromkeys(str(target[0]) for _, _, _, _, target in found)))
        except (OSError, ValueError) as error:
            answer.append(error)

    thread = threading.Thread(target=ask, name="look-up", daemon=True)
    thread.start()
    thread.join(timeout)
    if not answer:
        message = f"nobody says within {timeout:g} s what the host name {host!r} means"
        raise Unreachable(ErrorCode.UNREACHABLE, message)
    if isinstance(answer[0], Exception):
        raise Unreachable(ErrorCode.UNREACHABLE, f"the host name {host!r} cannot be found") from answer[0]
    return answer[0]
