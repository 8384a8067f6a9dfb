"""What the command line understands, and what it says to the rest; no server is needed for that."""

import subprocess
import sys

import pytest

from chatnet_cli.app import chatnet, run

COMMANDS = [
    "serve",
    "join",
    "send",
    "upload",
    "files",
    "download",
    "listen",
    "chat",
    "gui-client",
    "gui-server",
    "who",
    "rooms",
    "chats",
    "history",
    "export",
    "outbox",
    "invite",
    "login",
    "logout",
    "profiles",
    "passwd",
    "trust",
    "admin",
    "search",
    "discover",
    "doctor",
    "completion",
]


@pytest.mark.parametrize(
    "args",
    [
        *([command] for command in COMMANDS),
        ["rooms", "list"],
        ["rooms", "create"],
        ["rooms", "archive"],
        ["files", "list"],
        ["files", "remove"],
        ["outbox", "list"],
        ["outbox", "send"],
        ["admin", "backup"],
        ["admin", "check"],
        ["admin", "stats"],
        *(["admin", name] for name in ("users", "add-user", "remove-user", "role", "password", "bans", "audit")),
        *(["admin", name] for name in ("tokens", "token", "revoke", "kick", "ban", "unban", "mute", "unmute")),
        *(["rooms", name] for name in ("topic", "private", "public", "rename", "members", "invite", "uninvite")),
        *(["rooms", name] for name in ("kick", "ban", "unban", "mute", "unmute", "bans")),
        *(["rooms", name] for name in ("promote", "demote", "pass-on")),
    ],
)
def test_every_command_has_help_with_examples(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*args, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"Usage: chatnet {' '.join(args)} " in shown
    assert "Examples:" in shown
    assert f"chatnet {args[0]}" in shown.partition("Examples:")[2]


def test_the_help_lists_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    shown = capsys.readouterr().out
    assert [line.split()[0] for line in shown.partition("Commands:")[2].splitlines() if line.strip()] == COMMANDS


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["sned"], "Did you mean 'send'"),
        (["frobnicate"], "'frobnicate'"),
        (["--frobnicate"], "--frobnicate"),
        (["send", "hi"], "either --to USER or --room ROOM"),
        (["send", "--to", "bob", "--room", "lobby", "hi"], "either --to USER or --room ROOM"),
        (["send", "--to", "bob", "hi", "there"], '"hi there"'),
        (["send", "--room", "#lobby", "hi"], "write 'lobby' instead of '#lobby'"),
        (["send", "--to", "bob", "-5 degrees"], '-- "-5 degrees"'),
        (["send", "--to", "bob", "--5 $ a piece"], "-- '--5 $ a piece'"),
        (["send", "--to", "bob", "--rom", "lobby"], "--room"),
        (["send", "--to"], "--to"),
        (["send", "--to", "bob", "--timeout", "0", "hi"], "--timeout"),
        (["send", "--to", "bob", "--timeout", "nan", "hi"], "--timeout"),
        (["send", "--to", "bob", "--timeout", "soon", "hi"], "--timeout"),
        (["send", "--as", "", "--to", "bob", "hi"], "--as"),
        (["listen", "--room", "#lobby"], "'lobby'"),
        (["listen", "lobby"], "lobby"),
        (["who", "--room", "#lobby"], "'lobby'"),
        (["chat", "--room", "lobby", "--to", "bob"], "either"),
        (["history"], "either --room ROOM or --with USER"),
        (["history", "--room", "lobby", "--with", "bob"], "either --room ROOM or --with USER"),
        (["history", "--room", "lobby", "--limit", "0"], "--limit"),
        (["history", "--room", "lobby", "--before", "5", "--after", "1"], "either --before SEQ or --after SEQ"),
        (["send", "--room", "lobby", "--wait", "read", "hi"], "for people only"),
        (["send", "--to", "bob", "--wait", "seen", "hi"], "--wait"),
        (["send", "--to", "bob", "--retry", "10", "hi"], "such as 10s"),
        (["send", "--to", "bob", "--retry", "0m", "hi"], "--retry"),
        (["send", "--to", "bob", "--retry", "soon", "hi"], "90s, 10m"),
        (["send", "--to", "bob", "--retry", "1m", "--spool", "hi"], "either --retry"),
        (["send", "--to", "bob", "--id", "k", "--spool", "hi"], "--id"),
        (["send", "--to", "bob", "--id", "", "hi"], "--id"),
        (["send", "--to", "bob", "--wait", "read", "--spool", "hi"], "--spool"),
        (["send", "--to", "bob", "--file", "-"], "--name project.tar"),
        (["send", "--to", "bob", "--file", "-", "--name", "a", "-"], "either the file or the TEXT"),
        (["send", "--to", "bob", "--file", "", "hi"], "--file"),
        (["send", "--to", "bob", "--file", "a", "--name", "", "hi"], "--name"),
        (["send", "--to", "bob", "--file", "a", "--file", "b"], "chatnet upload --to bob a b"),
        (["send", "--room", "lab", "--file", "a", __file__], f"chatnet upload --room lab a {__file__}"),
        (["send", "--to", "bob", "--file", "a", __file__], "--text"),
        (["send", "--to", "bob", "--file", "a", "--action"], "--action"),
        (["send", "--to", "bob", "--file", "a", "--spool"], "--retry"),
        (["send", "--to", "bob", "--name", "a", "hi"], "--file"),
        (["send", "--to", "bob", "--quiet", "hi"], "--file"),
        (["upload", "a"], "either --to USER or --room ROOM"),
        (["upload", "--to", "bob", "--room", "lab", "a"], "either --to USER or --room ROOM"),
        (["upload", "--room", "#lab", "a"], "'lab'"),
        (["upload", "--to", "bob"], "FILE"),
        (["upload", "--to", "bob", "-"], "--file - --name NAME"),
        (["files", "--room", "lab", "--with", "bob"], "either --room ROOM or --with USER"),
        (["files", "--room", "#lab"], "'lab'"),
        (["files", "remove"], "FILE_ID"),
        (["files", "remove", "video.mkv"], "FILE_ID"),
        (["download"], "FILE_ID"),
        (["download", "video.mkv"], "FILE_ID"),
        (["download", "0"], "FILE_ID"),
        (["download", str(2**63)], "FILE_ID"),
        (["download", "5", "-o", ""], "-o"),
        (["download", "5", "-o", "-", "--json"], "--json"),
        (["download", "5", "6", "-o", "one-file"], "-o DIR"),
        (["listen", "--since", "5"], "one --room ROOM"),
        (["listen", "--since", "yesterday"], "'start' or 'unread'"),
        (["export"], "either --room ROOM or --with USER"),
        (["export", "--room", "lobby", "--format", "pdf"], "--format"),
        (["rooms", "create"], "NAME"),
        (["rooms", "create", "#ops"], "'ops'"),
        (["rooms", "frobnicate"], "frobnicate"),
        (["serve", "--history", "for-ever"], "for-ever"),
        (["serve", "--frobnicate"], "--frobnicate"),
        (["send", "--as", "a", "--profile", "b", "--to", "bob", "hi"], "either --as NAME or --profile NAME"),
        (["join"], "HOST"),
        (["join", "192.168.1.20"], "say the join code too"),
        (["join", "192.168.1.20", "7KQM-4XDP"], "it has 8 characters"),
        (["join", "chatnet://192.168.1.20/7KQM-4XDP-9TBC", "7KQM-4XDP-9TBC"], "leave out the other"),
        (["join", "192.168.1.20", "7KQM-4XDP-9TBC"], "--name NAME"),
        (["join", "-", "7KQM-4XDP-9TBC"], "standard input"),
        (["login", "192.168.1.20"], "--name NAME"),
        (["login", "192.168.1.20", "--name", "alice"], "--password-stdin"),
        (["login", "192.168.1.20", "--server", "ops", "--name", "alice"], "say where once"),
        (["passwd"], "--password-stdin"),
        (["profiles", "--default", "a", "--remove", "b"], "one thing at a time"),
        (["trust", "192.168.1.20"], "FINGERPRINT or --forget"),
        (["trust", "192.168.1.20", "sha256:00"], "not a server's fingerprint"),
        (["trust", "chatnet+tcp://localhost", "sha256:00"], "only servers with TLS"),
        (["invite", "--list", "--revoke", "7KQM"], "one thing at a time"),
        (["invite", "--uses", "0"], "--uses"),
        (["admin", "role", "bob", "king"], "'admin', 'member'"),
        (["admin", "add-user", "bob", "--password"], "--password-stdin"),
        (["admin", "token"], "--label"),
        (["admin", "ban", "bob", "--for", "10"], "such as 10s"),
        (["admin", "kcik", "bob"], "Did you mean 'kick'"),
        (["rooms", "kick", "#ops", "bob"], "'ops'"),
        (["completion", "tcsh"], "tcsh"),
        (["completion"], "bash"),
    ],
)
def test_64_with_the_reason_in_two_lines(args: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(args) == 64
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("chatnet: ")
    assert len(shown.err.splitlines()) <= 2
    assert words in shown.err


def test_an_argument_with_an_escape_sequence_is_shown_harmlessly(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["\x1b[2J"]) == 64
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_one_for_the_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "_CHATNET_COMPLETE" in script
    assert f"{shell}_complete" in script


def test_the_shell_is_told_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("_CHATNET_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "chatnet send --ro")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert run([]) == 0
    assert capsys.readouterr().out.strip() == "plain,--room"


def test_the_shell_is_told_the_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("_CHATNET_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "chatnet s")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert run([]) == 0
    assert capsys.readouterr().out.split() == ["plain,serve", "plain,send", "plain,search"]


def test_sending_does_not_load_what_only_others_need() -> None:
    code = (
        "import sys\n"
        "from chatnet_cli.app import run\n"
        "assert run(['send', '--to', 'bob', '--server', 'chatnet+memory://nowhere', 'hi']) not in (0, 70)\n"
        "print(*sorted(name for name in sys.modules if '.' not in name or name.startswith('chatnet')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    loaded = set(done.stdout.split())
    assert "chatnet.client.client" in loaded
    assert not loaded & {
        "chatnet.server",
        "chatnet.core.hub",
        "chatnet.store",
        "chatnet_cli.serve",
        "chatnet_cli.chat",
        "chatnet.client.spool",
        "chatnet.client.enrolment",
        "chatnet.client.keychain",
        "chatnet_cli.trusting",
        "chatnet_cli.send_file",
        "chatnet_cli.sharing",
        "chatnet_cli.transfer_display",
        "chatnet_cli.patience",
        "shutil",
        "tempfile",
        "scramp",
        "cryptography",
        "keyring",
        "ssl",
    }


def test_no_help_in_a_list_of_commands_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    for group in ([], ["rooms"], ["admin"], ["outbox"], ["files"]):
        assert run([*group, "--help"]) == 0
        assert "..." not in capsys.readouterr().out.partition("Commands:")[2]


def test_the_lazy_commands_are_named_as_they_are_listed() -> None:
    with chatnet.make_context("chatnet", []) as ctx:
        for name in COMMANDS:
            command = chatnet.get_command(ctx, name)
            assert command is not None
            assert command.name == name
