"""Finding and copying in histories of any length."""

from datetime import datetime
from typing import Any

import pytest

from chatnet.errors import ErrorCode, Refused
from chatnet.model import Hit, Kind
from chatnet_gui.viewmodels.copying import as_text, message_text
from chatnet_gui.viewmodels.searching import FEW
from chatnet_gui.viewmodels.session import SessionModel
from tests.gui.making import LOBBY, FakeNetwork, FakeServer, file_message, logged_in, message, shared

WHEN = f"{datetime.fromtimestamp(message(1).time / 1000):%Y-%m-%d %H:%M}"


class Answer:
    """What comes of a search, or of copying."""

    def __init__(self) -> None:
        self.hits: list[int] = []
        self.may_be_more = False
        self.reasons: list[str] = []
        self.text, self.count = "", 0

    def show(self, hits: list[Hit], may_be_more: bool) -> None:
        self.hits, self.may_be_more = [hit.message.seq for hit in hits], may_be_more

    def fail(self, reason: str) -> None:
        self.reasons.append(reason)

    def copied(self, text: str, count: int) -> None:
        self.text, self.count = text, count


class WithoutIndex(FakeServer):
    """As with ``--history none``."""

    def search(self, words: str, *, room: str | None, with_: str | None, limit: int) -> list[Hit]:
        raise Refused(ErrorCode.UNSUPPORTED, "this server has no index")


def searched(server: FakeServer, words: str, **more: Any) -> Answer:
    session, network = logged_in(server)
    answer = Answer()
    session.search(words, answer.show, answer.fail, **more)
    network.run(session)
    return answer


def long(server: FakeServer, count: int = 5000) -> FakeServer:
    server.histories[LOBBY] = [
        message(seq, f"Needle {seq}" if seq % 1000 == 7 else "hay") for seq in range(1, count + 1)
    ]
    return server


def test_a_server_without_an_index_is_searched_page_by_page() -> None:
    answer = searched(long(WithoutIndex()), "needle")
    assert answer.hits == [4007, 3007, 2007, 1007, 7]
    assert not answer.may_be_more


def test_all_words_must_be_there_and_beginnings_count() -> None:
    assert searched(long(WithoutIndex()), "need* 3007").hits == [3007]
    assert searched(long(WithoutIndex()), "needle nothing").hits == []


def test_of_many_only_the_newest_are_shown_until_older_ones_are_wanted() -> None:
    server = WithoutIndex()
    server.histories[LOBBY] = [message(seq, "needle") for seq in range(1, 301)]
    first = searched(server, "needle")
    assert first.hits == list(range(300, 300 - FEW, -1))
    assert first.may_be_more
    assert len(searched(server, "needle", most=2000).hits) == 300


def test_a_search_for_nothing_asks_for_a_word() -> None:
    assert searched(FakeServer(), "  ").reasons == ["Type a word to look for."]


def test_a_server_that_says_no_is_heard() -> None:
    class Failing(FakeServer):
        def search(self, words: str, *, room: str | None, with_: str | None, limit: int) -> list[Hit]:
            raise Refused(ErrorCode.BAD_REQUEST, "too many words\nuse fewer")

    assert searched(Failing(), "x").reasons == ["too many words"]


@pytest.fixture
def opened() -> tuple[SessionModel, FakeNetwork]:
    return logged_in(long(FakeServer()))


def test_what_is_shown_is_copied_without_asking_the_server(opened: tuple[SessionModel, FakeNetwork]) -> None:
    session, network = opened
    answer = Answer()
    asked = network.server.asked
    session.copy(4999, 5000, answer.copied)
    assert answer.text.count("hay") == 2
    assert network.server.asked == asked


def test_a_long_history_is_copied_in_pages_and_in_order(opened: tuple[SessionModel, FakeNetwork]) -> None:
    session, network = opened
    answer = Answer()
    session.copy(1, 5000, answer.copied)
    network.run(session)
    assert answer.count == 5000
    assert [line.rpartition(" ")[2] for line in answer.text.splitlines() if "Needle" in line] == [
        "7", "1007", "2007", "3007", "4007",
    ]  # fmt: skip


def test_what_was_cleared_is_not_copied(opened: tuple[SessionModel, FakeNetwork]) -> None:
    session, network = opened
    session.clear()
    answer = Answer()
    session.copy(1, 5000, answer.copied)
    network.run(session)
    assert (answer.text, answer.count) == ("", 0)


def test_copied_text_says_who_and_when_and_is_harmless() -> None:
    assert message_text(message(1, "hi\u202e there\n")) == f"[{WHEN}] bob: hi\\u202e there"
    assert message_text(message(1, "waves", kind=Kind.ACTION)) == f"[{WHEN}] * bob waves"
    assert message_text(file_message(1, shared("a.txt"), "look")) == f"[{WHEN}] bob: <a.txt> look"
    assert message_text(file_message(1, None)) == f"[{WHEN}] bob: <a file that is gone>"
    assert as_text([message(1, "a"), message(2, "b")]).endswith("bob: b\n")
