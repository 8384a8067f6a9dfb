"""A list with nothing in it says so on stderr, keeps stdout empty for scripts, and ends with 1."""

import pytest

from tests.e2e.processes import Chatnet
from tests.e2e.test_accounts import Site


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["profiles"], "no profiles yet"),
        (["profiles", "--json"], "no profiles yet"),
        (["outbox"], "nothing waits"),
        (["outbox", "--json"], "nothing waits"),
        (["files"], "no files"),
        (["files", "--room", "lobby", "--json"], "no files"),
    ],
)
def test_what_is_empty_is_said_to_be(chatnet: Chatnet, args: list[str], words: str) -> None:
    done = chatnet.run(*args)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_account_without_tokens_is_said_to_have_none(tmp_path_factory: pytest.TempPathFactory) -> None:
    site = Site(tmp_path_factory.mktemp("s"))
    try:
        assert site.owner.run("admin", "add-user", "bot").returncode == 0
        done = site.owner.run("admin", "tokens", "--user", "bot")
        assert (done.returncode, done.stdout, done.stderr) == (1, "", "chatnet: no tokens\n")
    finally:
        site.end()
