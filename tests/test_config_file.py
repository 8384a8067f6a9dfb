"""A server's configuration file."""

import dataclasses
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.address import parse
from chatnet.config_file import Settings, load_settings
from chatnet.core.limits import GIB, MIB, Limits
from chatnet.core.retention import Keep
from chatnet.errors import ConfigError, ErrorCode


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "chatnet.toml"


def settings(file: Path, text: str) -> Settings:
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


def complaint(file: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        settings(file, text)
    assert caught.value.code == ErrorCode.BAD_OPTION
    assert str(file) in caught.value.message
    return caught.value.message


def test_an_empty_file_says_nothing(file: Path) -> None:
    assert settings(file, "") == Settings()


def test_everything_can_be_set(file: Path) -> None:
    text = """
        bind = ["chatnet://0.0.0.0:5555", "chatnet+unix:///run/chat/s"]
        lan = true
        open = false
        data = "rooms"
        history = "durable"
        keep = {everywhere = "90d", Random = "7d"}
        certificate = "/etc/ssl/chat.pem"
        key = "private/chat.key"
        [limits]
        text = "32 KiB"
    """
    folder = file.parent
    assert settings(file, text) == Settings(
        bind=(parse("chatnet://0.0.0.0:5555"), parse("chatnet+unix:///run/chat/s")),
        lan=True,
        open=False,
        data=folder / "rooms",
        history="durable",
        keep=Keep(90 * 86400, {"random": 7 * 86400}),
        certificate=Path("/etc/ssl/chat.pem"),
        key=folder / "private" / "chat.key",
        limits=Limits(text=32 * 1024),
    )


def test_one_address_and_one_time_need_no_list(file: Path) -> None:
    found = settings(file, 'bind = "chatnet://[::]"\nkeep = "12h"')
    assert found.bind == (parse("chatnet://[::]"),)
    assert found.keep == Keep(12 * 3600, {})


def test_limits_of_files_may_have_units(file: Path) -> None:
    text = """
        [limits]
        file = "4 GiB"
        files_per_user = "100 GiB"
        files_per_guest = "64 MiB"
        files = 500
        disk_reserve = "1 GiB"
        transfers = 8
        transfers_per_session = 2
        upload_seconds = "2d"
        unposted_seconds = "1h"
    """
    assert settings(file, text).limits == Limits(
        file=4 * GIB,
        files_per_user=100 * GIB,
        files_per_guest=64 * MIB,
        files=500,
        disk_reserve=GIB,
        transfers=8,
        transfers_per_session=2,
        upload_seconds=2 * 86400,
        unposted_seconds=3600,
    )


@pytest.mark.parametrize("limit", [limit.name for limit in dataclasses.fields(Limits)])
def test_every_limit_can_be_set(file: Path, limit: str) -> None:
    found = settings(file, f"[limits]\n{limit} = 7").limits
    assert getattr(found, limit) == 7
    assert dataclasses.replace(found, **{limit: getattr(Limits(), limit)}) == Limits()


@pytest.mark.parametrize(
    ("line", "limit", "value"),
    [('text = "64 KiB"', "text", 65536), ('silence_seconds = "2m"', "silence_seconds", 120.0)],
)
def test_a_limit_may_have_a_unit(file: Path, line: str, limit: str, value: float) -> None:
    assert getattr(settings(file, f"[limits]\n{line}").limits, limit) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("opne = true", "opne: there is no such setting; did you mean 'open'?"),
        ("zzz = 1", "zzz: there is no such setting; there are: bind, "),
        ("[limits]\ntxt = 5", "limits.txt: there is no such setting; did you mean 'text'?"),
        ("limits = 5", "limits: write a table"),
        ('open = "yes"', "open: write true or false"),
        ("bind = []", "bind: give addresses"),
        ("bind = [5]", "bind: give addresses"),
        ('bind = "0.0.0.0"', "bind: '0.0.0.0' is not a chatnet address"),
        ("data = 5", "data: write a path"),
        ('data = ""', "data: write a path"),
        ('history = "some"', "history: write"),
        ('history = ["none"]', "history: write"),
        ('keep = "long"', "keep.everywhere: 'long' is not a span of time"),
        ("keep = {lab = 5}", "keep.lab: 5 is not a span of time"),
        ("[limits]\ntext = 0", "limits.text: 0 is not a number above 0"),
        ("[limits]\ntext = true", "limits.text: True is not a number above 0"),
        ("[limits]\ntext = nan", "limits.text: nan is not a number above 0"),
        ("[limits]\npost_burst = inf", "limits.post_burst: inf is not a number above 0"),
        ("[limits]\ntext = 1.5", "limits.text: 1.5 is not a whole number"),
        ('[limits]\ntext = "5 kg"', "limits.text: '5 kg' is not a number"),
        ('[limits]\nsilence_seconds = "5 KiB"', "limits.silence_seconds: '5 KiB' is not a number"),
        ("open = ", "is not a TOML file"),
        ("a = " + "[" * 5000, "is not a TOML file"),
    ],
)
def test_what_makes_no_sense_is_said_with_its_place(file: Path, text: str, words: str) -> None:
    assert words in complaint(file, text)


def test_a_file_that_is_no_text_or_huge_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not a TOML file"):
        load_settings(file)
    file.write_bytes(b"#" * (1 << 20) + b"#")
    with pytest.raises(ConfigError, match="too large"):
        load_settings(file)


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_settings(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigError, match="cannot read"):
        load_settings(tmp_path)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(ConfigError):
        load_settings(file)
