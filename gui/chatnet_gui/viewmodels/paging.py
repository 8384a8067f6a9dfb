"""Fetches pages of a conversation's history, one at a time for each conversation."""

from collections.abc import Callable, Sequence

from chatnet.errors import ChatnetError
from chatnet.model import Message, Seq
from chatnet_gui.viewmodels.conversation import ConversationModel
from chatnet_gui.viewmodels.fetching import fetch
from chatnet_gui.viewmodels.questions import Questions

Span = tuple[Seq, Seq]
Put = Callable[[Sequence[Message]], None]


class Pager:
    """``fetched`` is called with a conversation that shows something else."""

    def __init__(self, questions: Questions, fetched: Callable[[ConversationModel], None]) -> None:
        self._questions = questions
        self._fetched = fetched

    def load(self, model: ConversationModel) -> None:
        """Show the newest page."""
        if (span := model.newest()) is not None:
            self._fetch(model, span, model.put_page)
        else:
            model.put_page(())

    def older(self, model: ConversationModel) -> None:
        """Put a page above what is shown, if there is one."""
        if (span := model.older()) is not None:
            self._fetch(model, span, model.put_older)

    def newer(self, model: ConversationModel) -> None:
        """Put a page below what is shown, if there is one."""
        if (span := model.newer()) is not None:
            self._fetch(model, span, model.put_newer)

    def go_to(self, model: ConversationModel, seq: Seq) -> None:
        """Bring a message before the reader's eyes, with what was said around it. Asked for again while a page is on
        its way, as somebody does who drags the scrollbar, the last one counts.
        """
        model.sought = seq = max(seq, model.first)
        if model.has(seq):
            self._fetched(model)
        elif not model.is_loading and (span := model.around(seq)) is not None:
            self._fetch(model, span, model.put_page)

    def _fetch(self, model: ConversationModel, span: Span, put: Put) -> None:
        model.is_loading = True
        sought = model.sought

        def done(page: object) -> None:
            assert isinstance(page, list)
            put(page)
            if model.sought not in (0, sought):
                self.go_to(model, model.sought)
            else:
                self._fetched(model)

        def failed(error: ChatnetError) -> None:
            model.is_loading, model.sought = False, 0
            self._questions.failed(error)

        self._questions.ask(lambda chat: fetch(chat, model.info.id, *span), done, failed)
