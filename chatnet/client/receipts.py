"""What became of a message: stored, delivered to one of the recipient's devices, read.

*Stored* is a promise of the server; the other two are marks of the other user, which only personal chats have.
"""

import time
from collections.abc import Callable
from typing import Literal

import msgspec

from chatnet.client.driver import Driver
from chatnet.client.news import Stored
from chatnet.errors import ChatnetError, ErrorCode, TimedOut, Unreachable
from chatnet.model import Conversation, ConversationId, FileId, Seq

Stage = Literal["stored", "delivered", "read"]


class Receipt(msgspec.Struct, frozen=True):
    """A message is stored, for good: it is ``seq`` of its conversation."""

    conversation: ConversationId
    seq: Seq
    time: int
    """When the server got it, in milliseconds since 1970 UTC."""
    reached: Stage = "stored"
    """How far it had got when the wait for it ended."""
    file: FileId = 0
    """The file that it shares; 0 if it is none, or removed by now."""


class NotYet(TimedOut):
    """A message is stored, but did not get as far as was asked for in the time given."""

    def __init__(self, receipt: Receipt, message: str) -> None:
        super().__init__(ErrorCode.NO_ANSWER, message)
        self.receipt = receipt


def await_stage(
    driver: Driver,
    stored: Stored,
    wanted: Stage,
    name: str,
    open_chat: Callable[[], Conversation],
    deadline: float,
    file: FileId = 0,
) -> Receipt:
    """Wait until the user ``name`` has got a stored message, or has read it. ``open_chat`` finds the chat again.

    :raises NotYet: not until the deadline, or the connection was lost for good.
    """
    receipt = receipt_of(driver, stored, file)
    if wanted == "stored":
        return receipt
    try:
        while not _has_reached(receipt, wanted):
            # Marks that moved while the connection was lost are told to nobody again.
            if time.monotonic() < deadline and driver.session.is_online and not _is_known(driver, stored):
                _open_again(open_chat, stored, name)
            driver.wait(lambda: _moved(driver, stored, wanted), deadline)
            receipt = receipt_of(driver, stored, file)
    except ChatnetError as error:
        receipt = receipt_of(driver, stored, file)
        reason = "" if isinstance(error, TimedOut) else f": {error.message}"
        message = f"stored as {name}#{stored.seq}, not yet {_missing(receipt, wanted)}{reason}\n"
        message += f"It is kept for {name}; to send it again would be to say it twice."
        raise NotYet(receipt, message) from error
    return receipt


def _open_again(open_chat: Callable[[], Conversation], stored: Stored, name: str) -> None:
    if open_chat().id != stored.conversation:
        raise Unreachable(ErrorCode.NO_SUCH_USER, f"{name} is somebody else by now")


def _moved(driver: Driver, stored: Stored, wanted: Stage) -> bool | None:
    lost = driver.session.is_online and not _is_known(driver, stored)
    return lost or _has_reached(receipt_of(driver, stored), wanted) or None


def _is_known(driver: Driver, stored: Stored) -> bool:
    return driver.session.cache.is_fresh(stored.conversation)


def _has_reached(receipt: Receipt, wanted: Stage) -> bool:
    return receipt.reached == "read" or receipt.reached == wanted


def _missing(receipt: Receipt, wanted: Stage) -> Stage:
    """The first stage that is still to come."""
    return "delivered" if receipt.reached == "stored" else wanted


def receipt_of(driver: Driver, stored: Stored, file: FileId = 0) -> Receipt:
    """How far a stored message, which shares ``file``, has got by now, as far as is known."""
    chat = driver.session.cache.conversations.get(stored.conversation)
    reached: Stage = "stored"
    if chat is not None and chat.peer is not None:
        if chat.peer_read >= stored.seq or chat.peer.id == driver.session.cache.me.id:
            reached = "read"
        elif chat.peer_delivered >= stored.seq:
            reached = "delivered"
    return Receipt(stored.conversation, stored.seq, stored.time, reached, file)
