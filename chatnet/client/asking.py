"""Questions to the server, asked again where the answer was lost with a connection, and lists from pages."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from chatnet.client.connection import Make
from chatnet.client.dialogue import expect
from chatnet.client.driver import Driver
from chatnet.events import BanPage, ConnectionPage, ConversationPage, Event, MemberPage, RoomPage, TokenPage, UserPage
from chatnet.requests import Request

E = TypeVar("E", bound=Event)
P = TypeVar("P", BanPage, ConnectionPage, ConversationPage, MemberPage, RoomPage, TokenPage, UserPage)
T = TypeVar("T")


def ask(driver: Driver, expected: type[E], question: Callable[[], int]) -> E:
    """Ask until there is a reply. ``question`` asks the session, and returns the number of the `Answer` to come.

    :raises Refused, TimedOut, Unreachable: as `Driver.answer_to`.
    :raises ProtocolError: BAD_FRAME: the reply is none to this question.
    """
    deadline = driver.deadline(None)
    while (reply := driver.answer_to(question, deadline)) is None:
        pass
    return expect(expected, reply)


def request(driver: Driver, expected: type[E], make: Make) -> E:
    """Send a request until there is a reply."""
    return ask(driver, expected, lambda: driver.session.request(make))


def pages(
    driver: Driver, expected: type[P], make: Callable[[int, int], Request], items: Callable[[P], list[T]]
) -> list[T]:
    """All items of a list. ``make`` builds the request for one page around its id and the cursor."""
    found: list[T] = []
    cursor = 0
    while True:
        page = request(driver, expected, partial(_at, make, cursor))
        found += items(page)
        if page.next <= cursor:
            return found
        cursor = page.next


def _at(make: Callable[[int, int], Request], cursor: int, id: int) -> Request:
    return make(id, cursor)
