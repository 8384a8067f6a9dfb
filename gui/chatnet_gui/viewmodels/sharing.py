"""The files of a session: those on their way, those that are here, and the small pictures of some."""

from collections.abc import Callable, Iterable
from pathlib import Path

from chatnet.client.receipts import Receipt
from chatnet.client.thread import Answered, Cancelled, Failed, Transferring
from chatnet.model import ConversationId, FileId, Message, Seq, SharedFile
from chatnet_gui.decoding import Decoder
from chatnet_gui.viewmodels.conversation import ConversationModel
from chatnet_gui.viewmodels.conversations import Conversations
from chatnet_gui.viewmodels.file_rows import FilesLook
from chatnet_gui.viewmodels.previews import Previews
from chatnet_gui.viewmodels.questions import Network
from chatnet_gui.viewmodels.settings import AccountNotes, Settings
from chatnet_gui.viewmodels.transfers import Transfer, Transfers


class Sharing:
    """``changed`` is called when the list of transfers changes, ``files_changed`` when the row of a file does."""

    def __init__(
        self,
        network: Network,
        settings: Settings,
        notes: AccountNotes,
        conversations: Conversations,
        changed: Callable[[], None],
        files_changed: Callable[[], None],
        decoder: Decoder | None = None,
    ) -> None:
        self._settings, self._conversations, self._files_changed = settings, conversations, files_changed
        self._sent_from: dict[tuple[ConversationId, Seq], Path] = {}
        """Where files are that were sent, by their messages, until those are heard."""
        self._transfers = Transfers(network, notes, changed, files_changed, self._sent)
        self.previews = Previews(network, settings, self._transfers.path_of, self._made, decoder)
        self._transfers.previews = self.previews.pictures
        self._transfers.fetched = self.previews.arrived

    @property
    def shown(self) -> list[tuple[int, Transfer]]:
        """Transfers that run or have failed, by their number."""
        return self._transfers.shown

    @property
    def running(self) -> int:
        """How many are under way."""
        return self._transfers.running

    def look(self, model: ConversationModel) -> FilesLook:
        """How the files of a conversation stand."""
        return self._transfers.look(model)

    def path_of(self, file: SharedFile) -> Path | None:
        """Where it is on this device now."""
        return self._transfers.path_of(file, afresh=True)

    def handle(self, notice: Transferring | Answered | Failed | Cancelled) -> bool:
        """Take over what comes of a transfer; False if it is about something else."""
        return self._transfers.handle(notice) or self.previews.handle(notice)

    # -- what the user does -----------------------------------------------------------------------------------

    def upload(self, model: ConversationModel, paths: Iterable[Path], text: str = "") -> None:
        """Send files; the words go with the first."""
        for path in paths:
            self._transfers.upload(model, path, text)
            text = ""

    def download(self, file: SharedFile) -> None:
        """Fetch a file into the folder of the settings."""
        self._transfers.download(file, folder=self._settings.downloads)

    def save(self, file: SharedFile, path: Path) -> None:
        """Fetch a file to exactly this path."""
        self._transfers.download(file, path=path)

    def cancel(self, number: int) -> None:
        """Give up a transfer, or take one off the list that has failed."""
        self._transfers.cancel(number)

    def cancel_download(self, file: FileId) -> None:
        """Give up fetching this file."""
        self._transfers.cancel_download(file)

    def retry(self, number: int) -> None:
        """Try a transfer again that has failed."""
        self._transfers.retry(number)

    # -- what comes of it -------------------------------------------------------------------------------------

    def heard(self, conversation: ConversationId, message: Message) -> None:
        """Somebody has said something. If it is about a file that was sent from here, that is here."""
        path = self._sent_from.pop((conversation, message.seq), None)
        if path is not None and message.file is not None:
            self._transfers.is_at(message.file, path)
            self.previews.arrived(message.file, path)
            self._files_changed()

    def _sent(self, path: Path, receipt: Receipt) -> None:
        """A file is sent. The message about it may have come before that is known, or comes now."""
        self._sent_from[receipt.conversation, receipt.seq] = path
        model = self._conversations.get(receipt.conversation)
        message = model.message(receipt.seq) if model is not None else None
        if message is not None:
            self.heard(receipt.conversation, message)

    def _made(self, file: FileId) -> None:
        del file
        self._files_changed()
