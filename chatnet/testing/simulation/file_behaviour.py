"""What the people of a simulation do with files: send, share, list, fetch and remove them, or pretend to have one."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from chatnet.client.outbox import ToRoom, ToUser
from chatnet.core.limits import KIB
from chatnet.requests import ListFiles, RemoveFile
from chatnet.testing.simulation.clients import SimulatedClient
from chatnet.testing.simulation.errands import Fetching, Sending
from chatnet.testing.simulation.file_ledger import FileLedger
from chatnet.testing.simulation.ledger import Ledger

_SIZES = (0, 1, 3000, 60 * KIB, 60 * KIB + 1, 130 * KIB, 200 * KIB, 300 * KIB, 700 * KIB)
_NAMES = ("a.txt", "b.bin", "Straße.mkv", "../../etc/passwd")
_UNGUESSABLE = 100
"""Bytes that nobody has by chance."""
_MOST_ERRANDS = 3
"""At one time; a person waits."""


class FileBehaviour:
    """Lets clients act. ``names``: of all guests, ``rooms``: where they are, ``clients``: all that are there."""

    def __init__(
        self,
        rng: Random,
        ledger: Ledger,
        folder: Path,
        names: tuple[str, ...],
        rooms: tuple[str, ...],
        clients: list[SimulatedClient],
    ) -> None:
        self._rng, self._ledger, self._folder, self._names, self._rooms = rng, ledger, folder, names, rooms
        self._clients = clients
        self._files: FileLedger = ledger.files
        self._count = 0
        self._actions: dict[Callable[[SimulatedClient], None], int] = {
            self._send: 10,
            self._send_known: 6,
            self._send_twice: 4,
            self._pretend: 3,
            self._fetch: 24,
            self._list: 2,
            self._remove: 6,
            self._cancel: 1,
        }

    def act(self, client: SimulatedClient) -> None:
        """Do one thing."""
        (action,) = self._rng.choices(list(self._actions), list(self._actions.values()))
        action(client)
        client.hear()

    # -- sending ----------------------------------------------------------------------------------------------

    def _send(self, client: SimulatedClient) -> None:
        """Something that nobody has had before, but for what is empty."""
        if len(client.errands) < _MOST_ERRANDS:
            self._ship(client, self._rng.randbytes(self._rng.choice(_SIZES)))

    def _send_known(self, client: SimulatedClient) -> None:
        """The same that somebody else has, or the same again."""
        if len(client.errands) < _MOST_ERRANDS and self._files.contents:
            self._ship(client, self._rng.choice(list(self._files.contents.values())))

    def _send_twice(self, client: SimulatedClient) -> None:
        """What another process of the same user is just sending, or somebody else: to the same place, as the same."""
        sent = [(other, errand) for other in self._clients for errand in other.errands if isinstance(errand, Sending)]
        own = [errand for other, errand in sent if other.name == client.name]
        others = [errand for other, errand in sent if other.name != client.name and not errand.is_fake]
        if len(client.errands) >= _MOST_ERRANDS or not sent:
            return
        if others and (not own or self._rng.random() < 0.5):
            errand = self._rng.choice(others)
            data = errand.path.read_bytes()
            self._files.owns(client.name, data, hashlib.sha256(data).digest())
            client.take_on(errand.again())
        elif own:
            client.take_on(self._rng.choice(own).again())

    def _ship(self, client: SimulatedClient, data: bytes) -> None:
        self._files.owns(client.name, data, hashlib.sha256(data).digest())
        client.take_on(Sending(self._file(data), self._target(), self._rng.choice(_NAMES), self._text()))

    def _pretend(self, client: SimulatedClient) -> None:
        """Only the hash of something that others have, and something else of that size."""
        owners, contents = self._files.owners, self._files.contents
        wanted = [id for id, data in contents.items() if client.name not in owners[id] and len(data) >= _UNGUESSABLE]
        if len(client.errands) >= _MOST_ERRANDS or not wanted:
            return
        digest = self._rng.choice(wanted)
        fake = self._file(self._rng.randbytes(len(self._files.contents[digest])))
        name = f"fake {self._count}"
        self._files.fakes.add(name)
        client.take_on(Sending(fake, self._target(), name, self._text(), digest))

    def _file(self, data: bytes) -> Path:
        self._count += 1
        path = self._folder / f"source-{self._count}"
        path.write_bytes(data)
        return path

    def _text(self) -> str:
        return self._rng.choice(("", f"look at {self._count}"))

    def _target(self) -> ToRoom | ToUser:
        rng = self._rng
        if rng.random() < 0.6:
            return ToRoom(rng.choice((self._rooms[0], *self._rooms)))
        return ToUser(rng.choice(self._names[:-1] if rng.random() < 0.95 else self._names))

    # -- what is there ----------------------------------------------------------------------------------------

    def _fetch(self, client: SimulatedClient) -> None:
        """One of the latest, whether it is there for this client or not."""
        if len(client.errands) >= _MOST_ERRANDS:
            return
        ids = [*self._files.files, *self._files.gone]
        if self._rng.random() < 0.75:
            me = client.app.user
            ids = [id for id, f in self._files.files.items() if self._ledger.may_read(me, f.entry.conversation)]
        if ids:
            client.take_on(Fetching(self._rng.choice(ids[-8:]), client.downloads, self._ledger))

    def _list(self, client: SimulatedClient) -> None:
        conversation = self._rng.choice((0, *client.app.applied))
        cursor = self._rng.choice((0, 3))
        client.app.ask(lambda id: ListFiles(id, conversation, cursor))

    def _remove(self, client: SimulatedClient) -> None:
        """Best of all an own one of which somebody just gets the bytes; sometimes one of somebody else."""
        own = [id for id, file in self._files.files.items() if file.entry.sender == client.app.user]
        errands = [errand for other in self._clients for errand in other.errands]
        busy = [errand for errand in errands if isinstance(errand, Fetching) and errand.file in own]
        wanted = [errand.file for errand in busy if errand.is_moving] or [errand.file for errand in busy]
        id = self._rng.choice(wanted or (own if self._rng.random() < 0.8 else []) or [*self._files.files] or [1])
        client.app.ask(lambda n: RemoveFile(n, id))

    def remove_fetched(self, reader: SimulatedClient) -> None:
        """What this client is just getting is removed by whoever sent it, if that is anybody who is there."""
        for errand in reader.errands:
            if isinstance(errand, Fetching) and errand.file in self._files.files:
                sender = self._files.files[errand.file].entry.sender
                for client in [other for other in self._clients if other.app.user == sender][:1]:
                    client.app.ask(partial(RemoveFile, file=errand.file))
                    client.hear()

    def _cancel(self, client: SimulatedClient) -> None:
        if client.errands:
            client.cancel(self._rng.choice(client.errands))
