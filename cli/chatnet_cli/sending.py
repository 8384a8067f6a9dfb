"""How ``chatnet send`` gets its message to the server: at once, again and again, or by way of the outbox on disk."""

import os
from dataclasses import dataclass

from chatnet import Client
from chatnet.client.news import PostRefused, Stored
from chatnet.client.outbox import ToRoom, ToUser
from chatnet.client.receipts import Receipt, Stage
from chatnet.client.sender import check_post
from chatnet.errors import ChatnetError, Refused
from chatnet.model import Kind
from chatnet_cli.exit_codes import ExitCode, passes
from chatnet_cli.failures import Failure, first_line
from chatnet_cli.options import Account
from chatnet_cli.outboxes import drain_one
from chatnet_cli.output import talk


@dataclass(frozen=True, slots=True)
class Saying:
    """What is to be said, by whom, to whom, and how far it is to get."""

    account: Account
    text: str
    user: str | None
    room: str | None
    action: bool
    wait: Stage
    key: str | None

    @property
    def kind(self) -> Kind:
        return Kind.ACTION if self.action else Kind.TEXT


def say(saying: Saying, retry: int | None) -> Receipt:
    """Send it after all that waits; again for ``retry`` seconds, as long as the failure is one that may pass.

    :raises ChatnetError: it was refused for good, or the last attempt failed.
    """
    if retry is None:
        return _attempt(saying, saying.key)

    from chatnet_cli.patience import Patience, keep_trying

    # One key for all attempts: one that seemed to fail may have been stored.
    key = saying.key or os.urandom(16).hex()
    return keep_trying(lambda: _attempt(saying, key), Patience(retry), lambda text: talk(f"chatnet: {text}"))


def _attempt(saying: Saying, key: str | None) -> Receipt:
    saying.account.drain()
    chat = saying.account.client()
    if key is not None:
        return _send(saying, chat, key)
    with chat:
        return _send(saying, chat, None)


def _send(saying: Saying, chat: Client, key: str | None) -> Receipt:
    return chat.send(saying.text, to=saying.user, room=saying.room, kind=saying.kind, wait=saying.wait, key=key)


def say_with_spool(saying: Saying) -> Receipt:
    """Keep it on the disk; then send all that waits, and it.

    :raises Failure: TRY_LATER: it could not be sent now, and waits for a later command.
    :raises ChatnetError: it was refused for good, or cannot be kept.
    """
    target = ToUser(saying.user) if saying.user is not None else ToRoom(saying.room or "")
    check_post(target, saying.text, saying.kind, 0)
    with saying.account.spool().claim() as outbox:
        n = outbox.add(target, saying.text, saying.kind, 0).n
        try:
            saying.account.drain()
            answers = drain_one(outbox, saying.account.client(outbox=outbox), but=n)
        except ChatnetError as error:
            if passes(error):
                reason = first_line(error)
                raise Failure(
                    ExitCode.TRY_LATER, f"queued, not sent: {reason}\nThe next command of this name sends it."
                ) from error
            outbox.remove(n)
            raise
    return _fate(n, answers)


def _fate(n: int, answers: list[Stored | PostRefused]) -> Receipt:
    answer = next(answer for answer in answers if answer.n == n)
    if isinstance(answer, PostRefused):
        raise Refused(answer.code, answer.reason)
    return Receipt(answer.conversation, answer.seq, answer.time)
