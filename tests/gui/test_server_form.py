"""The fields of the server window."""

from pathlib import Path

import pytest

from chatnet.errors import ErrorCode
from chatnet_gui.hosting import ServeOrder
from chatnet_gui.viewmodels.server_form import FormModel, show_folder
from chatnet_gui.viewmodels.server_settings import ServerSettings


def form(tmp_path: Path, **values: str) -> FormModel:
    made = FormModel(ServerSettings(data=str(tmp_path)))
    for field, value in values.items():
        made.set(field, value)
    return made


def test_an_empty_home_has_sensible_fields() -> None:
    made = FormModel(ServerSettings())
    assert (made.values["host"], made.values["port"]) == ("127.0.0.1", "5555")
    order = made.order()
    assert order is not None
    assert order.data.name == "server"
    assert (order.is_lan, order.is_open) == (False, False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("port", ""), ("port", "0"), ("port", "65536"), ("port", "55x"), ("port", "-1"),
        ("host", ""), ("host", "two words"), ("host", "http://x"), ("host", "a/b"), ("host", "a@b"),
        ("host", "1.2.3.4:80"), ("host", "host:80"),
        ("data", ""), ("data", "   "),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field_until_something_is_typed(tmp_path: Path, field: str, value: str) -> None:
    made = form(tmp_path, **{field: value})
    assert made.order() is None
    assert list(made.errors) == [field]
    made.set(field, "something else")
    assert made.errors == {}


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    made = form(tmp_path, data=str(tmp_path / "file"))
    assert made.order() is None
    assert made.errors == {"data": "This is a file, not a folder."}


def test_what_is_started_is_remembered(tmp_path: Path) -> None:
    settings = ServerSettings(data=str(tmp_path))
    made = FormModel(settings)
    made.set("host", " 192.168.1.20 ")
    made.set("port", " 6000 ")
    made.is_open = True
    assert made.order() == ServeOrder("192.168.1.20", 6000, tmp_path, is_open=True)
    assert (settings.host, settings.port, settings.is_open) == ("192.168.1.20", 6000, True)
    again = FormModel(settings)
    assert (again.values, again.is_open) == ({"host": "192.168.1.20", "port": "6000", "data": str(tmp_path)}, True)


@pytest.mark.parametrize(("typed", "host"), [("::1", "::1"), ("[::1]", "::1"), ("My-Box.lan", "my-box.lan")])
def test_an_address_may_be_written_in_several_ways(tmp_path: Path, typed: str, host: str) -> None:
    order = form(tmp_path, host=typed).order()
    assert order is not None
    assert order.host == host


def test_for_the_local_network_the_address_does_not_matter_and_is_kept(tmp_path: Path) -> None:
    settings = ServerSettings(data=str(tmp_path), host="10.0.0.7")
    made = FormModel(settings)
    made.set("host", "nonsense here")
    made.is_lan = True
    order = made.order()
    assert order is not None
    assert order.is_lan
    assert settings.host == "10.0.0.7"


def test_a_folder_may_be_written_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert form(tmp_path, data="~/chat").folder == tmp_path / "chat"
    settings = ServerSettings(data=str(tmp_path / "chat"))
    made = FormModel(settings)
    assert made.values["data"] == str(Path("~/chat"))
    assert made.order() is not None
    assert settings.data == str(tmp_path / "chat")
    assert show_folder(Path("/srv/chat")) == str(Path("/srv/chat"))


def test_another_folder_is_looked_for_near_the_first_one(tmp_path: Path) -> None:
    assert form(tmp_path, data=str(tmp_path / "not" / "yet")).nearest_folder == tmp_path


def test_a_port_that_only_administrators_may_use_is_about_the_port(tmp_path: Path) -> None:
    made = form(tmp_path, port="80")
    made.failed(ErrorCode.CANNOT_LISTEN, "cannot listen at chatnet://127.0.0.1:80: no permission")
    assert list(made.errors) == ["port"]
