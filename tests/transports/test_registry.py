"""Addresses find their transport."""

import subprocess
import sys

import pytest

from chatnet.address import MEMORY, TLS, Address, parse
from chatnet.errors import ConfigError, ErrorCode
from chatnet.net.platform import new_selector
from chatnet.testing.transport_conformance import PATIENCE, Pair, read_exactly, wait, write
from chatnet.transports import registry
from chatnet.transports.memory import MemoryNetwork


def test_a_tcp_address_is_opened_and_connected_to() -> None:
    listener = registry.listen(parse("chatnet+tcp://127.0.0.1:0"))
    client = registry.connect(listener.address, PATIENCE)
    with new_selector() as selector:
        assert wait(selector, listener.selectable, 1)
        server = listener.accept()
        assert server is not None
        pair = Pair(client, server, selector)
        write(pair, client, b"hello")
        assert read_exactly(pair, server, 5) == b"hello"
    for end in (client, server, listener):
        end.close()


def test_a_memory_address_means_the_same_place_for_both_sides() -> None:
    listener = registry.listen(Address(MEMORY, "registry-test"))
    client = registry.connect(listener.address, PATIENCE)
    assert client.send(b"hello") == 5
    server = listener.accept()
    assert server is not None
    assert server.receive(100) == b"hello"
    for end in (client, server, listener):
        end.close()


def test_tls_says_that_it_is_not_there_yet_and_what_to_use() -> None:
    for action in (lambda a: registry.listen(a), lambda a: registry.connect(a, PATIENCE)):
        with pytest.raises(ConfigError, match=r"use chatnet\+tcp://example:5555, which is not encrypted") as refused:
            action(Address(TLS, "example", 5555))
        assert refused.value.code == ErrorCode.UNSUPPORTED


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ConfigError, match="carrier-pigeon") as refused:
        registry.connect(Address("carrier-pigeon", "home"), PATIENCE)
    assert refused.value.code == ErrorCode.UNSUPPORTED


def test_a_transport_of_a_third_party_is_used_for_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    network = MemoryNetwork()
    registry.register("carrier-pigeon", network.listen, network.connect)
    listener = registry.listen(Address("carrier-pigeon", "home"))
    client = registry.connect(Address("carrier-pigeon", "home"), PATIENCE)
    assert listener.accept() is not None
    client.close()
    listener.close()


def test_only_the_transport_that_is_needed_is_loaded() -> None:
    program = """
import sys
from chatnet.address import parse
from chatnet.transports import registry
assert not [name for name in sys.modules if name.startswith("chatnet.transports.") and "registry" not in name]
registry.listen(parse("chatnet+tcp://127.0.0.1:0")).close()
assert "chatnet.transports.tcp" in sys.modules
assert "chatnet.transports.unix" not in sys.modules
assert "chatnet.transports.memory" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
