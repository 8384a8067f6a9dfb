"""``chatnet doctor`` in front of servers that fail at each step, and of one that does not."""

import json
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from chatnet.events import Closing
from chatnet.net.platform import has_unix_sockets
from chatnet.wire.codec import encode
from tests.e2e.processes import Chatnet
from tests.e2e.test_accounts import Site

STEPS = ["name", "route", "port", "protocol", "login", "round trip", "clock"]
ENCRYPTED = [*STEPS[:3], "tls", "pin", *STEPS[3:]]
PASSWORD = b"correct horse battery staple\n"


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Somebody who takes every connection, says this (or nothing), and waits for its end. Gives ``HOST:PORT``."""

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):  # the listener is closed at the end
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(answer)
                    while connection.recv(4096):
                        pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def check_failure(done: subprocess.CompletedProcess[str], code: int, step: str, *words: str) -> None:
    """It ends with this code; the last step fails, and one line says which it is, and what to do."""
    assert done.returncode == code, done.stderr
    *before, last = done.stdout.splitlines()
    assert all(line.startswith(("ok ", " ")) for line in before)
    assert last.startswith(("fails", " ")), done.stdout
    verdict = done.stderr.splitlines()[-1]
    assert verdict.startswith(f"chatnet: the step '{step}' fails. ")
    for word in words:
        assert word in done.stdout + verdict


# -- all is well ----------------------------------------------------------------------------------------------


def test_a_good_server_is_walked_to_the_end(chatnet: Chatnet) -> None:
    done = chatnet.run("doctor", "--as", "alice")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line[7:17].strip() for line in lines] == STEPS
    assert all(line.startswith("ok ") for line in lines)
    assert "as alice" in done.stdout


def test_each_step_is_an_object_for_programs(chatnet: Chatnet) -> None:
    done = chatnet.run("doctor", chatnet.environment["CHATNET_SERVER"], "--json")
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert [step["step"] for step in steps] == STEPS
    assert all(step["ok"] and step["code"] is None for step in steps)
    assert steps[-2]["seconds"] > 0


def test_looking_says_nothing_to_others_and_leaves_nobody_behind(chatnet: Chatnet) -> None:
    bob = chatnet.listen("bob")
    assert chatnet.run("doctor", "--as", "alice").returncode == 0
    assert chatnet.run("send", "--as", "carol", "--room", "lobby", "only this").returncode == 0
    assert bob.out.next().endswith("lobby <carol> only this")


# -- as every other command would -----------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("s"))
    try:
        yield site
    finally:
        site.end()


def said(done: subprocess.CompletedProcess[str], *, code: int = 0) -> dict[str, str]:
    """What each step found."""
    assert done.returncode == code, done
    return {step["step"]: step["says"] for step in map(json.loads, done.stdout.splitlines())}


def test_without_an_argument_the_server_is_that_of_the_default_profile(site: Site) -> None:
    site.join(site.guest, "alice")
    for arguments in ([], [site.host], ["--server", site.url], ["--profile", "alice"], ["--as", "alice"]):
        done = site.guest.run("doctor", "--json", *arguments)
        steps = said(done)
        assert f"looking at {site.url}" in done.stderr
        assert list(steps) == ENCRYPTED
        assert steps["pin"].endswith(", as trusted before, in the profile alice")
        assert steps["login"] == "as alice, a member, by the profile alice"


def test_a_token_of_the_environment_is_who_one_is(site: Site, tmp_path: Path) -> None:
    site.join(site.guest, "alice")
    token = tmp_path / "token"
    made = site.owner.run("admin", "token", "--user", "alice", "--label", "x", "--to-file", str(token))
    assert made.returncode == 0, made
    steps = said(site.guest.run("doctor", site.host, "--json", CHATNET_TOKEN_FILE=str(token)))
    assert steps["login"] == "as alice, a member, by the token that CHATNET_TOKEN_FILE names"


def test_a_token_that_is_no_longer_good_fails_at_the_login(site: Site) -> None:
    site.join(site.guest, "alice")
    assert site.owner.run("admin", "password", "alice", "--password-stdin", stdin=PASSWORD).returncode == 0
    check_failure(site.guest.run("doctor"), 77, "login", "token", "'chatnet join'")


def test_a_server_that_was_never_seen_is_not_trusted_and_the_line_that_trusts_it_is_said(site: Site) -> None:
    done = site.guest.run("doctor", site.host, "--json")
    assert list(said(done, code=77)) == ENCRYPTED[:5]
    step, line = json.loads(done.stdout.splitlines()[-1]), done.stderr.splitlines()[-1].strip()
    assert step["code"] == "UNTRUSTED"
    assert line.startswith(f"chatnet trust {site.host} sha256:")
    assert line in step["advice"]
    assert "the step 'pin' fails. If its owner tells you this fingerprint" in done.stderr
    assert site.guest.run(*line.split()[1:]).returncode == 0
    steps = said(site.guest.run("doctor", site.host, "--as", "bob", "--json"))
    assert steps["pin"].endswith("as trusted before")
    assert steps["login"] == "as bob, a guest"


def test_a_known_server_at_another_address_is_known_by_its_key(site: Site) -> None:
    site.join(site.guest, "alice")
    steps = said(site.guest.run("doctor", site.host.replace("127.0.0.1", "localhost"), "--json"))
    assert steps["login"] == "as alice, a member, by the profile alice"


def test_a_server_with_another_key_than_before_fails_at_the_pin(site: Site) -> None:
    site.join(site.guest, "alice")
    site.server.interrupt()
    (key,) = site.owner.home.rglob("tls-key.pem")
    key.unlink()
    site.serve()
    done = site.guest.run("doctor")
    assert done.returncode == 77
    assert done.stdout.splitlines()[-2].startswith("fails  pin"), done.stdout
    verdict, line = done.stderr.splitlines()[-2:]
    assert verdict.startswith("chatnet: the step 'pin' fails. It may be somebody else's.")
    assert line.strip().startswith(f"chatnet trust {site.host} sha256:")
    assert line.endswith(" --renewed")
    assert site.guest.run(*line.split()[1:]).returncode == 0
    assert site.guest.run("doctor").returncode == 0


@pytest.mark.skipif(not has_unix_sockets(), reason="no local sockets here")
def test_on_the_machine_of_the_server_the_system_says_who_calls(site: Site) -> None:
    steps = said(site.owner.run("doctor", "--json"))
    assert list(steps) == ["port", *STEPS[3:]]
    assert steps["login"].endswith(", an admin, by local access")


# -- and where it ends ----------------------------------------------------------------------------------------


def test_a_name_that_nobody_has(alone: Chatnet) -> None:
    check_failure(alone.run("doctor", "nobody.invalid", "--timeout", "5"), 69, "name", "nobody.invalid", "spelling")


def test_a_closed_port(alone: Chatnet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    check_failure(alone.run("doctor", f"chatnet+tcp://127.0.0.1:{port}"), 69, "port", "nobody listens", "chatnet serve")


def test_a_port_that_takes_connections_and_says_nothing(alone: Chatnet) -> None:
    with answering(b"") as where:
        check_failure(alone.run("doctor", f"chatnet+tcp://{where}", "--timeout", "0.5"), 75, "protocol", "no answer")
        check_failure(alone.run("doctor", where, "--timeout", "0.5"), 75, "TLS", "no answer")


def test_a_web_server(alone: Chatnet) -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as where:
        check_failure(alone.run("doctor", f"chatnet+tcp://{where}"), 76, "protocol", "not a chatnet server")
        check_failure(alone.run("doctor", where), 69, "TLS", "does not speak TLS")


def test_a_server_of_another_version(alone: Chatnet) -> None:
    with answering(encode(Closing("BAD_VERSION", "this server speaks version 9"))) as where:
        done = alone.run("doctor", f"chatnet+tcp://{where}")
    check_failure(done, 76, "protocol", "version 9", "up to date")


def test_a_login_that_is_refused(chatnet: Chatnet) -> None:
    chatnet.listen("bob")
    done = chatnet.run("doctor", "--as", "bob", XDG_STATE_HOME=str(chatnet.home / "other"))
    check_failure(done, 77, "login", "Choose another name")


def test_a_plain_server_looked_at_as_an_encrypted_one(chatnet: Chatnet) -> None:
    where = chatnet.environment["CHATNET_SERVER"].removeprefix("chatnet+tcp://")
    check_failure(chatnet.run("doctor", where), 69, "TLS", f"chatnet+tcp://{where}")


def test_a_failure_is_an_object_too(alone: Chatnet) -> None:
    done = alone.run("doctor", "nobody.invalid", "--json", "--timeout", "5")
    step = json.loads(done.stdout)
    assert (done.returncode, step["step"], step["ok"], step["code"]) == (69, "name", False, "UNREACHABLE")
    assert step["advice"]


def test_what_a_server_says_of_itself_does_not_reach_the_terminal_raw(alone: Chatnet) -> None:
    reason = "\x1b]0;owned\x07\x9b2J\u202e"
    with answering(encode(Closing("BAD_VERSION", reason))) as where:
        done = alone.run("doctor", f"chatnet+tcp://{where}")
    assert r"\x1b]0;owned\x07\x9b2J\u202e" in done.stdout
    assert not set(done.stdout + done.stderr) & set("\x1b\x07\x9b\u202e")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["a", "--server", "chatnet://b"], 64), (["http://web"], 78), (["chatnet://"], 78), (["::1%eth0/x"], 78)],
)
def test_what_is_no_address_is_told_as_that(alone: Chatnet, arguments: list[str], code: int) -> None:
    assert alone.run("doctor", *arguments).returncode == code


def test_a_frame_that_is_too_long_is_no_chatnet_server(alone: Chatnet) -> None:
    with answering(struct.pack(">I", 2**32 - 1)) as where:
        check_failure(alone.run("doctor", f"chatnet+tcp://{where}"), 76, "protocol")
