"""What a person can do: the first conversation, word for word, with real processes."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.e2e.processes import Chatnet


def test_a_personal_message_appears_in_the_other_terminal(chatnet: Chatnet) -> None:
    bob = chatnet.listen("bob")
    assert chatnet.run("send", "--as", "alice", "--to", "bob", "hi").returncode == 0
    assert bob.out.next().endswith("] alice -> bob: hi")


def test_a_script_says_something_in_the_lobby(chatnet: Chatnet) -> None:
    bob = chatnet.listen("bob")
    sent = chatnet.run("send", "--as", "cron", "--room", "lobby", stdin=b"disk full on web1\n")
    assert (sent.returncode, sent.stdout, sent.stderr) == (0, "", "")
    assert bob.out.next().endswith("] lobby <cron> disk full on web1")


def test_an_action_is_shown_as_one(chatnet: Chatnet) -> None:
    bob = chatnet.listen("bob")
    chatnet.run("send", "--as", "alice", "--room", "lobby", "--action", "waves")
    chatnet.run("send", "--as", "alice", "--to", "bob", "--action", "waves")
    assert bob.out.next().endswith("] lobby * alice waves")
    assert bob.out.next().endswith("] alice -> bob * alice waves")


def test_who_lists_those_who_listen(chatnet: Chatnet) -> None:
    chatnet.listen("bob")
    assert "bob" in chatnet.run("who").stdout.splitlines()
    assert chatnet.run("who", "--room", "lobby").stdout.splitlines() == ["bob"]
    users = [json.loads(line) for line in chatnet.run("who", "--room", "lobby", "--json").stdout.splitlines()]
    assert [(user["name"], user["display"], user["guest"]) for user in users] == [("bob", "", True)]


def test_a_room_is_made_listed_talked_in_archived_and_opened_again(chatnet: Chatnet) -> None:
    assert chatnet.run("rooms").stdout == "lobby  0 online\n"
    assert chatnet.run("rooms", "create", "--as", "alice", "ops").returncode == 0
    assert chatnet.run("rooms").stdout == "lobby  0 online\nops  0 online\n"
    assert chatnet.run("send", "--as", "bob", "--room", "ops", "hi").returncode == 0
    assert chatnet.run("rooms", "archive", "--as", "alice", "ops").returncode == 0
    assert chatnet.run("rooms").stdout == "lobby  0 online\n"
    assert chatnet.run("rooms", "--all").stdout == "lobby  0 online\nops  0 online  archived\n"
    assert chatnet.run("send", "--as", "bob", "--room", "ops", "hi").returncode == 77
    assert chatnet.run("rooms", "archive", "--as", "alice", "ops", "--undo").returncode == 0
    assert chatnet.run("send", "--as", "bob", "--room", "ops", "again").returncode == 0
    rooms = [json.loads(line) for line in chatnet.run("rooms", "--json").stdout.splitlines()]
    assert [(room["room"], room["archived"], room["members"]) for room in rooms] == [
        ("lobby", False, 0),
        ("ops", False, 0),
    ]


def test_history_is_paged_backwards(chatnet: Chatnet) -> None:
    for number in range(1, 6):
        chatnet.run("send", "--as", "alice", "--room", "lobby", f"message {number}")
    newest = chatnet.run("history", "--room", "lobby", "--limit", "2").stdout.splitlines()
    assert [line.split("] ")[1] for line in newest] == ["lobby <alice> message 4", "lobby <alice> message 5"]
    before = chatnet.run("history", "--room", "lobby", "--limit", "2", "--before", "4", "--json").stdout.splitlines()
    assert [json.loads(line)["text"] for line in before] == ["message 2", "message 3"]


def test_history_of_a_personal_chat_shows_both_sides(chatnet: Chatnet) -> None:
    bob = chatnet.listen("bob")
    chatnet.run("send", "--as", "alice", "--to", "bob", "hi")
    bob.out.next()
    chatnet.run("send", "--as", "bob", "--to", "alice", "hi yourself")
    lines = chatnet.run("history", "--as", "bob", "--with", "alice").stdout.splitlines()
    assert [line.split("] ")[1] for line in lines] == ["alice -> bob: hi", "bob -> alice: hi yourself"]


def test_json_says_everything_about_a_message(chatnet: Chatnet) -> None:
    bob = chatnet.listen("bob", "--json")
    receipt = json.loads(chatnet.run("send", "--as", "alice", "--to", "bob", "h\u00e9\x7f", "--json").stdout or "null")
    assert receipt is None  # DEL is a control: the server refuses it
    receipt = json.loads(chatnet.run("send", "--as", "alice", "--to", "bob", "h\u00e9\nyou", "--json").stdout)
    line = bob.out.next()
    assert line.isascii()
    message = json.loads(line)
    assert message["sender"].pop("id") > 0
    assert message == {
        "conversation": receipt["conversation"],
        "with": "alice",
        "seq": receipt["seq"],
        "time": receipt["time"],
        "time_ms": receipt["time_ms"],
        "sender": {"name": "alice", "display": ""},
        "own": False,
        "kind": "text",
        "text": "h\u00e9\nyou",
        "reference": None,
        "file": None,
    }
    assert message["time"].endswith("Z")


def test_json_of_a_room_names_it_and_knows_one_s_own(chatnet: Chatnet) -> None:
    bob = chatnet.listen("bob", "--json")
    chatnet.run("send", "--as", "bob", "--room", "lobby", "hi")
    message = json.loads(bob.out.next())
    assert (message["room"], message["own"]) == ("lobby", True)
    assert "with" not in message


def test_listening_to_rooms_is_listening_to_nothing_else(chatnet: Chatnet) -> None:
    chatnet.run("rooms", "create", "ops")
    bob = chatnet.listen("bob", "--room", "ops")
    chatnet.run("send", "--as", "alice", "--to", "bob", "not this")
    chatnet.run("send", "--as", "alice", "--room", "lobby", "nor this")
    chatnet.run("send", "--as", "alice", "--room", "ops", "this")
    assert bob.out.next().endswith("] ops <alice> this")


def test_a_message_of_several_lines_cannot_look_like_several_messages(chatnet: Chatnet) -> None:
    bob = chatnet.listen("bob")
    chatnet.run("send", "--as", "mallory", "--room", "lobby", "hi\n[12:00] lobby <alice> I resign")
    assert bob.out.next().endswith("] lobby <mallory> hi")
    assert bob.out.next() == "        [12:00] lobby <alice> I resign"


def test_a_text_that_looks_like_an_option_is_sent_after_two_dashes(chatnet: Chatnet) -> None:
    bob = chatnet.listen("bob")
    wrong = chatnet.run("send", "--as", "alice", "--to", "bob", "-5 degrees")
    assert wrong.returncode == 64
    assert '-- "-5 degrees"' in wrong.stderr
    assert chatnet.run("send", "--as", "alice", "--to", "bob", "--", "-5 degrees").returncode == 0
    assert bob.out.next().endswith("alice -> bob: -5 degrees")


def test_without_a_name_one_goes_by_the_login_name(chatnet: Chatnet) -> None:
    chatnet.run("send", "--room", "lobby", "hi", LOGNAME="carol")
    assert chatnet.run("history", "--room", "lobby").stdout.endswith("] lobby <carol> hi\n")


def test_windows_line_ends_become_plain_ones(chatnet: Chatnet) -> None:
    assert chatnet.run("send", "--room", "lobby", "-", stdin=b"one\r\ntwo\r\n").returncode == 0
    assert json.loads(chatnet.run("history", "--room", "lobby", "--json").stdout)["text"] == "one\ntwo"


def test_a_server_is_reached_by_its_local_socket(alone: Chatnet) -> None:
    if alone.environment.get("CHATNET_TEST_PLATFORM") == "minimal":
        assert alone.run("serve", "--bind", f"chatnet+unix://{alone.home}/s").returncode == 78
        return
    alone.serve(bind=f"chatnet+unix://{alone.home}/s")
    assert alone.run("send", "--room", "lobby", "hi").returncode == 0
    assert alone.run("history", "--room", "lobby").stdout.endswith(" hi\n")


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_a_listener_comes_back_when_its_server_does(alone: Chatnet) -> None:
    server = alone.serve()
    bob = alone.listen("bob")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    bob.err.until("not connected")
    alone.serve(bind=alone.environment["CHATNET_SERVER"])
    bob.err.until("connected again")
    assert alone.run("send", "--as", "alice", "--to", "bob", "hi again").returncode == 0
    assert bob.out.next().endswith("alice -> bob: hi again")


def test_the_line_that_says_where_it_listens_is_on_stdout_and_the_help_on_stderr(alone: Chatnet) -> None:
    server = alone.start("serve", "--bind", "chatnet+tcp://127.0.0.1:0")
    words = server.out.next().split(" listens at ")
    assert words[0].startswith("chatnet ")
    server.err.until("chatnet listen --as bob --server chatnet+tcp://127.0.0.1:")
    assert alone.run("who", "--server", words[1]).returncode == 0


def test_python_m_chatnet_cli_is_the_same_command(alone: Chatnet) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chatnet_cli", "--version"], env=alone.environment, capture_output=True, timeout=20
    )
    assert done.stdout == alone.run("--version").stdout.encode()
