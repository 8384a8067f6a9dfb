"""docs/protocol.md says what the code does: every type, tag, field, default, frame, code and limit."""

import re
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from chatnet import events, model, requests
from chatnet.auth.names import LINE_MAX
from chatnet.core.limits import GIB, KIB, MIB, Limits
from chatnet.core.moderation import MOST_SECONDS
from chatnet.core.uploads import NAME_BYTES
from chatnet.errors import ErrorCode
from chatnet.events import Event
from chatnet.model import (
    CHUNK_BYTES,
    WINDOW_BYTES,
    Act,
    Ban,
    ConnectionInfo,
    Conversation,
    Deed,
    Happening,
    Hit,
    Invitation,
    Kind,
    LogLine,
    Member,
    Message,
    Piece,
    Rank,
    Role,
    Room,
    Scope,
    ServerInfo,
    SharedFile,
    Token,
    User,
    Verifier,
)
from chatnet.requests import Proof, Request
from chatnet.testing.strategies import EVENT_TYPES, REQUEST_TYPES
from chatnet.wire.codec import decode_event, decode_request, encode
from chatnet.wire.frames import HEADER_BYTES, MAX_PAYLOAD, PREFACE, FrameReader, read_preface

DOC = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
MESSAGES: tuple[type[Request] | type[Event], ...] = (*REQUEST_TYPES, *EVENT_TYPES)
RECORDS = (
    User,
    Room,
    Conversation,
    SharedFile,
    Piece,
    Message,
    Hit,
    Verifier,
    Token,
    Invitation,
    Member,
    Ban,
    Deed,
    ServerInfo,
    LogLine,
    ConnectionInfo,
)
ENUMS = (Kind, Proof, Role, Rank, Scope, Act, Happening)
NAMES = {**vars(model), **vars(requests), **vars(events)}
"""What an example may be made of. Requests and events have no name in common."""
INT64_MAX = 2**63 - 1


def section(heading: str) -> str:
    """The text below a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{level}}} |\Z)", DOC, re.MULTILINE | re.DOTALL)
    assert found, f"no section {heading!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of all tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    heads = {i - 1 for i, row in enumerate(cells) if set(row[0]) == {"-"}}
    return [row for i, row in enumerate(cells) if i not in heads and i - 1 not in heads]


def type_name(info: inspect.Type) -> str:
    match info:
        case inspect.IntType(ge=None, le=None):
            return "integer"
        case inspect.IntType(ge=0, le=high) if high == INT64_MAX:
            return "natural"
        case inspect.IntType(ge=low, le=high):
            return f"{low}.." if high == INT64_MAX else f"{low}..{high}"
        case inspect.FloatType():
            return "float"
        case inspect.BoolType():
            return "bool"
        case inspect.StrType():
            return "text"
        case inspect.BytesType(min_length=low, max_length=high):
            return "bytes" if low is None else f"bytes {low}" if low == high else f"bytes {low}..{high}"
        case inspect.NoneType():
            return "nil"
        case inspect.ListType(item_type=item):
            return f"list of {type_name(item)}"
        case inspect.UnionType(types=types):
            return " or ".join(map(type_name, types))
        case inspect.StructType(cls=cls) | inspect.EnumType(cls=cls):
            return f"[{cls.__name__}](#{cls.__name__.lower()})"
        case _:
            raise NotImplementedError(f"the page has no name for {info}")


def default_of(field: inspect.Field) -> str:
    match field.default:
        case _ if field.required:
            return ""
        case None:
            return "nil"
        case bool(value):
            return str(value).lower()
        case int(value) | float(value):
            return f"{value:g}"
        case _:
            assert field.default == "" or field.default_factory is list
            return "empty"


def fields_of(kind: type[msgspec.Struct]) -> list[tuple[str, str, str]]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return [(f"`{field.name}`", type_name(field.type), default_of(field)) for field in info.fields]


def example(kind: type[Any]) -> tuple[Any, bytes]:
    """The value and the frame of a type's example."""
    blocks = re.findall(
        r"^```frame\n(.*?)\n([0-9a-f]{8} [0-9a-f\s]*?)\n```$", section(f"### {kind.__name__}"), re.M | re.S
    )
    assert len(blocks) == 1, f"{len(blocks)} examples of {kind.__name__}"
    value, digits = blocks[0]
    return eval(value, {"__builtins__": {}}, NAMES), bytes.fromhex(digits)


# -- types ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "kinds"), [("## Requests", REQUEST_TYPES), ("## Events", EVENT_TYPES), ("## Records", (*RECORDS, *ENUMS))]
)
def test_every_type_is_documented_where_it_belongs(title: str, kinds: tuple[type, ...]) -> None:
    assert re.findall(r"^### (\w+)$", section(title), re.MULTILINE) == [kind.__name__ for kind in kinds]


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_tags_are_as_documented(kind: type[msgspec.Struct]) -> None:
    assert section(f"### {kind.__name__}").lstrip().startswith(f"Tag {kind.__struct_config__.tag}. ")


