"""The audit log: what was done by those with power over others, and to accounts.

Rule kept here: a deed is stored in the batch of the change that it tells of, so there is neither without the other. No
secret is ever in one: neither a token, nor a join code's secret half, nor anything of a password.
"""

from chatnet.clock import Now
from chatnet.core.effects import Read, Reply
from chatnet.core.entities import Session
from chatnet.core.entries import DeedsRead, PutDeed, ReadDeeds
from chatnet.core.state import State
from chatnet.events import AuditPage
from chatnet.model import Act, ConversationId, Deed, User
from chatnet.requests import ListAudit

DEED_BYTES = 64
"""At least the bytes of an encoded deed beside its texts."""


class Audit:
    """Writes the log, and shows it."""

    def __init__(self, state: State) -> None:
        self._state = state

    def record(
        self, actor: User, act: Act, subject: str, conversation: ConversationId, detail: str, now: Now
    ) -> PutDeed:
        """Store a line; call it in the turn in which the change itself is handed to the store.

        ``subject``: a login name, a room's name, a token's label, the name of an invitation. ``conversation``: the
        room in which it is done, 0 for the whole server. Returns the entry, for a change to wait for.
        """
        deed = PutDeed(now.wall, actor.id, actor.name, act, subject, conversation, detail)
        self._state.out.append(deed)
        return deed

    def list(self, session: Session, request: ListAudit) -> None:
        """Ask the store for lines. That the session is an admin's was checked before."""
        query = ReadDeeds(request.before, request.limit, token=(session.handle, request.id))
        self._state.out.append(Read(query))

    def deeds_read(self, session: Session, request: int, answer: DeedsRead) -> None:
        """The store has read what `list` asked for."""
        deeds = _first_page(answer.deeds, self._state.limits.page)
        is_all = len(deeds) == len(answer.deeds) < answer.query.limit
        following = 0 if is_all or deeds[-1].id == 1 else deeds[-1].id
        self._state.out.append(Reply(session.handle, AuditPage(request, deeds, following)))


def _first_page(deeds: list[Deed], limit: int) -> list[Deed]:
    """As many deeds from the start as fit into ``limit`` bytes; at least one, if there is any."""
    size = 0
    for i, deed in enumerate(deeds):
        # Four bytes a character are the most that UTF-8 has.
        size += DEED_BYTES + 4 * (len(deed.actor_name) + len(deed.subject) + len(deed.detail))
        if size > limit and i:
            return deeds[:i]
    return deeds
