"""The nouns: frozen, and encoded so that older and newer programs understand each other."""

import msgspec
import pytest

from chatnet.model import Conversation, Kind, Message, Record, Room, User

RECORDS: list[Record] = [
    User(1, "alice"),
    Room(2, "dev"),
    Conversation(3, None, User(1, "alice")),
    Message(1, 0, 1, "alice", "", Kind.TEXT, "hi"),
]
pytestmark = pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)


def test_nothing_can_be_changed(record: Record) -> None:
    with pytest.raises(AttributeError):
        setattr(record, record.__struct_fields__[0], 7)


def test_what_an_older_program_does_not_send_has_its_default(record: Record) -> None:
    needed = len(record.__struct_fields__) - len(record.__struct_defaults__)
    fields = msgspec.to_builtins(record)[:needed]
    assert msgspec.convert(fields, type(record)) == record


def test_what_a_newer_program_sends_besides_is_ignored(record: Record) -> None:
    assert msgspec.convert([*msgspec.to_builtins(record), "new"], type(record)) == record


def test_ids_are_never_negative_or_too_large_to_store(record: Record) -> None:
    for number in (-1, 2**63):
        fields = msgspec.to_builtins(record)
        fields[0] = number
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(fields, type(record))
