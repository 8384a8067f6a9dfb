"""Accounts over real processes: codes, profiles, passwords, tokens, and who is let in without any of them."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatnet.net.platform import SYSTEM_SOCKET_FOLDER, has_unix_sockets
from tests.e2e.processes import DEADLINE, Chatnet, Process


class Site:
    """Two machines: one with a server and its owner, and one whose user has never seen it."""

    def __init__(self, folder: Path) -> None:
        (folder / "one").mkdir()
        (folder / "two").mkdir()
        self.owner, self.guest = Chatnet(folder / "one"), Chatnet(folder / "two")
        self._local: list[str] = []
        if has_unix_sockets():
            self.owner.environment["CHATNET_SERVER"] = f"chatnet+unix://{folder}/s.sock"
            self._local = ["--bind", self.owner.environment["CHATNET_SERVER"]]
        # Elsewhere the owner finds the server by the private file in its data folder.
        self.url = "chatnet://127.0.0.1:0"
        self.server, self.listening = self.serve()
        self.url = self.listening["addresses"][0]
        self.host = self.url.removeprefix("chatnet://")

    def serve(self) -> tuple[Process, dict[str, Any]]:
        """Start the server, once more at the same address; what it says of itself."""
        server = self.owner.start("serve", "--bind", self.url, *self._local, "--json")
        return server, json.loads(server.out.next())

    def code(self, *options: str) -> str:
        """A new join code."""
        return str(self.ok(self.owner, "invite", "--json", *options)["code"])

    def ok(self, who: Chatnet, *args: str, stdin: bytes = b"") -> dict[str, object]:
        """Run a command that prints one object."""
        done = who.run(*args, stdin=stdin)
        assert (done.returncode, done.stderr) == (0, ""), done
        found: dict[str, object] = json.loads(done.stdout)
        return found

    def join(self, who: Chatnet, name: str) -> None:
        """Make an account, with a profile."""
        self.ok(who, "join", self.host, self.code(), "--name", name, "--json")

    def end(self) -> None:
        self.guest.end()
        self.owner.end()


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    # A unix socket's path is short, so not tmp_path, which has the test's name in it.
    site = Site(tmp_path_factory.mktemp("s"))
    try:
        yield site
    finally:
        site.end()


def outcome(done: "subprocess.CompletedProcess[str]") -> tuple[int, str]:
    return done.returncode, done.stderr


def profiles(user: Chatnet) -> list[dict[str, object]]:
    return [json.loads(line) for line in user.run("profiles", "--json").stdout.splitlines()]


# -- two machines ---------------------------------------------------------------------------------------------


def test_from_nothing_to_two_machines_that_talk(site: Site) -> None:
    line = site.owner.run("invite", "--address", site.host).stdout.split()
    assert line[:3] == ["chatnet", "join", site.host]
    assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){2}", line[3])
    joined = site.guest.run(*line[1:], "--name", "alice")
    assert joined.returncode == 0
    assert joined.stdout == f"You are alice at {site.host}\n"
    assert "chatnet send --to alice" in joined.stderr
    assert site.guest.run("send", "--to", "alice", "hi").returncode == 0
    assert "hi" in site.guest.run("history", "--with", "alice").stdout


def test_the_line_that_a_server_prints_makes_the_admin_and_the_next_one_sends(tmp_path: Path) -> None:
    server, admin = Chatnet(tmp_path / "one"), Chatnet(tmp_path / "two")
    try:
        # Everywhere, since a server that nobody else can reach needs no code.
        process = server.start("serve", "--bind", "chatnet://0.0.0.0:0")
        line = process.out.until("chatnet join").split()
        joined = admin.run(*line[1:], "--name", "alice")
        assert joined.returncode == 0
        assert joined.stdout.endswith(", an admin\n")
        assert outcome(admin.run("send", "--to", "alice", "hi")) == (0, "")
        assert admin.run(*line[1:], "--name", "eve").returncode == 77
        invited = admin.run("invite").stdout.split()
        assert invited[:3] == line[:3]
        assert server.run(*invited[1:], "--name", "bob").returncode == 0
        assert outcome(server.run("send", "--to", "alice", "hi")) == (0, "")
    finally:
        admin.end()
        server.end()


def test_join_reads_from_standard_input_and_from_a_url(site: Site) -> None:
    two = site.code("--uses", "3")
    ways = {
        "ann": (["join", site.host, "-"], two.lower().encode() + b"\n"),
        "ben": (["join", "-"], f"{site.host} {two.replace('-', '')}\n".encode()),
        "cat": (["join", f"{site.url}/{two}"], b""),
    }
    for name, (args, stdin) in ways.items():
        made = site.ok(site.guest, *args, "--name", name, "--json", stdin=stdin)
        assert (made["name"], made["profile"], made["admin"]) == (name, name, False)
    assert [profile["user"] for profile in profiles(site.guest)] == ["ann", "ben", "cat"]
    used_up = site.guest.run("join", site.host, two, "--name", "dan")
    assert used_up.returncode == 77
    assert "wrong, used up or expired" in used_up.stderr


def test_a_name_that_is_taken_leaves_the_code_good(site: Site) -> None:
    code = site.code()
    site.join(site.owner, "alice")
    done = site.guest.run("join", site.host, code, "--name", "Alice")
    assert done.returncode == 73
    assert "still good" in done.stderr
    assert profiles(site.guest) == []
    assert site.guest.run("join", site.host, code, "--name", "bob").returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size")
def test_a_disk_without_room_for_a_profile_costs_no_code(site: Site) -> None:
    code = site.code()
    cramped = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))\n"
        "from chatnet_cli.app import run\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", cramped, "join", site.host, code, "--name", "bob"],
        env=site.guest.environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 78, done
    assert "your profiles cannot be kept in" in done.stderr
    assert "Traceback" not in done.stderr
    assert site.guest.run("join", site.host, code, "--name", "bob").returncode == 0


def test_a_code_is_worth_nothing_once_its_time_is_over(site: Site) -> None:
    # Long enough for a slow machine to make the code and send it.
    code = site.code("--expires", "4s")
    deadline = time.monotonic() + DEADLINE
    while site.owner.run("invite", "--list").returncode == 0:
        assert time.monotonic() < deadline
    done = site.guest.run("join", site.host, code, "--name", "bob")
    assert (done.returncode, profiles(site.guest)) == (77, [])
    assert "expired" in done.stderr


def test_codes_are_listed_and_revoked(site: Site) -> None:
    code = site.code("--uses", "30", "--expires", "2h")
    listed = site.ok(site.owner, "invite", "--list", "--json")
    assert (listed["name"], listed["uses"], listed["role"]) == (code[:4], 30, "member")
    assert code[5:] not in site.owner.run("invite", "--list").stdout
    assert outcome(site.owner.run("invite", "--revoke", code)) == (0, "")
    assert site.owner.run("invite", "--list").returncode == 1
    assert site.owner.run("invite", "--revoke", code).returncode == 67
    assert site.guest.run("join", site.host, code, "--name", "x").returncode == 77


def test_nothing_secret_is_ever_said_about_it(site: Site) -> None:
    code = site.code()
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    done = site.guest.run("join", site.host, wrong, "--name", "alice", CHATNET_TRACEBACK="1")
    assert done.returncode == 77
    site.ok(site.guest, "join", site.host, code, "--name", "alice", "--json")
    kept = (site.guest.home / "state" / "chatnet" / "profiles" / "profiles.json").read_text()
    token = re.search(r"chatnet-[\w-]{48}", kept)
    assert token is not None
    site.owner.end()
    said = "\n".join([done.stdout, done.stderr, *site.server.err.rest(), *site.server.out.rest()])
    for secret in (wrong[5:], code[5:], token[0]):
        assert secret not in said


# -- who is trusted -------------------------------------------------------------------------------------------


def test_the_first_contact_without_a_terminal_stops_with_the_line_that_goes_on(alone: Chatnet) -> None:
    alone.serve(bind="chatnet://127.0.0.1:0")
    done = alone.run("who", "--as", "bob")
    assert done.returncode == 77
    line = done.stderr.splitlines()[-1].split()
    assert line[:2] == ["chatnet", "trust"]
    assert outcome(alone.run(*line[1:])) == (0, "")
    assert alone.run("who", "--as", "bob").stdout == "bob\n"


def test_another_key_stops_everything_and_shows_both(alone: Chatnet) -> None:
    alone.serve(bind="chatnet://127.0.0.1:0")
    host = alone.environment["CHATNET_SERVER"].removeprefix("chatnet://")
    wrong = "sha256:" + "-".join(["00000000"] * 8)
    assert alone.run("trust", host, wrong).returncode == 0
    done = alone.run("who", "--as", "bob")
    assert done.returncode == 77
    assert wrong in done.stderr
    assert done.stderr.splitlines()[-1].split()[:3] == ["chatnet", "trust", host]
    assert alone.run("trust", host, "--forget").returncode == 0
    assert wrong not in alone.run("who", "--as", "bob").stderr


def test_a_known_server_at_another_address_is_known_by_its_key(site: Site) -> None:
    site.join(site.guest, "alice")
    port = site.host.rpartition(":")[2]
    assert site.guest.run("who", "--server", f"localhost:{port}").stdout == "alice\n"
    (profile,) = profiles(site.guest)
    assert profile["addresses"] == [site.url, f"chatnet://localhost:{port}"]


def test_a_server_with_a_new_key_gets_no_token_until_its_user_says_so(site: Site) -> None:
    site.join(site.guest, "alice")
    (site.owner.home / "data" / "chatnet" / "server" / "tls-key.pem").unlink()
    site.server.interrupt()
    assert site.serve()[1]["pin"] != site.listening["pin"]
    done = site.guest.run("send", "--to", "alice", "hi")
    assert done.returncode == 77
    assert done.stderr.splitlines()[-1].endswith(" --renewed")
    line = done.stderr.splitlines()[-1].split()
    site.guest.run(*line[1:-1])
    assert site.guest.run("send", "--to", "alice", "hi").returncode == 78
    site.join(site.guest, "bob")
    assert site.guest.run("who", "--as", "bob").stdout == "bob\n"


def test_a_server_with_a_new_key_is_the_same_once_its_user_says_so(site: Site) -> None:
    site.join(site.guest, "alice")
    (site.owner.home / "data" / "chatnet" / "server" / "tls-key.pem").unlink()
    site.server.interrupt()
    pin = site.serve()[1]["pin"]
    assert site.guest.run("trust", site.host, pin, "--renewed").returncode == 0
    assert outcome(site.guest.run("send", "--to", "alice", "hi")) == (0, "")


# -- profiles -------------------------------------------------------------------------------------------------


def test_two_accounts_of_one_user_live_side_by_side(site: Site) -> None:
    site.join(site.guest, "alice")
    site.join(site.guest, "bob")
    assert [(p["profile"], p["default"]) for p in profiles(site.guest)] == [("alice", True), ("bob", False)]
    assert site.guest.run("who").stdout == "alice\n"
    assert site.guest.run("who", "--as", "bob").stdout == "bob\n"
    assert site.guest.run("who", "--profile", "bob").stdout == "bob\n"
    assert site.guest.run("who", CHATNET_PROFILE="bob").stdout == "bob\n"
    assert outcome(site.guest.run("profiles", "--default", "bob")) == (0, "")
    assert site.guest.run("who").stdout == "bob\n"
    assert site.guest.run("profiles", "--default", "carol").returncode == 67
    assert outcome(site.guest.run("profiles", "--remove", "bob")) == (0, "")
    assert site.guest.run("who").stdout == "alice\n"


def test_a_damaged_file_of_profiles_is_a_clear_message(site: Site) -> None:
    site.join(site.guest, "alice")
    path = site.guest.home / "state" / "chatnet" / "profiles" / "profiles.json"
    path.write_text(path.read_text()[:100])
    for args in (["send", "--to", "alice", "hi"], ["profiles"], ["join", site.host, "7KQM-4XDP-9TBC", "--name", "x"]):
        done = site.guest.run(*args)
        assert done.returncode == 78
        assert f"{path} is damaged" in done.stderr
        assert len(done.stderr.splitlines()) == 2


def test_logging_out_makes_the_token_worthless(site: Site) -> None:
    site.join(site.guest, "alice")
    path = site.guest.home / "state" / "chatnet" / "profiles" / "profiles.json"
    stolen = path.read_text()
    assert site.guest.run("logout").stdout == "logged out of alice\n"
    assert site.guest.run("profiles").returncode == 1
    path.write_text(stolen)
    done = site.guest.run("send", "--to", "alice", "hi")
    assert done.returncode == 77
    assert "chatnet login" in done.stderr
    # A token that is worthless already is one thing less to do.
    assert outcome(site.guest.run("logout")) == (0, "")


def test_logging_out_without_the_server_says_what_is_left(site: Site) -> None:
    site.join(site.guest, "alice")
    assert site.server.interrupt() == 0
    done = site.guest.run("send", "--to", "alice", "--spool", "later")
    assert done.returncode == 75
    kept = site.guest.run("logout")
    assert kept.returncode == 75
    assert "--force" in kept.stderr
    done = site.guest.run("logout", "--force")
    assert done.returncode == 0
    assert "still good there" in done.stderr
    assert profiles(site.guest) == []
    assert site.guest.run("logout").returncode == 1


def test_what_a_profile_spools_goes_out_with_its_next_command(site: Site) -> None:
    site.join(site.guest, "alice")
    site.server.interrupt()
    assert site.guest.run("send", "--to", "alice", "--spool", "later").returncode == 75
    site.serve()
    assert outcome(site.guest.run("outbox", "send")) == (0, "")
    assert "later" in site.guest.run("history", "--with", "alice").stdout


# -- passwords ------------------------------------------------------------------------------------------------


def test_a_password_lets_another_machine_in_and_a_new_one_ends_what_was(site: Site, tmp_path: Path) -> None:
    site.join(site.guest, "alice")
    done = site.guest.run("passwd", "--password-stdin", stdin=b"\ncorrect horse\n")
    assert outcome(done) == (0, "")
    third = Chatnet(tmp_path)
    fingerprint = site.listening["pin"]
    login = ["login", site.host, "--name", "alice", "--password-stdin"]
    assert third.run(*login, stdin=b"correct horse\n").returncode == 77
    assert third.run("trust", site.host, fingerprint).returncode == 0
    assert third.run(*login, stdin=b"wrong horse\n").returncode == 77
    assert third.run(*login, stdin=b"correct horse\n").stdout == f"You are alice at {site.host}\n"
    assert third.run("send", "--to", "alice", "from the third").returncode == 0

    assert site.guest.run("passwd", "--password-stdin", stdin=b"wrong horse\nbattery staple\n").returncode == 77
    assert site.guest.run("passwd", "--password-stdin", stdin=b"correct horse\nshort\n").returncode == 65
    listening = third.listen("alice")
    assert site.guest.run("passwd", "--password-stdin", stdin=b"correct horse\nbattery staple\n").returncode == 0
    assert listening.wait() == 77
    assert "password was changed" in "\n".join(listening.err.rest())
    assert third.run("send", "--to", "alice", "hi").returncode == 77
    assert site.guest.run("send", "--to", "alice", "still here").returncode == 0
    assert third.run(*login, stdin=b"battery staple").returncode == 0
    assert [profile["profile"] for profile in profiles(third)] == ["alice"]
    third.end()


# -- tokens for scripts ---------------------------------------------------------------------------------------


def test_a_script_sends_with_a_token_of_its_own_until_it_is_revoked(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "backup.token"
    assert site.owner.run("admin", "add-user", "backup-bot").stdout == "backup-bot  member\n"
    assert site.owner.run("admin", "add-user", "backup-bot").returncode == 73
    label = ["--label", "web1", "--send-only", "--user", "backup-bot"]
    made = site.ok(site.owner, "admin", "token", *label, "--to-file", str(file), "--json")
    assert made["secret"] is None
    assert file.stat().st_mode & 0o077 == 0 or os.name == "nt"
    assert site.owner.run("admin", "token", *label, "--to-file", str(file)).returncode == 73
    site.guest.run("trust", site.host, site.listening["pin"])
    site.guest.environment |= {"CHATNET_SERVER": site.host, "CHATNET_TOKEN_FILE": str(file)}
    assert outcome(site.guest.run("send", "--room", "lobby", "backup done")) == (0, "")
    assert site.guest.run("who").returncode == 77
    assert site.guest.run("admin", "users").returncode == 77
    file.chmod(0o644)
    done = site.guest.run("send", "--room", "lobby", "backup done")
    assert done.returncode == 0
    assert "chmod 600" in done.stderr
    listed = site.ok(site.owner, "admin", "tokens", "--user", "backup-bot", "--json")
    assert (listed["token"], listed["label"], listed["send_only"]) == (made["token"], "web1", True)
    assert outcome(site.owner.run("admin", "revoke", str(made["token"]))) == (0, "")
    assert site.guest.run("send", "--room", "lobby", "backup done").returncode == 77
    assert site.owner.run("admin", "revoke", str(made["token"])).returncode == 67
    assert site.owner.run("admin", "tokens", "--user", "backup-bot").returncode == 1


# -- this machine ---------------------------------------------------------------------------------------------


def test_the_owner_is_admin_on_the_own_machine_with_no_word_said(site: Site) -> None:
    assert site.owner.run("send", "--to", "nobody-of-this-name", "hi").returncode == 67
    user = site.ok(site.owner, "admin", "users", "--json")
    assert user["role"] == "admin"
    assert outcome(site.owner.run("send", "--to", str(user["name"]), "hi")) == (0, "")


_AS_NOBODY = """
import importlib, os, pkgutil, sys
import chatnet, chatnet_cli, getpass, pwd
for package in (chatnet, chatnet_cli):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if "__main__" not in module.name and ".testing" not in module.name:
            importlib.import_module(module.name)
