"""Addresses: there and back, and clear words for what is none."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.address import DEFAULT_PORT, MEMORY, TCP, TLS, UNIX, Address, is_loopback, parse
from chatnet.errors import ConfigError, ErrorCode

names = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True)
hosts = names | st.ip_addresses().map(str)
paths = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).map("/".__add__)
addresses = (
    st.builds(Address, st.sampled_from([TLS, TCP, "chatnet+other"]), hosts, st.integers(0, 65535))
    | st.builds(Address, st.just(UNIX), path=paths)
    | st.builds(Address, st.just(MEMORY), names)
)


@given(addresses)
def test_an_address_reads_back_as_it_was_written(address: Address) -> None:
    assert parse(str(address)) == address


@given(st.text() | st.text("chatnet+tcpunixmemory:/[]@%?#. 0195", max_size=40).map("chatnet".__add__))
def test_any_text_is_an_address_or_a_clear_error(text: str) -> None:
    error, address = None, None
    try:
        address = parse(text)
    except ConfigError as raised:
        error = raised
    if error is not None:
        assert error.code == ErrorCode.BAD_ADDRESS
        assert "\n" not in error.message
    else:
        assert parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("chatnet://example.org", Address(TLS, "example.org", DEFAULT_PORT)),
        ("chatnet://example.org/", Address(TLS, "example.org", DEFAULT_PORT)),
        ("chatnet+tcp://localhost:0", Address(TCP, "localhost", 0)),
        ("chatnet+tcp://[::1]:7", Address(TCP, "::1", 7)),
        ("chatnet+tcp://Example.ORG:1", Address(TCP, "example.org", 1)),
        ("chatnet+unix:///run/chat", Address(UNIX, path="/run/chat")),
        ("chatnet+unix:///a%20b", Address(UNIX, path="/a b")),
        ("chatnet+memory://one", Address(MEMORY, "one")),
    ],
)
def test_what_people_write(text: str, address: Address) -> None:
    assert parse(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "localhost:5555",
        "http://localhost",
        "chatnet:localhost",
        "chatnet+tcp:/localhost",
        "chatnet+tcp://",
        "chatnet+tcp://:5555",
        "chatnet+tcp://localhost:65536",
        "chatnet+tcp://localhost:port",
        "chatnet+tcp://localhost/path",
        "chatnet+tcp://localhost?a=b",
        "chatnet+tcp://localhost#a",
        "chatnet+tcp://me@localhost",
        "chatnet+tcp://me:word@localhost",
        "chatnet+tcp://[::1",
        "chatnet+unix://host/path",
        "chatnet+unix:///",
        "chatnet+unix://",
        "chatnet+unix:///a%00b",
        "chatnet+memory://",
        "chatnet+://host",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a chatnet address"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "is_local"),
    [
        ("chatnet+tcp://localhost", True),
        ("chatnet+tcp://127.0.0.1", True),
        ("chatnet+tcp://127.1.2.3", True),
        ("chatnet+tcp://[::1]", True),
        ("chatnet+tcp://[::ffff:127.0.0.1]", True),
        ("chatnet+unix:///run/chat", True),
        ("chatnet+memory://one", True),
        ("chatnet+tcp://0.0.0.0", False),
        ("chatnet+tcp://[::]", False),
        ("chatnet+tcp://10.0.0.1", False),
        ("chatnet+tcp://127.example.org", False),
        ("chatnet+tcp://localhost.example.org", False),
    ],
)
def test_what_only_this_machine_reaches(text: str, is_local: bool) -> None:
    assert parse(text).is_local == is_local


@given(st.ip_addresses())
def test_the_loopback_range_is_what_the_standards_say(address: IPv4Address | IPv6Address) -> None:
    assert is_loopback(str(address)) == address.is_loopback
