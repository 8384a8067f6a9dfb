"""Errors: a code for programs, words for people."""

import inspect
import re

import pytest

from chatnet import errors
from chatnet.errors import ChatnetError, ErrorCode, ProtocolError, Refused

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ChatnetError)]


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_is_a_chatnet_error_with_a_code_and_a_message(kind: type[ChatnetError]) -> None:
    error = kind(ErrorCode.INTERNAL, "something went wrong")
    assert (error.code, error.message, str(error)) == ("INTERNAL", "something went wrong", "something went wrong")


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_has_its_place_in_the_drawing(kind: type[ChatnetError]) -> None:
    assert re.search(rf"^ {{4}}(\+-- )?{kind.__name__} {{2,}}\S", errors.__doc__ or "", re.MULTILINE)


def test_a_code_is_its_own_name_so_that_it_never_changes() -> None:
    assert all(code.value == code.name for code in ErrorCode)


def test_a_code_of_a_newer_server_is_kept_as_it_came() -> None:
    assert ProtocolError("NEW_CODE", "?").code == "NEW_CODE"


def test_a_refusal_is_for_good_unless_it_says_for_how_long() -> None:
    assert Refused("FORBIDDEN", "no").retry_after == 0.0
    assert Refused("STORE_FULL", "later", 1.5).retry_after == 1.5