@pytest.mark.parametrize("kind", [*MESSAGES, *RECORDS], ids=lambda kind: kind.__name__)
def test_fields_are_as_documented(kind: type[msgspec.Struct]) -> None:
    documented = rows(section(f"### {kind.__name__}"))
    assert [tuple(row[:3]) for row in documented] == fields_of(kind)
    assert all(row[3] for row in documented)


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_a_documented_frame_is_the_documented_value(kind: type[Any]) -> None:
    value, frame = example(kind)
    assert type(value) is kind
    reader = FrameReader(MAX_PAYLOAD)
    reader.receive(frame)
    payload = reader.next_frame()
    assert payload == frame[HEADER_BYTES:]
    assert (decode_request(payload) if issubclass(kind, Request) else decode_event(payload)) == value
    assert encode(value) == frame


@pytest.mark.parametrize("kind", ENUMS, ids=lambda kind: kind.__name__)
def test_enumerations_are_as_documented(kind: type[IntEnum]) -> None:
    found = rows(section(f"### {kind.__name__}"))
    assert [row[:2] for row in found] == [[f"`{value.name}`", str(value.value)] for value in kind]


def test_the_preface_is_as_documented() -> None:
    digits = re.findall(r"^```preface\n([0-9a-f]+)\n```$", DOC, re.MULTILINE)
    assert [bytes.fromhex(found) for found in digits] == [PREFACE]
    assert read_preface(PREFACE)


# -- codes and limits -----------------------------------------------------------------------------------------


def test_every_code_is_documented_once() -> None:
    documented = [row[0].strip("`") for row in rows(section("## Codes"))]
    assert sorted(documented) == sorted(ErrorCode)


def test_every_code_that_the_page_mentions_exists() -> None:
    values = {value.name for kind in ENUMS for value in kind}
    assert set(re.findall(r"`([A-Z][A-Z_]+)`", DOC)) - values - {"CHAT"} <= set(ErrorCode)


def test_limits_are_as_documented() -> None:
    limits = Limits()
    assert limits.wasted_connection_seconds == limits.failed_login_seconds == 60

    def seconds(value: float) -> str:
        return f"{value:g} s"

    def size(value: float) -> str:
        for unit, name in ((GIB, "GiB"), (MIB, "MiB")):
            if value >= unit:
                return f"{value / unit:g} {name}"
        return f"{value / KIB:g} KiB"

    assert {row[0]: row[1] for row in rows(section("## Limits"))} == {
        "from the connection to a finished TLS handshake": seconds(limits.handshake_seconds),
        "from the connection to a finished login": seconds(limits.login_seconds),
        "connections that have not logged in": str(limits.strangers),
        "connections from one address that do not log in": f"{limits.wasted_connections_per_place} a minute",
        "failed logins of one account from one address": f"{limits.failed_logins_per_account} a minute",
        "failed logins from one address": f"{limits.failed_logins_per_place} a minute",
        "sessions of one user": str(limits.sessions_per_user),
        "payload of a frame to the server, before login": size(limits.frame_before_login),
        "payload of a frame to the server, after login": size(limits.frame),
        "payload of a frame to the client": size(MAX_PAYLOAD),
        "text of a message": f"{size(limits.text)} of UTF-8",
        "posts without an answer": str(limits.unanswered),
        "posts": f"{limits.post_burst:g} at once, then {limits.posts_per_second:g} a second",
        "text": f"{size(limits.text_burst)} at once, then {size(limits.text_per_second)} a second",
        "other requests": f"{limits.request_burst:g} at once, then {limits.requests_per_second:g} a second",
        "silence of the client, until it is asked": seconds(limits.ping_seconds),
        "silence of the client, until it is given up": seconds(limits.silence_seconds),
        "anything waiting to be read by the client, before login": size(limits.output_before_login),
        "messages waiting to be read by the client": size(limits.output_soft),
        "anything else waiting to be read by the client": size(limits.output_hard),
        "a page of anything that can grow": size(limits.page),
        "rooms that one guest may own": str(limits.rooms_per_guest),
        "rooms that one account may own": f"{limits.rooms_per_account:,}",
        "a topic, or the reason of an act": f"one line of {LINE_MAX} characters",
        "how long a ban or mute lasts": f"{MOST_SECONDS // (365 * 86_400)} years, or for good",
        "one file": size(limits.file),
        "all files and uploads of one account": size(limits.files_per_user),
        "all files and uploads of one guest": size(limits.files_per_guest),
        "files and uploads of one user": f"{limits.file_count_per_user:,}",
        "files and uploads of the server": f"{limits.files:,}",
        "a file's name": f"{NAME_BYTES} bytes of UTF-8",
        "bytes of a file in one frame": size(CHUNK_BYTES),
        "bytes of a transfer that are on their way": size(WINDOW_BYTES),
        "uploads and downloads of one connection at a time": str(limits.transfers_per_session),
        "uploads and downloads of all connections at a time": str(limits.transfers),
        "an upload that nobody goes on with": f"{limits.upload_seconds / 86_400:g} days",
        "a file that nobody posts": f"{limits.unposted_seconds / 3600:g} h",
        "a guest's name and chats, after its last session": f"{limits.guest_hold_seconds / 3600:g} h",
    }


def test_links_within_the_page_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", DOC, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", DOC)) <= anchors
