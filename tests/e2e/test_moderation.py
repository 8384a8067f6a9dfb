"""Order over real processes: who may do what to whom, what the other one hears of it, and what is recorded."""

import json
import re
from collections.abc import Iterator

import click
import pytest

from chatnet_cli.admin import command as admin_group
from tests.e2e.processes import Chatnet
from tests.e2e.test_accounts import Site, outcome

_WITH_THE_DATA = ("backup", "check")
"""These go to the folder, not to the server."""


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server whose owner is admin, and `alice`, a member, on another machine."""
    site = Site(tmp_path_factory.mktemp("s"))
    try:
        site.join(site.guest, "alice")
        yield site
    finally:
        site.end()


def lines(user: Chatnet, *args: str) -> list[str]:
    done = user.run(*args)
    assert outcome(done) == (0, ""), done
    return done.stdout.splitlines()


def does(user: Chatnet, *args: str) -> None:
    assert lines(user, *args) == []


MEMBERS_CANNOT = {
    "users": [],
    "add-user": ["carol"],
    "remove-user": ["alice2"],
    "role": ["alice", "admin"],
    "password": ["alice2", "--password-stdin"],
    "tokens": ["--user", "alice2"],
    "token": ["--label", "x", "--user", "alice2"],
    "revoke": ["1"],
    "kick": ["alice2"],
    "ban": ["alice2"],
    "unban": ["alice2"],
    "mute": ["alice2"],
    "unmute": ["alice2"],
    "bans": [],
    "audit": [],
    "stats": [],
}


def test_a_member_is_refused_every_command_of_an_admin(site: Site) -> None:
    assert [*MEMBERS_CANNOT, *_WITH_THE_DATA] == admin_group.list_commands(click.Context(admin_group))
    site.ok(site.owner, "admin", "add-user", "alice2", "--json")
    other = site.ok(site.owner, "admin", "token", "--label", "mine", "--user", "alice2", "--json")["token"]
    commands = [["admin", name, *args] for name, args in MEMBERS_CANNOT.items() if name != "revoke"]
    commands += [["admin", "revoke", str(other)], ["invite"], ["invite", "--list"], ["invite", "--revoke", "7KQM"]]
    for args in commands:
        done = site.guest.run(*args, stdin=b"correct horse\n")
        # Of others' tokens one is not even told whether they exist.
        assert done.returncode == (67 if "revoke" in args else 77), (args, done)
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) <= 2
    assert [json.loads(line)["role"] for line in lines(site.owner, "admin", "users", "--json")].count("admin") == 1


def test_an_admin_makes_another_one_who_may_do_the_same(site: Site) -> None:
    does(site.owner, "admin", "role", "alice", "admin")
    assert "alice  admin" in lines(site.guest, "admin", "users")
    does(site.guest, "admin", "role", "alice", "member")
    assert site.guest.run("admin", "users").returncode == 77
    assert site.owner.run("admin", "role", "nobody-here", "admin").returncode == 67


def test_a_password_from_an_admin_logs_its_owner_out(site: Site) -> None:
    done = site.owner.run("admin", "password", "alice", "--password-stdin", stdin=b"correct horse\n")
    assert outcome(done) == (0, "")
    assert site.guest.run("who").returncode == 77
    again = site.guest.run("login", "--name", "alice", "--password-stdin", stdin=b"correct horse\n")
    assert again.returncode == 0
    assert lines(site.guest, "who") == ["alice"]


def test_an_account_that_is_removed_is_gone(site: Site) -> None:
    does(site.owner, "admin", "remove-user", "alice")
    assert site.guest.run("who").returncode == 77
    assert site.owner.run("admin", "remove-user", "alice").returncode == 67


def test_who_is_kicked_hears_why_and_may_come_back(site: Site) -> None:
    listening = site.guest.listen("alice")
    does(site.owner, "admin", "kick", "alice", "--reason", "off topic")
    assert "off topic" in listening.err.until("not connected")
    listening.err.until("connected again")
    assert lines(site.guest, "who") == ["alice"]


def test_who_is_banned_stays_out_until_it_ends(site: Site) -> None:
    does(site.owner, "admin", "ban", "alice", "--for", "1d", "--reason", "spam")
    (ban,) = [json.loads(line) for line in lines(site.owner, "admin", "bans", "--json")]
    assert (ban["name"], ban["act"], ban["reason"]) == ("alice", "ban", "spam")
    assert ban["until_ms"] - ban["time_ms"] == 24 * 60 * 60 * 1000
    assert site.guest.run("send", "--to", "alice", "hi").returncode == 77
    does(site.owner, "admin", "unban", "alice")
    assert site.owner.run("admin", "bans").returncode == 1
    does(site.guest, "send", "--to", "alice", "hi")


def test_who_is_muted_reads_and_says_nothing(site: Site) -> None:
    does(site.owner, "admin", "mute", "alice", "--for", "10m")
    done = site.guest.run("send", "--room", "lobby", "hi")
    assert done.returncode == 77
    assert site.guest.run("history", "--room", "lobby").returncode in (0, 1)
    assert re.fullmatch(r"alice  mute  until \d{4}-\d\d-\d\d \d\d:\d\d", lines(site.owner, "admin", "bans")[0])
    does(site.owner, "admin", "unmute", "alice")
    does(site.guest, "send", "--room", "lobby", "hi")


def test_a_private_room_is_for_those_who_are_invited(site: Site) -> None:
    does(site.owner, "rooms", "create", "ops")
    does(site.owner, "rooms", "topic", "ops", "Friday: release")
    assert any(line.endswith("Friday: release") for line in lines(site.guest, "rooms"))
    does(site.owner, "rooms", "private", "ops")
    assert not any(line.startswith("ops") for line in lines(site.guest, "rooms"))
    assert site.guest.run("send", "--room", "ops", "hi").returncode == 67
    does(site.owner, "rooms", "invite", "ops", "alice")
    listening = site.guest.start("listen", "--room", "ops")
    listening.err.until("listening")
    assert "alice  member  online" in lines(site.owner, "rooms", "members", "ops")
    does(site.guest, "send", "--room", "ops", "hi")
    assert "hi" in listening.out.next()
    does(site.owner, "rooms", "uninvite", "ops", "alice")
    assert site.guest.run("send", "--room", "ops", "hi").returncode == 67
    does(site.owner, "rooms", "public", "ops")
    does(site.guest, "send", "--room", "ops", "hi")


def test_a_room_is_renamed_unless_the_name_is_taken(site: Site) -> None:
    does(site.owner, "rooms", "create", "ops")
    does(site.owner, "rooms", "create", "dev")
    assert site.owner.run("rooms", "rename", "ops", "dev").returncode == 73
    does(site.owner, "rooms", "rename", "ops", "operations")
    assert site.guest.run("rooms", "rename", "operations", "mine").returncode == 77
    assert sorted(json.loads(line)["room"] for line in lines(site.guest, "rooms", "--json")) == [
        "dev",
        "lobby",
        "operations",
    ]


def test_a_moderator_keeps_order_in_one_room_and_nowhere_else(site: Site) -> None:
    site.join(site.guest, "bob")
    does(site.owner, "rooms", "create", "ops")
    for name in ("alice", "bob"):
        joined = site.guest.start("listen", "--as", name, "--room", "ops")
        joined.err.until("listening")
    does(site.owner, "rooms", "promote", "ops", "alice")
    does(site.guest, "rooms", "mute", "ops", "bob", "--for", "10m", "--reason", "too loud")
    assert site.guest.run("send", "--as", "bob", "--room", "ops", "hey").returncode == 77
    does(site.guest, "send", "--as", "bob", "--room", "lobby", "hey")
    (mute,) = [json.loads(line) for line in lines(site.guest, "rooms", "bans", "ops", "--json")]
    assert (mute["name"], mute["act"], mute["reason"]) == ("bob", "mute", "too loud")
    assert site.guest.run("rooms", "bans", "ops", "--as", "bob").returncode == 77
    does(site.guest, "rooms", "unmute", "ops", "bob")
    does(site.guest, "rooms", "ban", "ops", "bob")
    assert site.guest.run("rooms", "kick", "ops", "alice", "--as", "bob").returncode == 77
    does(site.guest, "rooms", "unban", "ops", "bob")
    assert site.guest.run("rooms", "pass-on", "ops", "alice").returncode == 77
    does(site.owner, "rooms", "pass-on", "ops", "alice")
    assert "alice  owner  online" in lines(site.owner, "rooms", "members", "ops")


def test_all_that_was_done_is_recorded_in_its_order(site: Site) -> None:
    does(site.owner, "rooms", "create", "ops")
    does(site.owner, "rooms", "mute", "ops", "alice", "--reason", "too loud")
    does(site.owner, "admin", "ban", "alice")
    does(site.owner, "admin", "unban", "alice")
    deeds = [json.loads(line) for line in lines(site.owner, "admin", "audit", "--json")]
    assert [(deed["act"], deed["subject"]) for deed in deeds][-3:] == [
        ("mute", "alice"),
        ("ban", "alice"),
        ("unban", "alice"),
    ]
    assert deeds[-3]["conversation"]
    assert "too loud" in deeds[-3]["detail"]
    assert [deed["act"] for deed in deeds[:3]] == ["register", "create-invitation", "register"]
    assert [deed["id"] for deed in deeds] == sorted(deed["id"] for deed in deeds)
    assert lines(site.owner, "admin", "audit", "--limit", "1")[0].endswith("unban alice")
