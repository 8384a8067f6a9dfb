"""Where a server is, as a URL.

    chatnet://HOST[:5555]           TLS
    chatnet+tcp://HOST[:5555]       plain TCP
    chatnet+unix:///PATH            a unix socket on this machine
    chatnet+memory://NAME           within one process, for tests and simulations

Other transports can be registered under ``chatnet+SOMETHING``, with a host and a port.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from chatnet.errors import ConfigError, ErrorCode

DEFAULT_PORT = 5555
TLS, TCP, UNIX, MEMORY = "chatnet", "chatnet+tcp", "chatnet+unix", "chatnet+memory"
_LOOPBACK_V4 = re.compile(r"(::ffff:)?127(\.\d{1,3}){3}", re.ASCII)
"""Only numbers: ``127.example.org`` is somebody else's name."""
_SCHEME = re.compile(r"chatnet(\+[a-z0-9]+)?", re.ASCII)
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
            return f"{self.scheme}://{quote(self.path)}"
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
    return host == "::1" or _LOOPBACK_V4.fullmatch(host) is not None


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
    if not _SCHEME.fullmatch(parts.scheme) or not text.startswith(f"{parts.scheme}://"):
        raise _bad(text, "it does not start with chatnet:// or chatnet+SOMETHING://")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise _bad(text, "it has parts that chatnet does not know")
    if parts.scheme == UNIX:
        if parts.netloc or len(parts.path) < 2:
            raise _bad(text, "a unix socket needs an absolute path")
        path = unquote(parts.path)
        if "\0" in path:
            raise _bad(text, "a path cannot have a zero byte")
        return Address(UNIX, path=path)
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
