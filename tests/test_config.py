"""What a server accepts to be told."""

import dataclasses

import pytest

from chatnet import config
from chatnet.address import TLS, UNIX, Address, parse
from chatnet.config import Config, default_binds
from chatnet.errors import ConfigError, ErrorCode


def test_a_server_that_is_told_nothing_listens_only_on_this_machine() -> None:
    told_nothing = Config()
    assert told_nothing.bind[0] == Address(TLS, host="127.0.0.1", port=5555)
    assert all(address.is_local for address in told_nothing.bind)
    assert not told_nothing.open
    assert told_nothing.data is None


def test_by_default_there_is_a_local_socket_where_there_can_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "has_unix_sockets", lambda: True)
    monkeypatch.setattr(config, "local_socket_path", lambda: "/somewhere/chatnet.sock")
    assert default_binds()[1:] == (Address(UNIX, path="/somewhere/chatnet.sock"),)
    monkeypatch.setattr(config, "has_unix_sockets", lambda: False)
    assert default_binds()[1:] == ()


@pytest.mark.parametrize("address", ["chatnet+tcp://0.0.0.0", "chatnet+tcp://[::]:5555", "chatnet+tcp://192.168.1.7"])
def test_plain_text_to_other_machines_has_to_be_asked_for(address: str) -> None:
    with pytest.raises(ConfigError, match="--open") as caught:
        Config(bind=(parse(address),))
    assert caught.value.code == ErrorCode.BAD_OPTION
    assert Config(bind=(parse(address),), open=True).bind == (parse(address),)


@pytest.mark.parametrize(
    "address",
    [
        "chatnet+tcp://localhost",
        "chatnet+tcp://127.0.0.2:0",
        "chatnet+tcp://[::1]:1",
        "chatnet+unix:///x",
        "chatnet://x",
    ],
)
def test_local_and_encrypted_addresses_need_no_permission(address: str) -> None:
    assert Config(bind=(parse(address),)).bind == (parse(address),)


def test_one_bad_address_among_good_ones_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"192\.168\.1\.7"):
        Config(bind=(parse("chatnet+tcp://localhost"), parse("chatnet+tcp://192.168.1.7")))


def test_a_server_without_an_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one address"):
        Config(bind=())


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().open = True  # type: ignore[misc]
