"""What others say reaches a terminal as something to read, never as a command, a disguise, or nothing at all.

Two ways: by a real server, with all that it lets through; and by a server that says in every text what a real one
refuses. Everything that a command prints is looked at byte by byte, as a pseudo-terminal got it. Windows consoles are
driven by the same escape sequences (since Windows 10), and get the same text; there is no test of one.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="needs a pseudo-terminal")

from chatnet.address import parse
from chatnet.errors import ErrorCode
from chatnet.events import Ack, Closing, Nack, Opened, Refused
from chatnet.requests import CreateRoom, Open, Post, Rename
from tests.e2e import raw
from tests.e2e.hostile import (
    BIDI,
    CONTROLS,
    LET_THROUGH,
    SEQUENCES,
    UNSEEN,
    WHOLE,
    Screen,
    check_harmless,
    hostile_server,
)
from tests.e2e.processes import COMMAND, DEADLINE, Chatnet

_OF_CHAT = re.compile(r"\x1b\[\d*A|\r\x1b\[J|\x1b\[J|\x1b\[K|\x1b\[\?2004[hl]|\x1b\[\?1034h|\x1b\[C|\x08")
"""What chat, and the readline library for it, write to keep the line being typed below everything else."""
_STYLE = re.compile(r"\x1b\[[012]m")


def screen(user: Chatnet, *args: str, **environment: str) -> tuple[int, str]:
    """Run ``chatnet ARGS...`` at a terminal; its exit code, and what was printed."""
    with Screen(user, *args, **environment) as shown:
        text = shown.finish()
        return shown.popen.returncode, text


# -- by way of a real server ----------------------------------------------------------------------------------


_AT_ONCE = 16
"""Requests of one user: fewer than a server makes one wait for."""


def say(speaker: raw.Raw, conversation: int, bodies: list[str]) -> list[Ack | Nack]:
    """Post these, and return the answers, in order."""
    speaker.send(b"".join(raw.request(Post(n, conversation, body)) for n, body in enumerate(bodies, start=1)))
    answers: list[Ack | Nack] = []
    while len(answers) < len(bodies):
        if isinstance(event := speaker.event(), Ack | Nack):
            answers.append(event)
    return answers


def reply(mallory: raw.Raw) -> object:
    """The next event that answers a request."""
    while not hasattr(event := mallory.event(), "id"):
        pass
    return event


@pytest.fixture
def mallory(chatnet: Chatnet) -> Iterator[raw.Raw]:
    with raw.Raw(parse(chatnet.environment["CHATNET_SERVER"])) as connection:
        connection.log_in("mallory")
        yield connection


def conversation(mallory: raw.Raw, *, user: str = "", room: str = "") -> int:
    mallory.send(raw.request(Open(9, user=user) if user else Open(9, room=room)))
    opened = reply(mallory)
    assert isinstance(opened, Opened)
    return opened.conversation.id


def test_a_server_refuses_every_control_in_a_text(chatnet: Chatnet) -> None:
    refused = [*(set(CONTROLS) - set("\t\n")), *SEQUENCES]
    for i in range(0, len(refused), _AT_ONCE):
        batch = refused[i : i + _AT_ONCE]
        with raw.Raw(parse(chatnet.environment["CHATNET_SERVER"])) as connection:
            connection.log_in(f"mallory{i}")
            answers = say(connection, conversation(connection, room="lobby"), [f"q{each}q" for each in batch])
        for each, answer in zip(batch, answers, strict=True):
            assert isinstance(answer, Nack), ascii(each)
            assert answer.code == ErrorCode.BAD_TEXT


@pytest.mark.parametrize("make", [Rename, CreateRoom], ids=["user", "room"])
def test_a_server_refuses_all_of_it_in_a_name(mallory: raw.Raw, make: type[Rename] | type[CreateRoom]) -> None:
    """Samples only; all of it is in the tests of what a name may be."""
    for each in [*CONTROLS[::9], *BIDI[::6], *UNSEEN[::40], SEQUENCES[0]]:
        mallory.send(raw.request(make(9, f"q{each}q")))
        assert isinstance(reply(mallory), Refused), ascii(each)


def test_what_a_server_lets_through_is_harmless_on_every_screen(chatnet: Chatnet, mallory: raw.Raw) -> None:
    mallory.send(raw.request(Rename(8, "mallory", "\u3164M\ufe0f\u034f" + "\u0300" * 30)))
    reply(mallory)
    with Screen(chatnet, "listen", "--as", "bob") as listen:
        listen.until("Ctrl-C ends")
        post = [f"needle {LET_THROUGH}"]
        assert isinstance(say(mallory, conversation(mallory, room="lobby"), post)[0], Ack)
        listen.until("needle").until(r"\u0300\u0489")
        chat = conversation(mallory, user="bob")
        mallory.send(raw.request(Post(2, chat, post[0])))
        listen.until("needle").until(r"\u0300\u0489")
        shown = listen.interrupt()
    check_harmless(shown)
    assert r"q\u202eq" in shown
    for args in (
        ["history", "--room", "lobby"],
        ["history", "--with", "mallory"],
        ["search", "needle"],
        ["chats"],
        ["who"],
        ["rooms"],
        ["export", "--with", "mallory"],
        ["export", "--with", "mallory", "--format", "html"],
    ):
        code, shown = screen(chatnet, *args, "--as", "bob")
        assert code == 0, shown
        check_harmless(shown)


# -- by a server that says what it likes ----------------------------------------------------------------------


@pytest.fixture
def victim(alone: Chatnet) -> Iterator[Chatnet]:
    """Whose commands talk to a server that means harm."""
    with hostile_server() as url:
        alone.environment["CHATNET_SERVER"] = url
        yield alone


LISTS = [
    ["history", "--room", "lobby"],
    ["history", "--with", "bob"],
    ["search", "needle"],
    ["search", "needle", "--context", "0"],
    ["chats"],
    ["who"],
    ["who", "--room", "lobby"],
    ["rooms"],
    ["export", "--room", "lobby"],
    ["export", "--with", "bob", "--format", "html"],
    ["doctor"],
]


@pytest.mark.parametrize("args", LISTS, ids=" ".join)
def test_a_list_from_a_hostile_server(victim: Chatnet, args: list[str]) -> None:
    code, shown = screen(victim, *args)
    assert code == 0, shown
    check_harmless(shown)
    assert "\\x1b" in shown or "\\u001b" in shown


@pytest.mark.parametrize("args", [LISTS[0], LISTS[2], *LISTS[4:6], LISTS[7], LISTS[-1]], ids=" ".join)
def test_json_is_ascii_on_a_terminal_too(victim: Chatnet, args: list[str]) -> None:
    code, shown = screen(victim, *args, "--json")
    assert code == 0, shown
    assert shown.isascii()
    check_harmless(shown)
    lines = [line for line in shown.splitlines() if line.startswith("{")]
    assert lines
    assert all(json.loads(line) for line in lines)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["send", "--to", "bob", "hi"], "reason"),
        (["send", "--room", "lobby", "--id", "x", "hi"], "reason"),
        (["send", "--room", "lobby", "--spool", "hi"], "reason"),
        (["rooms", "create", "ops"], "reason"),
        (["rooms", "archive", "ops"], "reason"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_refusal_by_a_hostile_server(victim: Chatnet, args: list[str], words: str) -> None:
    code, shown = screen(victim, *args)
    assert code not in (0, 70), shown
    assert f"{words}q\\x00q" in shown
    check_harmless(shown)


def test_what_waited_is_refused_by_a_hostile_server(alone: Chatnet) -> None:
    with hostile_server(first=Closing("SHUTTING_DOWN", f"reason{WHOLE}")) as url:
        alone.environment["CHATNET_SERVER"] = url
        code, shown = screen(alone, "send", "--to", "bob", "--spool", f"text{LET_THROUGH}")
        assert code == 75, shown
        check_harmless(shown)
    code, shown = screen(alone, "outbox")
    assert code == 0, shown
    check_harmless(shown)


def test_listening_to_a_hostile_server(victim: Chatnet) -> None:
    with Screen(victim, "listen", "--room", "lobby") as listen:
        shown = listen.until("the last word").until(r"\u0300\u0489").interrupt()
    check_harmless(shown)
    assert "bodyq\\x00q" in shown


def test_with_colour_nothing_but_chatnets_own_style_is_there(victim: Chatnet) -> None:
    with Screen(victim, "history", "--room", "lobby", NO_COLOR="") as shown:
        text = shown.finish()
    assert len(_STYLE.findall(text)) == 4  # the time dim, the name bold, each with its end
    check_harmless(_STYLE.sub("", text))


def test_chatting_with_a_hostile_server(victim: Chatnet) -> None:
    with Screen(victim, "chat") as chat:
        chat.until("the last word").until("> ")
        for line in ("/who", "/rooms", "/history", "/nick x", "/create ops", "/msg bob hi", "/msg bob", "hi", "/part"):
            chat.type(f"{line}\n").until("> ")
        chat.type("/quit\n")
        shown = chat.finish()
    assert "reasonq\\x00q" in shown
    check_harmless(_OF_CHAT.sub("", shown))


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["who"], "SHUTTING_DOWN"),
        (["send", "--to", "bob", "hi"], "SERVER_FULL"),
        (["doctor"], "BAD_VERSION"),
        (["rooms"], f"x{WHOLE}"),
    ],
    ids=["who", "send", "doctor", "rooms"],
)
def test_the_last_words_of_a_hostile_server(alone: Chatnet, args: list[str], code: str) -> None:
    with hostile_server(first=Closing(code, f"reason{WHOLE}")) as url:
        ended, shown = screen(alone, *args, "--timeout", "5", CHATNET_SERVER=url)
    assert ended not in (0, 70), shown
    assert "reasonq\\x00q" in shown
    check_harmless(shown)


# -- elsewhere than on a terminal -----------------------------------------------------------------------------


def test_a_pipe_and_a_file_get_the_same_as_a_terminal(victim: Chatnet, tmp_path: Path) -> None:
    on_screen = screen(victim, "history", "--room", "lobby")[1].replace("\r\n", "\n")
    assert victim.run("history", "--room", "lobby").stdout == on_screen
    with (tmp_path / "out").open("wb") as file:
        command = [*COMMAND, "history", "--room", "lobby"]
        subprocess.run(command, env=victim.environment, stdout=file, check=True, timeout=DEADLINE)
    assert (tmp_path / "out").read_text() == on_screen


def test_a_name_from_the_command_line_is_harmless_in_an_error(victim: Chatnet) -> None:
    for args in (
        ["send", "--to", "bob", "a", f"b{LET_THROUGH}"],
        [f"frob{LET_THROUGH}"],
        ["who", "--room", "#\x1b[2J"],
    ):
        code, shown = screen(victim, *args)
        assert code == 64
        check_harmless(shown)


def test_a_file_with_an_odd_name_is_harmless_in_an_error(victim: Chatnet, tmp_path: Path) -> None:
    path = tmp_path / "odd\x1b[2J\u202e\x9b\n\u200bname"
    path.touch()
    for args in (["export", "--room", "lobby", "-o", str(path)], ["admin", "check", "--data", str(path)]):
        code, shown = screen(victim, *args)
        assert code in (66, 73), shown
        check_harmless(shown)
