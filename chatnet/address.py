"""Where a server is, as a URL.

    chatnet://HOST[:5555]           TLS
    chatnet+tcp://HOST[:5555]       plain TCP
    chatnet+unix:///PATH            a unix socket on this machine
    chatnet+memory://NAME           within one process, for tests and simulations
"""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from chatnet.errors import ConfigError, ErrorCode

DEFAULT_PORT = 5555
TLS, TCP, UNIX, MEMORY = "chatnet", "chatnet+tcp", "chatnet+unix", "chatnet+memory"
SCHEMES = (TLS, TCP, UNIX, MEMORY)
_LOOPBACK_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost")


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address. TCP schemes have ``host`` and ``port``, a unix socket has ``path``, memory has ``host``."""

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.scheme == UNIX:
            return f"{self.scheme}://{self.path}"
        if self.scheme == MEMORY:
            return f"{self.scheme}://{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Can only programs on this machine reach it? A host name counts only if it is a loopback's by convention."""
        if self.scheme in (UNIX, MEMORY):
            return True
        return self.host in _LOOPBACK_NAMES or is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Is this numeric address one of this machine's loopback range?"""
    return host == "::1" or host.startswith(("127.", "::ffff:127."))


def parse(text: str) -> Address:
    """Read an address.

    A bare ``HOST`` or ``HOST:PORT`` is not one, since nothing says whether it is encrypted.
    :raises ConfigError: BAD_ADDRESS, with what is wrong and an example.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _bad(text, str(error)) from None
    if parts.scheme not in SCHEMES or not text.startswith(f"{parts.scheme}://"):
        raise _bad(text, "it does not start with a known scheme")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise _bad(text, "it has parts that chatnet does not know")
    if parts.scheme == UNIX:
        if parts.netloc or len(parts.path) < 2:
            raise _bad(text, "a unix socket needs an absolute path")
        return Address(UNIX, path=unquote(parts.path))
    if parts.path not in ("", "/") or not parts.hostname:
        raise _bad(text, "it needs a host, and no path")
    if parts.scheme == MEMORY:
        return Address(MEMORY, host=parts.hostname)
    return Address(parts.scheme, host=parts.hostname, port=DEFAULT_PORT if port is None else port)


def _bad(text: str, why: str) -> ConfigError:
    return ConfigError(
        ErrorCode.BAD_ADDRESS,
        f"{text!r} is not a chatnet address: {why}. Examples: chatnet+tcp://localhost:5555, chatnet+unix:///run/chat",
    )
