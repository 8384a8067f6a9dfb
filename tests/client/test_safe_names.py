"""Names from others, made safe for one's own disk."""

import ntpath
import os
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatnet.client.safe_names import MOST_BYTES, MOST_SENT_BYTES, numbered, safe_name, sendable_name

NASTY = st.lists(
    st.one_of(
        st.sampled_from(
            ["..", "/", "\\", "C:", "NUL", "con", "COM1", "lpt¹", ".", " ", "~", "-", "\0", "\x1b[31m", "\u202e", "a",
             "\ud800", "\u2066", ".txt", ".tar.gz", "é", "e\u0301", "😀", "|", "x" * 300, "日本" * 60, "\n", "\u00a0"]
        ),
        st.text(max_size=5),
    ),
    max_size=8,
).map("".join)  # fmt: skip


def is_reserved(name: str) -> bool:
    """Is it a device on Windows? As Python sees it, which renamed the question in 3.13."""
    ask = getattr(ntpath, "isreserved", None) or (lambda name: PureWindowsPath(name).is_reserved())
    return bool(ask(name))


@pytest.mark.parametrize(
    "name", ["photo.jpg", "Übersicht 2024 (final).pdf", "a", "archive.tar.gz", "日本語.txt", "x" * 200, "no-dash~tilde"]
)
def test_a_name_that_is_safe_stays(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\Users\\bob\\photo.jpg", "photo.jpg"),
        ("C:evil.txt", "C_evil.txt"),
        ("notes.txt:hidden", "notes.txt_hidden"),
        ("\\\\server\\share\\x.txt", "x.txt"),
        ("folder/", "folder"),
        ("a/..", "a"),
        (".bashrc", "bashrc"),
        ("-rf", "rf"),
        ("~root", "root"),
        ("NUL", "_NUL"),
        ("con.txt", "_con.txt"),
        ("Aux .tar.gz", "_Aux .tar.gz"),
        ("com¹", "_com¹"),
        ("CONIN$", "_CONIN$"),
        ("console.log", "console.log"),
        ("a\0b", "a_b"),
        ("red\x1b[31m.txt", "red_[31m.txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("half\ud800.txt", "half_.txt"),
        ("two\nlines", "two_lines"),
        ("trailing. . ", "trailing"),
        ("no\u00a0break", "no break"),
        ("e\u0301.txt", "é.txt"),
        ('a<b>c"d|e?f*g', "a_b_c_d_e_f_g"),
        ("", "file"),
        ("...", "file"),
        ("/", "file"),
        ("\u202e", "file"),
    ],
)
def test_a_name_that_is_not_is_made_so(given: str, name: str) -> None:
    assert safe_name(given) == name


def test_a_long_name_keeps_its_suffix() -> None:
    assert safe_name("x" * 300 + ".tar.gz") == "x" * 193 + ".tar.gz"
    assert safe_name("日" * 100 + ".txt") == "日" * 65 + ".txt"
    assert safe_name("x." + "y" * 300) == "x." + "y" * 198


@given(NASTY)
@example("a" * 199 + ".")
@example("nul" + " " * 300 + ".x")
@example("CON." + "x" * 300)
def test_whatever_is_given_the_name_is_safe(given: str) -> None:
    name = safe_name(given)
    assert name.encode().decode() == name
    assert 0 < len(name.encode()) <= MOST_BYTES
    assert name == unicodedata.normalize("NFC", name)
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for char in name)
    assert not set(name) & set('/\\<>:"|?*\0')
    assert name[0] not in " .-~"
    assert name[-1] not in " ."
    for pure in (PurePosixPath, PureWindowsPath):
        assert pure(name).parts == (name,)
        assert not pure(name).is_absolute()
    assert not is_reserved(name)
    assert os.path.normpath(name) == name


@given(NASTY)
@example("NUL." + "x" * 197)
@example("NUL" + " " * 300 + "x")
def test_what_is_safe_already_is_not_changed_again(given: str) -> None:
    assert safe_name(safe_name(given)) == safe_name(given)


@given(NASTY)
def test_a_file_of_that_name_can_be_made_and_lands_in_the_folder(
    tmp_path_factory: pytest.TempPathFactory, given: str
) -> None:
    folder = tmp_path_factory.mktemp("f")
    path = folder / safe_name(given)
    path.write_bytes(b"")
    assert os.listdir(folder) == [path.name]
    assert Path(os.path.realpath(path)).parent == Path(os.path.realpath(folder))


@pytest.mark.parametrize(
    ("name", "second"),
    [("photo.jpg", "photo-2.jpg"), ("a.tar.gz", "a-2.tar.gz"), ("README", "README-2"), ("v1.2 draft", "v1.2 draft-2")],
)
def test_a_number_comes_before_the_suffix(name: str, second: str) -> None:
    assert numbered(name, 2) == second


@given(NASTY, st.integers(2, 999))
def test_a_numbered_name_is_safe_too(given: str, number: int) -> None:
    name = numbered(safe_name(given), number)
    assert len(name.encode()) <= MOST_BYTES + 4
    assert not is_reserved(name)
    assert not set(name) & set('/\\<>:"|?*\0')
    assert name[0] not in " .-~"
    assert name[-1] not in " ."


# -- names for others -----------------------------------------------------------------------------------------


@given(name=NASTY)
def test_whatever_a_file_is_called_here_a_server_can_take_its_name(name: str) -> None:
    sent = sendable_name(name)
    assert 0 < len(sent.encode()) <= MOST_SENT_BYTES
    assert not any(unicodedata.category(char) == "Cc" for char in sent)
    assert sendable_name(sent) == sent


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../a b\\c", "../a b\\c"),
        ("日本語.txt", "日本語.txt"),
        ("a\nb\x1b", "a_b_"),
        ("caf\udce9", "caf_"),
        ("", "file"),
        ("é" * 200, "é" * 127),
    ],
)
def test_a_name_stays_as_it_is_but_for_what_no_text_may_have_in_it(name: str, sent: str) -> None:
    assert sendable_name(name) == sent
