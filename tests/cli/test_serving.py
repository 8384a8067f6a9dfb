"""What ``chatnet serve`` makes of its options and its configuration file, and what it says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from chatnet.address import DEFAULT_PORT, TLS, UNIX, Address, parse
from chatnet.client.enrolment import join
from chatnet.config import Config, default_binds
from chatnet.core.retention import KEEP_ALL, Keep
from chatnet.errors import ConfigError
from chatnet.net.folders import default_data_folder
from chatnet.net.pins import show_pin
from chatnet.server import Server
from chatnet_cli import serving
from chatnet_cli.failures import Failure
from chatnet_cli.serving import Options, _keep, configuration

DAY = 24 * 3600


def made(**given: Any) -> Config:
    return chosen(**given)[0]


def chosen(**given: Any) -> tuple[Config, bool]:
    nothing: dict[str, Any] = {
        "binds": (),
        "lan": False,
        "is_open": False,
        "data": None,
        "history": None,
        "keeps": (),
        "file": None,
        "certificate": None,
        "key": None,
    }
    return configuration(Options(**nothing | given))


def file(folder: Path, text: str) -> Path:
    path = folder / "chat.toml"
    path.write_text(text)
    return path


# -- where it listens -----------------------------------------------------------------------------------------


def test_told_nothing_it_listens_on_this_machine_and_keeps_everything() -> None:
    assert made() == Config(bind=default_binds(), data=default_data_folder(), keep=KEEP_ALL)


def test_for_the_local_network_it_listens_everywhere_and_encrypted() -> None:
    config, lan = chosen(lan=True)
    assert lan
    assert config.bind[0] in (Address(TLS, "::", DEFAULT_PORT), Address(TLS, "0.0.0.0", DEFAULT_PORT))
    assert all(address.scheme in (TLS, UNIX) for address in config.bind)


def test_for_the_local_network_it_may_listen_where_it_is_told_to() -> None:
    config, lan = chosen(lan=True, binds=("chatnet://0.0.0.0:6000", "chatnet+unix:///x"))
    assert lan
    assert config.bind == (Address(TLS, "0.0.0.0", 6000), Address(UNIX, path="/x"))


def test_an_option_counts_more_than_the_file(tmp_path: Path) -> None:
    path = file(tmp_path, 'bind = "chatnet://0.0.0.0:7"\nkeep = "9d"\nhistory = "none"\n[limits]\ntext = 5')
    assert made(file=path).bind == (parse("chatnet://0.0.0.0:7"),)
    assert made(file=path).data is None
    assert made(file=path).limits.text == 5
    config = made(file=path, binds=("chatnet://127.0.0.1:8",), keeps=("1d",), history="durable")
    assert (config.bind, config.keep) == ((parse("chatnet://127.0.0.1:8"),), Keep(DAY, {}))
    assert config.data == default_data_folder()
    assert made(file=path, lan=True).bind[0].port == DEFAULT_PORT


def test_the_file_alone_can_say_everything(tmp_path: Path) -> None:
    path = file(tmp_path, 'lan = true\nopen = true\ndata = "kept"\nkeep = "9d"')
    config, lan = chosen(file=path)
    assert lan
    assert (config.open, config.data, config.keep) == (True, tmp_path / "kept", Keep(9 * DAY, {}))
    assert not chosen(file=path, binds=("chatnet://127.0.0.1:8",))[1]
    assert made(file=path, history="none").data is None


def test_without_history_the_servers_key_is_kept_all_the_same() -> None:
    config = made(history="none")
    assert (config.data, config.identity) == (None, default_data_folder())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"history": "none", "data": Path("x")}, "--history none keeps nothing"),
        ({"lan": True, "binds": ("chatnet://localhost",)}, "--lan is for other machines"),
        ({"lan": True, "binds": ("chatnet+unix:///x",)}, "--lan is for other machines"),
    ],
)
def test_options_that_do_not_go_together(given: dict[str, Any], words: str) -> None:
    with pytest.raises(click.UsageError, match=words):
        made(**given)


def test_a_certificate_needs_its_key() -> None:
    with pytest.raises(ConfigError, match="go together"):
        made(certificate=Path("chain.pem"))
    assert made(certificate=Path("chain.pem"), key=Path("key.pem")).key == Path("key.pem")


def test_a_configuration_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="there is no configuration file"):
        made(file=tmp_path / "nowhere.toml")


# -- how long it keeps ----------------------------------------------------------------------------------------


def test_a_time_is_for_everything_and_room_times_for_rooms() -> None:
    assert _keep(("90d", "Random=7d", "lab=12h")) == Keep(90 * DAY, {"random": 7 * DAY, "lab": DAY // 2})


def test_without_it_everything_is_kept() -> None:
    assert _keep(()).is_for_ever


@pytest.mark.parametrize("text", ["", "long", "lab=", "=7d=", "lab=long", "90", "#lab=7d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError):
        _keep((text,))


# -- what it says ---------------------------------------------------------------------------------------------


EVERYWHERE = (parse("chatnet://0.0.0.0:0"),)
HERE = (parse("chatnet://127.0.0.1:0"),)


def what_it_says(capsys: pytest.CaptureFixture[str], config: Config) -> str:
    with Server(config) as server:
        serving.announce(server, as_json=False)
        assert server.pin is not None
        said = capsys.readouterr()
        assert (show_pin(server.pin) in said.err) == (config.bind == EVERYWHERE)
    return said.out + said.err


def test_on_its_own_machine_it_suggests_what_guests_can_try(capsys: pytest.CaptureFixture[str]) -> None:
    said = what_it_says(capsys, Config(bind=HERE))
    assert "listen --as bob" in said
    assert "Others" not in said


def test_to_others_it_tells_the_code_of_the_first_admin_and_its_fingerprint(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = what_it_says(capsys, Config(bind=EVERYWHERE))
    assert "  chatnet join " in said
    assert "Others reach this machine at" in said
    assert "--as" not in said


def test_an_open_server_tells_how_a_name_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    assert "  chatnet chat --server " in what_it_says(capsys, Config(bind=EVERYWHERE, open=True))


@pytest.mark.parametrize("bind", [HERE, EVERYWHERE])
def test_a_server_with_accounts_suggests_no_guests_and_has_no_code_any_more(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, bind: tuple[Address, ...]
) -> None:
    folder = tmp_path / "data"
    with Server(Config(bind=EVERYWHERE, data=folder)) as server:
        assert server.bootstrap_code is not None
        assert server.pin is not None
        place = replace(server.addresses[0], host="127.0.0.1")
        join(place, server.bootstrap_code, lambda _: "alice", timeout=10)
    said = what_it_says(capsys, Config(bind=bind, data=folder))
    assert "--as" not in said
    assert "chatnet join" not in said
    assert ("chatnet invite" in said) == (bind == EVERYWHERE)
