"""Files that are sent and fetched while ``chatnet chat`` goes on, over the same connection and in the same thread.

They move whenever the chat waits for news, so the talk goes on however long a file takes. Whoever leaves waits for what
is under way, or stops it with Ctrl-C; what has come so far is kept, and the same command goes on from there.
"""

import time
from collections.abc import Callable
from pathlib import Path

from chatnet.client.client import Client
from chatnet.client.jobs import Job
from chatnet.client.progress import Progress
from chatnet.client.receipts import Receipt
from chatnet.errors import ChatnetError
from chatnet.model import FileId
from chatnet.quantities import show_size
from chatnet_cli.failures import explain
from chatnet_cli.progress_line import progress_line
from chatnet_cli.safe_text import safe_name
from chatnet_cli.sharing import size_of
from chatnet_cli.transfer_display import state_of

_TELL_SECONDS = 15.0
"""Between two lines about how one transfer goes."""
_COLUMNS = 76


class ChatFiles:
    """The transfers of one chat. ``tell`` prints a line that is safe; `Client.wake` is called when one is over."""

    def __init__(self, chat: Client, tell: Callable[[str], None]) -> None:
        self.running = 0
        """How many transfers are under way."""
        self._chat, self._tell = chat, tell

    def send(self, path: Path, *, to: str | None = None, room: str | None = None) -> None:
        """Begin to share a file.

        :raises LocalFileError: CANNOT_READ.
        """
        name = safe_name(path.name)
        self._tell(f"-- sending {name} ({show_size(size_of(path))})")

        def ended(job: Job[Receipt]) -> None:
            self._ended(job.failure, f"{name} is not shared")

        self._chat.begin_upload(path, to=to, room=room, progress=self._reporter(), ended=ended)
        self.running += 1

    def fetch(self, file: FileId) -> None:
        """Begin to fetch a file into the current folder."""

        def ended(job: Job[Path]) -> None:
            if job.failure is None:
                self._tell(f"-- file {file} is there: {safe_name(str(job.result()))}")
            self._ended(job.failure, f"file {file} is not there")

        self._chat.begin_download(file, progress=self._reporter(), ended=ended)
        self.running += 1

    def _ended(self, failure: ChatnetError | None, failed: str) -> None:
        if failure is not None:
            self._tell(f"-- {failed}: " + explain(failure)[1].replace("\n", "\n   "))
        self.running -= 1
        self._chat.wake()

    def _reporter(self) -> Callable[[Progress], None]:
        next_line = time.monotonic() + _TELL_SECONDS

        def report(progress: Progress) -> None:
            nonlocal next_line
            if time.monotonic() >= next_line:
                next_line = time.monotonic() + _TELL_SECONDS
                self._tell(f"-- {progress_line(state_of(progress), _COLUMNS)}")

        return report
