"""A look at a server's key, before anything is said to it."""

from chatnet.address import Address
from chatnet.client.credentials import Channel
from chatnet.client.link import Link, Session
from chatnet.errors import ChatnetError, TrustError
from chatnet.net.trust import by_authority


class _Nobody(Session):
    """A session that says nothing, and has seen enough once there is a connection."""

    wants_close = True
    next_tick = None

    def connection_made(self, now: float, channel: Channel) -> None: ...

    def receive(self, data: bytes, now: float) -> None: ...

    def data_to_send(self) -> bytes:
        return b""

    def tick(self, now: float) -> None: ...

    def connection_lost(self, now: float, error: ChatnetError | None) -> float | None: ...


def look(address: Address, timeout: float) -> bytes | None:
    """The pin of a server with TLS; None if an authority that this system trusts vouches for it.

    :raises Unreachable: nobody is there, or not with TLS.
    :raises TrustError: its key could not be seen.
    """
    link = Link(_Nobody(), by_authority)
    try:
        link.connect(address, timeout)
    except TrustError as error:
        if error.seen is None:
            raise
        return error.seen
    finally:
        link.close()
    return None
