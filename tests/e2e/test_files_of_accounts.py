"""Files of accounts, over TLS: tokens that may only send, private rooms, admins, and several machines."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import Chatnet
from tests.e2e.test_accounts import Site

CONTENT = b"1;2;3\n" * 50_000


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("s"))
    try:
        site.join(site.guest, "alice")
        yield site
    finally:
        site.end()


@pytest.fixture
def table(site: Site) -> Path:
    path = site.guest.home / "table.csv"
    path.write_bytes(CONTENT)
    return path


def listed(who: Chatnet, *where: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in who.run("files", *where, "--json").stdout.splitlines()]


def test_a_script_with_a_token_for_sending_sends_files_and_sees_none(site: Site, table: Path) -> None:
    token = str(site.guest.home / "token")
    assert site.guest.run("admin", "token", "--send-only", "--label", "ci", "--to-file", token).returncode == 0
    script = Chatnet(site.guest.home)
    script.environment |= {"CHATNET_TOKEN_FILE": token, "CHATNET_SERVER": site.url}
    sent = script.run("send", "--room", "lobby", "--file", str(table), "nightly")
    assert sent.returncode == 0, sent
    piped = script.run("send", "--room", "lobby", "--file", "-", "--name", "pipe", stdin=CONTENT)
    assert piped.returncode == 0, piped
    for _ in range(2):
        assert script.run("upload", "--room", "lobby", "-q", str(table)).returncode == 0
    assert [file["name"] for file in listed(site.owner, "--room", "lobby")] == ["table.csv"] * 2 + ["pipe", "table.csv"]
    for args in (["files"], ["download", "1"], ["files", "remove", "1"]):
        assert script.run(*args).returncode == 77


def test_what_is_shared_in_a_private_room_is_for_those_who_may_read_it(site: Site, table: Path) -> None:
    alice, owner = site.guest, site.owner
    assert owner.run("rooms", "create", "board").returncode == 0
    assert owner.run("rooms", "private", "board").returncode == 0
    assert owner.run("upload", "--room", "board", str(table)).returncode == 0
    assert listed(alice) == []
    assert alice.run("download", "1").returncode == 67
    assert alice.run("upload", "--room", "board", str(table)).returncode == 67
    assert owner.run("rooms", "invite", "board", "alice").returncode == 0
    copy = alice.home / "copy.csv"
    assert alice.run("download", "1", "-o", str(copy)).returncode == 0
    assert copy.read_bytes() == CONTENT
    assert owner.run("rooms", "ban", "board", "alice").returncode == 0
    assert alice.run("download", "1").returncode in (67, 77)


def test_an_admin_removes_what_others_have_shared(site: Site, table: Path) -> None:
    assert site.guest.run("upload", "--room", "lobby", str(table)).returncode == 0
    assert site.owner.run("files", "remove", "1").returncode == 0
    assert site.guest.run("files").returncode == 1
    assert "remove-file alice in room 1  (file 1: table.csv)" in site.owner.run("admin", "audit").stdout


def test_the_same_content_once_more_needs_no_bytes_from_anybody_who_has_it(site: Site, table: Path) -> None:
    assert site.guest.run("upload", "--room", "lobby", str(table)).returncode == 0
    assert site.owner.run("upload", "--room", "lobby", str(table)).returncode == 0
    first, second = listed(site.owner, "--room", "lobby")
    assert first["sha256"] == second["sha256"]
    assert first["id"] != second["id"]
    assert len([path for path in (site.owner.home).rglob("content/**/*") if path.is_file()]) == 1
