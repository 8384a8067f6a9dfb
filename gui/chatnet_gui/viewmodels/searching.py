"""Finds messages of a conversation, however long it is: by the server's index, or, where it has none, page by page."""

from collections.abc import Callable

from chatnet.errors import ChatnetError, ErrorCode
from chatnet.model import Hit, Message, Seq
from chatnet_gui.viewmodels.conversation import ConversationModel
from chatnet_gui.viewmodels.fetching import fetch
from chatnet_gui.viewmodels.questions import Questions
from chatnet_gui.viewmodels.segments import line

FEW = 100
_PAGE = 1000

Show = Callable[[list[Hit], bool], None]
"""What was found, the newest first, and whether there may be more."""
Fail = Callable[[str], None]


class Finder:
    """``show`` and ``failed`` are called later, once there is an answer."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    def find(self, model: ConversationModel, words: str, show: Show, failed: Fail, *, most: int = FEW) -> None:
        """The newest ``most`` messages with all these words."""
        to, room = (None, model.name) if model.is_room else (model.name, None)

        def refused(error: ChatnetError) -> None:
            if error.code == ErrorCode.UNSUPPORTED:
                self._walk(model, words.casefold().split(), model.info.head, [], most, show, failed)
            else:
                failed(line(error.message.split("\n")[0]))

        self._questions.ask(
            lambda chat: chat.search(words, room=room, with_=to, limit=most),
            lambda hits: show(hits, len(hits) >= most),  # type: ignore[arg-type]
            refused,
        )

    def _walk(
        self,
        model: ConversationModel,
        words: list[str],
        high: Seq,
        hits: list[Hit],
        most: int,
        show: Show,
        failed: Fail,
    ) -> None:
        """Look through the page that ends at ``high``, and then through the one before it."""
        low = max(model.info.first, high - _PAGE + 1)

        def looked(page: object) -> None:
            assert isinstance(page, list)
            hits.extend(Hit(model.info, said) for said in reversed(page) if _has(said, words))
            if len(hits) >= most or low <= model.info.first or not page:
                show(hits[:most], len(hits) >= most)
            else:
                self._walk(model, words, low - 1, hits, most, show, failed)

        if low > high:
            show(hits, False)
            return
        id = model.info.id
        self._questions.ask(
            lambda chat: fetch(chat, id, low, high), looked, lambda error: failed(line(error.message.split("\n")[0]))
        )


def _has(message: Message, words: list[str]) -> bool:
    body = message.body.casefold()
    return all(word.rstrip("*") in body for word in words)
