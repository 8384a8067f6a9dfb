"""What is sent is what was given, or a reason why it cannot be."""

import io
import sys

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet_cli.failures import Failure
from chatnet_cli.message_text import ENOUGH, MAX_BYTES, decode_text, message_text, read_text


class Stdin(io.TextIOWrapper):
    """Standard input with these bytes in it."""

    def __init__(self, data: bytes, *, is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(data))
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"from the pipe\n"))


@pytest.mark.usefixtures("pipe")
def test_the_argument_is_the_text() -> None:
    assert message_text(("hi\n",)) == "hi\n"


@pytest.mark.usefixtures("pipe")
@pytest.mark.parametrize("words", [(), ("-",)])
def test_standard_input_is_the_text_without_its_last_line_end(words: tuple[str, ...]) -> None:
    assert message_text(words) == "from the pipe"


def test_a_terminal_is_not_waited_for_unless_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"typed\n", is_terminal=True))
    with pytest.raises(click.UsageError, match="chatnet send --to bob"):
        message_text(())
    assert message_text(("-",)) == "typed"


@pytest.mark.parametrize("text", ["", "x" * (MAX_BYTES + 1), "é" * (MAX_BYTES // 2) + "x", "caf\udce9"])
def test_an_argument_that_no_server_takes_is_65(text: str) -> None:
    with pytest.raises(Failure) as failure:
        message_text((text,))
    assert failure.value.exit_code == 65


def test_a_text_of_the_greatest_length_is_taken() -> None:
    assert message_text(("é" * (MAX_BYTES // 2),)) == "é" * (MAX_BYTES // 2)
    for end in (b"", b"\n", b"\r\n"):
        assert read_text(io.BytesIO(b"x" * MAX_BYTES + end)) == "x" * MAX_BYTES


def test_an_endless_input_is_not_read_to_its_end() -> None:
    class Endless(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert size > 0
            self.taken += size
            return b"y" * size

    endless = Endless()
    with pytest.raises(Failure, match="16384"):
        read_text(endless)
    assert endless.taken <= ENOUGH


@given(st.binary(max_size=100) | st.text().map(str.encode))
def test_any_bytes_are_a_text_exactly_if_they_are_utf_8(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError:
        with pytest.raises(Failure, match="UTF-8"):
            decode_text(data)
    else:
        assert decode_text(data) in (data.decode().replace("\r\n", "\n"), data.decode().replace("\r\n", "\n")[:-1])


@given(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])))
def test_a_text_comes_through_whole_but_for_its_last_line_end(text: str) -> None:
    assert decode_text(text.encode() + b"\n") == text
