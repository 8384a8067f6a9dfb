"""Those who speak and those who hear in the rooms of a load: who is heard by whom, and who waits for what."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from _coming_in import Client
from _hearing import NUMBER, STAMP, Ear, Follower, Log, Reader, Solo, Stream, name_of, text_of
from _peer import Peer

_NO_STAMP = b"0" * len(STAMP)


class Voice:
    """One who speaks."""

    __slots__ = ("_client", "_is_stamped", "_pieces", "acked", "n", "name")

    def __init__(self, client: Client, sender: int, template: bytes, *, is_stamped: bool) -> None:
        self.name = name_of(sender)
        self.n = self.acked = 0
        """Said so far, and come to where it was waited for."""
        self._client, self._is_stamped = client, is_stamped
        self._pieces = (template if is_stamped else template.replace(STAMP, _NO_STAMP)).split(NUMBER)

    def say(self, count: int, stamp: int = 0) -> None:
        """New messages, in one go, sent at this time in nanoseconds."""
        data = b"".join([(b"%08d" % n).join(self._pieces) for n in range(self.n + 1, self.n + 1 + count)])
        self.n += count
        if self._is_stamped:
            data = data.replace(STAMP, b"%016d" % stamp)
        if self._client.sock.send(data) != len(data):
            raise BlockingIOError("the server does not read")


@dataclass(eq=False, slots=True)
class Listener:
    """One who hears, and whose hearing lets some speakers go on."""

    client: Client
    ear: Ear
    waited_for: list[Voice]


@dataclass
class Hall:
    """All rooms in which somebody speaks."""

    logs: list[Log] = field(default_factory=list)
    voices: list[Voice] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)

    def add_room(self, peer: Peer, members: Sequence[Client], senders: int, *, is_stamped: bool) -> None:
        """Senders, and those whose hearing lets them go on, are read text by text; all others are followed.

        What a sender says is waited for where it hears it itself, or where its neighbour does.
        """
        size, log = len(members), Log()
        self.logs.append(log)
        speaking: dict[int, Voice] = {}
        for place in [k * size // senders for k in range(senders)]:
            client, number = members[place], len(self.voices)
            template = peer.post(client.number, client.room, text_of(number))
            speaking[place] = voice = Voice(client, number, template, is_stamped=is_stamped)
            log.said[voice.name] = 0
            self.voices.append(voice)
        waited_for: list[list[Voice]] = [[] for _ in members]
        for place, voice in speaking.items():
            waited_for[place if peer.echo else (place + 1) % size].append(voice)
        stream = Stream(log)
        for place, client in enumerate(members):
            own, given = speaking.get(place), waited_for[place]
            ear: Ear
            if own is not None and not peer.echo:
                ear = Solo(log, own.name)
            else:
                ear = Follower(stream) if own is None and not given else Reader(log)
            self.listeners.append(Listener(client, ear, given))

    def said(self) -> int:
        """Messages, of all senders."""
        return sum(voice.n for voice in self.voices)

    def heard(self) -> int:
        """Messages that anybody heard."""
        return sum(log.heard_of(sender) for log in self.logs for sender in log.said)

    def is_all_heard(self) -> bool:
        """By everybody?"""
        return self.said() == self.heard() and not any(listener.ear.missing() for listener in self.listeners)

    def faults(self) -> Counter[str]:
        """What went wrong, once nothing more comes."""
        faults = Counter({"heard by nobody": self.said() - self.heard()})
        for listener in self.listeners:
            faults["not heard, or not as it was said"] += abs(listener.ear.missing())
        for log in self.logs:
            faults += log.faults
        return faults
