"""`chatnet admin stats` over real processes: one look, a line a second, a table, and who may not."""

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.e2e.test_accounts import Site, outcome


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server whose owner is admin, and `alice`, a member, on another machine."""
    site = Site(tmp_path_factory.mktemp("s"))
    try:
        site.join(site.guest, "alice")
        yield site
    finally:
        site.end()


def test_one_look_has_what_was_said_and_who_is_there(site: Site) -> None:
    before = site.ok(site.owner, "admin", "stats", "--json")
    assert outcome(site.guest.run("send", "--room", "lobby", "hi all")) == (0, "")
    after = site.ok(site.owner, "admin", "stats", "--json")
    assert after["messages"] == int(str(before["messages"])) + 1
    assert int(str(after["received_bytes"])) > int(str(before["received_bytes"]))
    assert (after["sessions"], after["users"], after["history"]) == (1, 1, "durable")
    assert site.url in after["addresses"]  # type: ignore[operator]
    assert int(str(after["stored_bytes"])) > 0
    assert after["started"] == before["started"]
    done = site.owner.run("admin", "stats")
    assert outcome(done) == (0, "")
    assert f"messages     {after['messages']} since the start" in done.stdout
    assert len(done.stdout.splitlines()) < 24


def test_every_second_is_a_line_until_ctrl_c(site: Site) -> None:
    following = site.owner.start("admin", "stats", "--follow", "--json")
    first = json.loads(following.out.next())
    listener = site.guest.listen("alice")
    for _ in range(3):
        site.guest.run("send", "--room", "lobby", "hi")
    found = [first]
    while sum(line["per_second"]["messages"] for line in found) < 2.5:
        found.append(json.loads(following.out.next()))
    times = [line["time_ms"] for line in found]
    assert all(800 < after - before < 5000 for before, after in pairwise(times))
    assert sum(line["per_second"]["deliveries"] for line in found) > 2
    assert found[-1]["connections"] >= 2
    assert following.interrupt() == 130
    assert following.err.rest() == []
    listener.end()


def test_lines_for_people_have_a_head_and_end_with_their_reader(site: Site) -> None:
    following = site.owner.start("admin", "stats", "--follow")
    head, line = following.out.next(), following.out.next()
    assert head.split()[0] == "time"
    assert len(line) == len(head)
    assert following.interrupt() == 130


def test_connections_are_listed(site: Site) -> None:
    listener = site.guest.listen("alice")
    done = site.owner.run("admin", "stats", "--connections")
    assert outcome(done) == (0, "")
    head, *rows = done.stdout.splitlines()
    assert head.split()[:3] == ["NAME", "ADDRESS", "BY"]
    (row,) = [row for row in rows if row.startswith("alice ")]
    assert " tls " in row
    assert " 127.0.0.1:" in row
    done = site.owner.run("admin", "stats", "--connections", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [connection["transport"] for connection in found if connection["user"]["name"] == "alice"] == ["tls"]
    assert len(found) == len(rows)
    listener.end()


def test_only_admins_may_look_and_one_thing_at_a_time(site: Site) -> None:
    for option in ("--follow", "--connections", "--json"):
        done = site.guest.run("admin", "stats", option)
        assert done.returncode == 77
        assert done.stdout == ""
        assert "only admins may do that" in done.stderr
    done = site.owner.run("admin", "stats", "--follow", "--connections")
    assert done.returncode == 64
    assert "either --follow or --connections" in done.stderr
