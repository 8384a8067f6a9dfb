"""What clients do to a server whose disk is watched: talk in rooms and personal chats, and all that goes with it.

They send things twice, make rooms and set marks, and two guests say something to one another and leave for good. What
they do depends on a seed alone; only how it is interleaved does not.
"""

import random
import time

from _talkers import Talker, wait_for_acks

from chatnet.events import Done, Opened, Pong
from chatnet.requests import CreateRoom, Mark, Open, Ping, Post

GUEST_HOLD_SECONDS = 0.3
_DROPPED_SECONDS = 2.5
"""After which guests who left, and what they said to one another, are forgotten for certain."""
_MOST_OUTSTANDING = 24
_MOST_CONVERSATIONS = 12


class TalkLoad:
    """Five talkers, and two guests who leave."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._talkers = [Talker(f"talker{i}") for i in range(5)]
        self._guests = [Talker("ghost1"), Talker("ghost2")]
        self.everybody = self._talkers + self._guests
        self._conversations: list[int] = []
        self._made = 0
        self.dropped = 0
        """The personal chat of those who left."""

    @property
    def said(self) -> dict[bytes, dict[int, tuple[int, str]]]:
        """By device and number: conversation and text."""
        return {t.device: {n: (post.conversation, post.body) for n, post in t.said.items()} for t in self.everybody}

    # -- the course of things -----------------------------------------------------------------------------------

    def begin(self, port: int, *, guests_leave: bool) -> None:
        """Log in, make rooms, look up chats; the guests talk and leave, and with time are forgotten.

        :raises Lost: the server is gone, as in all that follows.
        """
        for talker in self.everybody:
            talker.connect(port)
        one, two, *_ = self._talkers
        for name in ("red", "green"):
            self._make_room(one, name)
        self._conversations.append(one.ask(lambda id: Open(id, user=two.name), Opened).conversation.id)
        self._conversations.append(two.ask(lambda id: Open(id, user=two.name), Opened).conversation.id)
        for conversation in self._conversations[2:]:
            two.send(two.post(conversation, "a chat is kept from its first message on"))
        wait_for_acks([two])
        ghost, other = self._guests
        self.dropped = ghost.ask(lambda id: Open(id, user=other.name), Opened).conversation.id
        for i in range(3):
            for guest in self._guests:
                guest.send(guest.post(self.dropped, f"whisper {i}"), guest.post(self._conversations[0], f"aloud {i}"))
            wait_for_acks(self._guests)
        if guests_leave:
            for guest in self._guests:
                guest.close()
            time.sleep(_DROPPED_SECONDS)

    def talk(self, rounds: int) -> None:
        """Say and do things."""
        for _ in range(rounds):
            for talker in self._talkers:
                if talker.outstanding < _MOST_OUTSTANDING - 20:
                    self._take_turn(talker)
            if self._chance.random() < 0.8:
                wait_for_acks(self._talkers)
        wait_for_acks(self._talkers)

    def come_back(self, port: int) -> None:
        """Log in again, and send again what has no answer: what the killed server had written but not synced, too."""
        for talker in self._talkers:
            talker.connect(port)
        for talker in self._talkers:
            # The first of them may be stored. Then it is acked without a new sync, and there is time to lose it.
            talker.send(*talker.unanswered[:1])
            for _ in range(5):
                talker.ask(Ping, Pong)
        for talker in self._talkers:
            talker.send(*talker.unanswered)
        wait_for_acks(self._talkers)

    def hang_up(self) -> None:
        """Close all connections."""
        for talker in self.everybody:
            talker.close()

    # -- turns ------------------------------------------------------------------------------------------------

    def _take_turn(self, talker: Talker) -> None:
        what = self._chance.random()
        if what < 0.7:
            talker.send(*(self._say(talker) for _ in range(self._chance.randint(1, 4))))
        elif what < 0.85 and talker.said:
            again = list(talker.said.values())[-self._chance.randint(1, 20) :]
            talker.send(*again)
        elif what < 0.95 and talker.acks:
            ack = self._chance.choice(list(talker.acks.values()))
            talker.ask(lambda id: Mark(id, ack.conversation, ack.seq, ack.seq), Done)
        elif len(self._conversations) < _MOST_CONVERSATIONS:
            self._made += 1  # also if nobody hears any more that it was made
            self._make_room(talker, f"room{self._made}")

    def _say(self, talker: Talker) -> Post:
        # The two of the chats are the first talkers; the rooms are for all.
        rooms = self._conversations[:2] + self._conversations[4:]
        mine = self._conversations if talker is self._talkers[1] else rooms
        text = f"{talker.name} says {talker.n + 1} " + "and on " * self._chance.randint(0, 60)
        return talker.post(self._chance.choice(mine), text)

    def _make_room(self, talker: Talker, name: str) -> None:
        self._conversations.append(talker.ask(lambda id: CreateRoom(id, name), Opened).conversation.id)
