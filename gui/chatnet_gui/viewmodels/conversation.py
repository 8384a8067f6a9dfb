"""One conversation as its window shows it: a piece of at most `WINDOW` messages of a history of any length.

The piece is always contiguous. While it reaches to the newest message (`at_end`), what is said is added to it; a
reader who is far above is not disturbed: then the piece stays as it is, and `below` counts what is under it.
"""

from collections.abc import Sequence
from datetime import date, tzinfo

from msgspec.structs import replace

from chatnet.model import Conversation, Kind, Message, Seq, User
from chatnet_gui.viewmodels.file_rows import NO_FILES, FilesLook
from chatnet_gui.viewmodels.rows import Look, Pending, Row, RowCache, rows

PAGE = 200
WINDOW = 600


class ConversationModel:
    """State of one conversation. Whoever has the network fetches `newest`, `older` and `newer`, and hands them in."""

    def __init__(self, info: Conversation, *, hidden: Seq = 0, draft: str = "") -> None:
        """``hidden``: nothing up to here is shown, since the user has cleared it."""
        self.info = info
        self.messages: list[Message] = []
        self.pending: list[Pending] = []
        self.hidden = hidden if hidden <= info.head else 0
        self.draft = draft
        self.unread = 0
        self.mentioned = False
        """Is one's own name among what is unread?"""
        self.new_from: Seq = 0
        self.is_loaded = self.at_end = False
        self.is_following = True
        """Does the reader stand at the newest message?"""
        self.is_loading = False
        self.unfolded: frozenset[Seq] = frozenset()
        self.sought: Seq = 0
        """A message that is to come before the reader's eyes, until it has."""
        self._cache = RowCache(2 * WINDOW)

    # -- what it is -------------------------------------------------------------------------------------------

    @property
    def is_room(self) -> bool:
        return self.info.room is not None

    @property
    def name(self) -> str:
        """The room's name, or the other one's login name."""
        if self.info.room is not None:
            return self.info.room.name
        return self.info.peer.name if self.info.peer is not None else ""

    @property
    def key(self) -> str:
        """By which it is known in files: ids are a server's own."""
        return f"{'room' if self.is_room else 'user'}:{self.name.casefold()}"

    @property
    def first(self) -> Seq:
        """The oldest message that may be shown."""
        return max(self.info.first, self.hidden + 1)

    @property
    def below(self) -> int:
        """How many messages there are below the piece."""
        return max(0, self.info.head - self.messages[-1].seq) if self.messages else 0

    # -- which messages are wanted ----------------------------------------------------------------------------

    def newest(self) -> tuple[Seq, Seq] | None:
        """The range to fetch first; None if there is nothing in it."""
        return self._range(self.info.head - PAGE + 1, self.info.head)

    def older(self) -> tuple[Seq, Seq] | None:
        """The page above the piece; None if there is none, or one is on its way."""
        if self.is_loading or not self.messages:
            return None
        return self._range(self.messages[0].seq - PAGE, self.messages[0].seq - 1)

    def newer(self) -> tuple[Seq, Seq] | None:
        """The page below the piece; None if there is none, or one is on its way."""
        if self.is_loading or self.at_end or not self.messages:
            return None
        last = self.messages[-1].seq
        return self._range(last + 1, min(last + PAGE, self.info.head))

    def around(self, seq: Seq) -> tuple[Seq, Seq] | None:
        """The page with a message in its middle."""
        low = max(self.first, min(seq - PAGE // 2, self.info.head - PAGE + 1))
        return self._range(low, min(low + PAGE - 1, self.info.head))

    def _range(self, low: Seq, high: Seq) -> tuple[Seq, Seq] | None:
        low = max(low, self.first)
        return (low, high) if low <= high else None

    def has(self, seq: Seq) -> bool:
        """Is this message in the piece?"""
        return bool(self.messages) and self.messages[0].seq <= seq <= self.messages[-1].seq

    def take_sought(self) -> Seq:
        """The message to bring before the reader's eyes, once; 0 for none."""
        sought, self.sought = (self.sought, 0) if self.has(self.sought) else (0, self.sought)
        return sought

    # -- messages that come -----------------------------------------------------------------------------------

    def put_page(self, page: Sequence[Message]) -> None:
        """Show this piece, from wherever it is, instead of what is shown."""
        self.messages = [message for message in page if message.seq >= self.first]
        self.is_loaded, self.is_loading = True, False
        last = self.messages[-1].seq if self.messages else 0
        self.info = replace(self.info, head=max(self.info.head, last))
        self.at_end = last >= self.info.head or not self.messages

    def put_older(self, page: Sequence[Message]) -> None:
        """Put a page above; what is then too much goes at the lower end."""
        self.is_loading = False
        if not self.messages:
            return
        above = [message for message in page if self.first <= message.seq < self.messages[0].seq]
        self.messages = above + self.messages
        if len(self.messages) > WINDOW:
            del self.messages[WINDOW:]
            self.at_end = False
        if not above:  # the server keeps no more
            self.info = replace(self.info, first=self.messages[0].seq)

    def put_newer(self, page: Sequence[Message]) -> None:
        """Put a page below; what is then too much goes at the upper end."""
        self.is_loading = False
        last = self.messages[-1].seq if self.messages else 0
        self.messages += [message for message in page if message.seq > last]
        del self.messages[: max(0, len(self.messages) - WINDOW)]
        self.at_end = bool(self.messages) and self.messages[-1].seq >= self.info.head

    def add(self, message: Message) -> bool:
        """Somebody has said something. False if that is known already."""
        is_new = message.seq > self.info.head
        shown_to = self.messages[-1].seq if self.messages else 0
        self.info = replace(self.info, head=max(self.info.head, message.seq))
        if not self.is_loaded or not self.at_end or message.seq <= shown_to:
            return is_new
        if message.seq > shown_to + 1 and self.messages:
            self.at_end = False  # something is missing in between: it is there when the reader gets to it
        elif self.is_following or len(self.messages) < WINDOW:
            self.messages.append(message)
            if len(self.messages) > WINDOW:
                del self.messages[: len(self.messages) - WINDOW]
        else:
            self.at_end = False
        return is_new or message.seq > shown_to

    def lose_file(self, seq: Seq) -> None:
        """The file of this message is gone from the server."""
        self.messages = [replace(said, file=None) if said.seq == seq else said for said in self.messages]

    def message(self, seq: Seq) -> Message | None:
        """One of the piece."""
        return self.messages[seq - self.messages[0].seq] if self.has(seq) else None

    # -- what one does ----------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Show nothing of what was said up to now; the history stays where it is."""
        self.hidden = self.info.head
        self.messages = []
        self.at_end, self.new_from = True, 0

    def show_earlier(self) -> None:
        """Show it again; the newest page has to be fetched."""
        self.hidden = 0
        self.is_loaded = False

    def restart(self, info: Conversation) -> None:
        """The server has another history than was known: fetch it anew. What waits, and the draft, stay."""
        self.info = info
        self.messages = []
        self.hidden = self.new_from = self.unread = 0
        self.mentioned = self.is_loaded = self.at_end = self.is_loading = False
        self._cache = RowCache(2 * WINDOW)

    def toggle_fold(self, seq: Seq) -> None:
        """Show a long message whole, or not any more."""
        self.unfolded ^= {seq}

    def missed(self, seq: Seq, *, mentioned: bool) -> None:
        """A message has come that nobody has seen."""
        self.unread += 1
        self.mentioned = self.mentioned or mentioned
        if not self.new_from:
            self.new_from = seq

    def seen(self) -> Seq:
        """Everything is before the reader's eyes; the seq to tell the server, 0 for none."""
        self.unread, self.mentioned = 0, False
        if self.info.head <= self.info.read:
            return 0
        self.info = replace(self.info, read=self.info.head)
        return self.info.head

    # -- pending ----------------------------------------------------------------------------------------------

    def wait(self, pending: Pending) -> None:
        """Something was typed that the server has not stored yet."""
        self.pending.append(pending)

    def heard_own(self, body: str, kind: Kind) -> None:
        """One's own words have come back from the server: they wait no longer."""
        for waiting in self.pending:
            if not waiting.refused and (waiting.text, waiting.kind) == (body, kind):
                self.pending.remove(waiting)
                return

    def dismiss(self, token: int) -> str:
        """Take what was refused away; its text."""
        found = [p for p in self.pending if p.token == token and p.refused]
        self.pending = [p for p in self.pending if p not in found]
        return found[0].text if found else ""

    def settle(self, token: int, refused: str = "") -> None:
        """The server has answered."""
        if refused:
            self.pending = [_refused(p, refused) if p.token == token else p for p in self.pending]
        else:
            self.pending = [p for p in self.pending if p.token != token]

    # -- what is shown ----------------------------------------------------------------------------------------

    def rows(
        self,
        me: User,
        today: date,
        people: frozenset[str],
        *,
        hours24: bool,
        zone: tzinfo | None,
        files: FilesLook = NO_FILES,
    ) -> list[Row]:
        """The rows of the list; what waits stands below the newest message only."""
        chat = not self.is_room
        look = Look(
            me,
            today,
            hours24=hours24,
            zone=zone,
            new_from=self.new_from,
            delivered=max(self.info.peer_delivered, self.info.peer_read) if chat else 0,
            read=self.info.peer_read if chat else 0,
            people=people,
            unfolded=self.unfolded,
            files=files,
        )
        pending = self.pending if self.at_end or not self.is_loaded else ()
        return rows(self.messages, pending, look, self._cache)

    def scroll_span(self, top: float, bottom: float) -> tuple[float, float]:
        """Where the reader is in the whole history, from where he is in the piece; all from 0 to 1."""
        total = self.info.head - self.first + 1
        if not self.messages or total <= len(self.messages):
            return top, bottom
        above, size = self.messages[0].seq - self.first, len(self.messages)
        return (above + top * size) / total, (above + bottom * size) / total

    def seq_at(self, fraction: float) -> Seq:
        """The message at a place in the whole history, from 0 to 1."""
        total = self.info.head - self.first + 1
        return self.first + int(max(0.0, min(1.0, fraction)) * max(0, total - 1))


def _refused(pending: Pending, reason: str) -> Pending:
    """The same message, with why it was not sent."""
    return Pending(pending.token, pending.text, pending.kind, reason)