from chatnet_cli.app import run
nobody = pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
sys.exit(run(sys.argv[1:]))
"""
"""Another user may not read this interpreter's files, so everything is loaded before it becomes one."""


def as_nobody(*args: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as another user of this machine, with an empty environment."""
    command = [sys.executable, "-c", _AS_NOBODY, *args]
    return subprocess.run(command, env={}, cwd="/", capture_output=True, text=True, timeout=DEADLINE)


def _is_free(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) != 0


@pytest.mark.skipif(not has_unix_sockets(), reason="no unix sockets")
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can be two users")
def test_a_job_of_another_user_of_this_machine_sends_with_no_password_and_no_environment(alone: Chatnet) -> None:
    path = f"{SYSTEM_SOCKET_FOLDER}/chatnet.sock"
    if not _is_free(path):
        pytest.skip(f"a server of this machine listens at {path}")
    alone.start("serve", "--bind", f"chatnet+unix://{path}", "--json").out.next()
    assert outcome(alone.run("send", "--room", "lobby", "hello")) == (0, "")
    assert outcome(as_nobody("send", "--room", "lobby", "backup done")) == (0, "")
    assert "<nobody> backup done" in alone.run("history", "--room", "lobby").stdout
    assert "nobody  member" in alone.run("admin", "users").stdout.splitlines()
    assert as_nobody("admin", "users").returncode == 77


def test_without_unix_sockets_the_owner_is_admin_by_a_private_file(alone: Chatnet) -> None:
    alone.environment["CHATNET_TEST_PLATFORM"] = "minimal"
    server = alone.start("serve", "--bind", "chatnet://127.0.0.1:0", "--json")
    server.out.next()
    user = json.loads(alone.run("admin", "users", "--json").stdout)
    assert user["role"] == "admin"
    assert outcome(alone.run("send", "--to", user["name"], "hi")) == (0, "")
    assert server.interrupt() == 0
    # Without its server the file is gone as well, and what is left is localhost.
    done = alone.run("send", "--to", user["name"], "hi")
    assert done.returncode == 69
    assert "chatnet://localhost" in done.stderr
