"""What every listener must do: a suite to run on one's own, with pytest.

    class TestMyListener(ListenerConformance):
        def make_listener(self) -> Listening:
            return Listening(mine.listen(address), mine.connect, selectors.DefaultSelector())

The rules are those of the port `Listener` in `chatnet.net.ports` and of `chatnet.transports.registry.Connect`.
"""

from collections.abc import Callable, Iterator
from selectors import EVENT_READ, BaseSelector
from typing import NamedTuple

import pytest

from chatnet.address import Address
from chatnet.errors import Unreachable
from chatnet.net.ports import Listener, Transport
from chatnet.testing.transport_conformance import PATIENCE, Pair, establish, read_exactly, wait, write


class Listening(NamedTuple):
    """A listener, the way to connect to its address, and a selector. The suite closes the first and the last."""

    listener: Listener
    connect: Callable[[Address, float], Transport]
    selector: BaseSelector


class ListenerConformance:
    """Subclass it as ``Test...`` and define `make_listener`."""

    def make_listener(self) -> Listening:
        """An open address, on which nobody else is going to connect."""
        raise NotImplementedError

    @pytest.fixture
    def listening(self) -> Iterator[Listening]:
        """`make_listener`, closed after the test."""
        listening = self.make_listener()
        yield listening
        listening.listener.close()
        listening.selector.close()

    def test_nobody_is_there_before_somebody_connects(self, listening: Listening) -> None:
        assert wait(listening.selector, listening.listener.selectable, EVENT_READ, 0.0) == 0
        assert listening.listener.accept() is None

    def test_a_connection_makes_it_readable_and_can_be_accepted(self, listening: Listening) -> None:
        client = listening.connect(listening.listener.address, PATIENCE)
        assert wait(listening.selector, listening.listener.selectable, EVENT_READ) == EVENT_READ
        server = listening.listener.accept()
        assert server is not None
        assert listening.listener.accept() is None
        pair = Pair(client, server, listening.selector)
        establish(pair)
        write(pair, client, b"hello")
        assert read_exactly(pair, server, 5) == b"hello"
        client.close()
        server.close()

    def test_connections_wait_for_each_other(self, listening: Listening) -> None:
        clients = [listening.connect(listening.listener.address, PATIENCE) for _ in range(10)]
        servers: list[Transport] = []
        while len(servers) < len(clients):
            assert wait(listening.selector, listening.listener.selectable, EVENT_READ)
            server = listening.listener.accept()
            if server is not None:
                servers.append(server)
        assert listening.listener.accept() is None
        for transport in (*clients, *servers):
            transport.close()

    def test_connections_outlive_the_listener(self, listening: Listening) -> None:
        client = listening.connect(listening.listener.address, PATIENCE)
        assert wait(listening.selector, listening.listener.selectable, EVENT_READ)
        server = listening.listener.accept()
        assert server is not None
        listening.listener.close()
        pair = Pair(client, server, listening.selector)
        establish(pair)
        write(pair, client, b"still here")
        assert read_exactly(pair, server, 10) == b"still here"
        client.close()
        server.close()

    def test_nobody_can_connect_after_the_close(self, listening: Listening) -> None:
        address = listening.listener.address
        listening.listener.close()
        listening.listener.close()
        with pytest.raises(Unreachable):
            listening.connect(address, PATIENCE)
