"""What can be seen of files from inside the server: that nothing is held, counted or buffered that should not be."""

from collections import Counter
from collections.abc import Iterator

from chatnet.core.file_entities import Download, FileState, Upload
from chatnet.core.hub import Hub
from chatnet.model import CHUNK_BYTES, WINDOW_BYTES, Digest, UserId
from chatnet.net.peer import Peer
from chatnet.testing.simulation.file_ledger import FileLedger
from chatnet.testing.simulation.trace import Violation

_HEADER_BYTES = 64
_AHEAD = 2


class FileInsides:
    """The parts of a hub that deal with files."""

    def __init__(self, hub: Hub, ledger: FileLedger) -> None:
        self._state, self._shelves = hub._state, hub._shelves
        self._rows, self._lanes = hub._transfers._rows, hub._transfers._lanes
        self._ledger = ledger

    @property
    def is_busy(self) -> bool:
        """Does anybody wait for anything?"""
        return bool(self._lanes.active or self._rows._dropping or self._shelves._dropping)

    def check(self) -> None:
        """Are all counts what a recount gives, and all buffers within their caps?"""
        self._check_holds()
        self._check_quotas()
        for session in self._state.sessions.values():
            if session.lane is not None and session.lane.ahead > _AHEAD:
                raise Violation("I8", f"{session.handle} has {session.lane.ahead} pieces of files in memory")
        for upload in self._rows.all.values():
            if upload.until - upload.durable > WINDOW_BYTES + max(WINDOW_BYTES, upload.row.size):
                raise Violation("I8", f"the upload {upload.row.id} may send up to {upload.until}")

    def check_peer(self, peer: Peer) -> None:
        """Is there at most one piece of a file with the network?"""
        if peer.bulk is not None and peer.bulk.size > CHUNK_BYTES + _HEADER_BYTES:
            raise Violation("I8", f"{peer} has {peer.bulk.size} bytes of files queued")

    def _files(self) -> Iterator[FileState]:
        """Those that have a row, or had one of which it is not known yet that it is gone."""
        yield from self._shelves.files.values()
        yield from self._shelves._dropping.values()

    def _uploads(self) -> Iterator[Upload]:
        yield from self._rows.all.values()
        yield from (upload for upload in self._rows._dropping.values() if upload is not None)

    def _downloads(self) -> Iterator[Download]:
        for session in self._state.sessions.values():
            if session.lane is not None:
                yield from (transfer for transfer in session.lane.open.values() if isinstance(transfer, Download))

    def _check_holds(self) -> None:
        """F5."""
        holds: Counter[Digest] = Counter(file.file.digest for file in self._files())
        rows = dict(holds)
        holds.update(upload.row.digest for upload in self._uploads())
        holds.update(download.file.file.digest for download in self._downloads())
        counted = {digest: content.holds for digest, content in self._shelves.contents.items()}
        if counted != dict(holds):
            raise Violation("F5", f"contents are held {_short(counted)}, and needed {_short(holds)}")
        counted = {digest: content.rows for digest, content in self._shelves.contents.items() if content.rows}
        if counted != rows:
            raise Violation("F5", f"contents have {_short(counted)} files, and should have {_short(rows)}")
        for digest, content in self._shelves.contents.items():
            if content.is_lost:
                raise Violation("F1", f"the server has lost {digest.hex()}")

    def _check_quotas(self) -> None:
        """F6."""
        taken: dict[UserId, tuple[int, int]] = {}
        for user, size in (
            *((file.file.sender, file.file.size) for file in self._files()),
            *((upload.row.user, upload.row.size) for upload in self._uploads()),
        ):
            count, total = taken.get(user, (0, 0))
            taken[user] = count + 1, total + size
        if taken != self._shelves.quotas._taken:
            raise Violation("F6", f"quotas say {self._shelves.quotas._taken}; files and uploads take {taken}")

    def check_settled(self) -> None:
        """F4, once quiet: does the server know of what is stored, and of nothing else?"""
        known = {id: file.file.seq for id, file in self._shelves.files.items()}
        stored = {id: file.seq for id, file in self._ledger.files.items()}
        if known != stored:
            raise Violation("F4", f"the server has the files {known}; stored are {stored}")
        if self._rows.all.keys() != self._ledger.uploads.keys():
            raise Violation("F4", f"there are the uploads {list(self._rows.all)}, not {list(self._ledger.uploads)}")


def _short(counts: dict[Digest, int]) -> dict[str, int]:
    return {digest.hex()[:8]: count for digest, count in counts.items()}
