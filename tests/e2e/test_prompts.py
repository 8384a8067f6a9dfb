"""The questions that commands ask at a terminal, and what comes of the answers."""

from collections.abc import Iterator

import pytest

pytest.importorskip("termios", reason="needs a pseudo-terminal")

from tests.e2e.hostile import Screen
from tests.e2e.processes import Chatnet
from tests.e2e.test_accounts import Site, profiles


@pytest.fixture
def encrypted(alone: Chatnet) -> Chatnet:
    """A user whose commands talk to a server that is not known yet."""
    alone.serve(bind="chatnet://127.0.0.1:0")
    return alone


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("s"))
    try:
        yield site
    finally:
        site.end()


def test_a_server_that_is_trusted_once_is_not_asked_about_again(encrypted: Chatnet) -> None:
    with Screen(encrypted, "who", "--as", "bob") as screen:
        screen.until("sha256:").until("[y/N]")
        screen.type("y\n")
        assert screen.finish().split()[-1] == "bob"
        assert screen.popen.returncode == 0
    assert encrypted.run("who", "--as", "bob").stdout == "bob\n"


@pytest.mark.parametrize("answer", ["", "n", "sure"])
def test_a_server_that_is_not_trusted_is_not_talked_to(encrypted: Chatnet, answer: str) -> None:
    with Screen(encrypted, "who", "--as", "bob") as screen:
        screen.until("[y/N]")
        screen.type(f"{answer}\n")
        screen.finish()
        assert screen.popen.returncode == 77
    assert encrypted.run("who", "--as", "bob").returncode == 77


def test_a_question_that_is_interrupted_ends_with_130(encrypted: Chatnet) -> None:
    with Screen(encrypted, "who", "--as", "bob") as screen:
        screen.until("[y/N]")
        screen.type("\x04")
        screen.finish()
        assert screen.popen.returncode == 130


def test_join_asks_for_a_name_until_one_is_free(site: Site) -> None:
    code = site.code()
    site.ok(site.owner, "admin", "add-user", "alice", "--json")
    with Screen(site.guest, "join", site.host, code) as screen:
        screen.until("Your name at")
        screen.type("alice\n")
        screen.until("Another name")
        screen.type("no good\n")
        screen.until("Another name")
        screen.type("bob\n")
        screen.finish()
        assert screen.popen.returncode == 0
    assert [profile["user"] for profile in profiles(site.guest)] == ["bob"]


def test_passwords_are_asked_for_and_never_shown(site: Site) -> None:
    site.join(site.guest, "alice")
    with Screen(site.guest, "passwd") as screen:
        screen.until("Old password")
        screen.type("\n")
        screen.until("New password")
        screen.type("correct horse\n")
        screen.until("once more")
        screen.type("correct hoarse\n")
        screen.until("They differ")
        screen.until("New password")
        screen.type("correct horse\n")
        screen.until("once more")
        screen.type("correct horse\n")
        shown = screen.finish()
        assert screen.popen.returncode == 0
    assert "horse" not in shown
    assert site.guest.run("logout").returncode == 0
    assert site.guest.run("trust", site.host, site.listening["pin"]).returncode == 0
    with Screen(site.guest, "login", site.host) as screen:
        screen.until("Your name at")
        screen.type("alice\n")
        screen.until("Password")
        screen.type("correct horse\n")
        shown = screen.finish()
        assert screen.popen.returncode == 0
    assert "horse" not in shown
    assert [profile["user"] for profile in profiles(site.guest)] == ["alice"]
