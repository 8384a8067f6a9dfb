"""Addresses find their transport."""

import subprocess
import sys
from pathlib import Path

import pytest

from chatnet.address import MEMORY, TLS, Address, parse
from chatnet.errors import ConfigError, ErrorCode, TrustError
from chatnet.net.certificates import own_certificates
from chatnet.net.platform import new_selector
from chatnet.net.trust import Pinned
from chatnet.testing.transport_conformance import PATIENCE, Pair, establish, read_exactly, wait, write
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


def test_tls_needs_a_certificate_to_listen_with() -> None:
    with pytest.raises(ConfigError, match="has no certificate") as refused:
        registry.listen(Address(TLS, "127.0.0.1", 0))
    assert refused.value.code == ErrorCode.UNSUPPORTED


def test_a_tls_address_is_opened_and_connected_to(tmp_path: Path) -> None:
    certificates = own_certificates(tmp_path)
    listener = registry.listen(Address(TLS, "127.0.0.1", 0), certificates)
    client = registry.connect(listener.address, PATIENCE, Pinned(certificates.current.pin))
    with new_selector() as selector:
        assert wait(selector, listener.selectable, 1)
        server = listener.accept()
        assert server is not None
        pair = Pair(client, server, selector)
        establish(pair)
        write(pair, client, b"hello")
        assert read_exactly(pair, server, 5) == b"hello"
    for end in (client, server, listener):
        end.close()


def test_without_more_knowledge_a_tls_server_needs_an_authority(tmp_path: Path) -> None:
    listener = registry.listen(Address(TLS, "127.0.0.1", 0), own_certificates(tmp_path))
    client = registry.connect(listener.address, PATIENCE)
    with new_selector() as selector:
        assert wait(selector, listener.selectable, 1)
        server = listener.accept()
        assert server is not None
        with pytest.raises(TrustError, match="self-signed") as refused:
            establish(Pair(client, server, selector))
    assert refused.value.code == ErrorCode.UNTRUSTED
    for end in (client, server, listener):
        end.close()


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
assert "chatnet.transports.tls" not in sys.modules
assert "ssl" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
