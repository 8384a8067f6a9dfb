"""What was typed here and waits for the server: shown where it belongs until it is stored, or refused."""

from collections.abc import Callable, Iterable

from chatnet.auth.names import fold
from chatnet.client.outbox import Draft, ToRoom, ToUser
from chatnet.errors import ChatnetError
from chatnet.model import Kind
from chatnet_gui.viewmodels.conversation import ConversationModel
from chatnet_gui.viewmodels.questions import Questions
from chatnet_gui.viewmodels.rows import Pending
from chatnet_gui.viewmodels.segments import line

TEXT_BYTES = 16 * 1024
"""What a server takes in one message."""


class Posts:
    """``left_over``: what an earlier run could not send. ``changed`` is called when something else is shown, and
    ``tell`` with what the user should know.
    """

    def __init__(
        self,
        questions: Questions,
        left_over: tuple[Draft, ...],
        changed: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        self._questions, self._changed, self._tell = questions, changed, tell
        self._left_over = left_over
        self._unsent: dict[int, ConversationModel] = {}
        """Where each post belongs that is not answered."""

    def say(self, model: ConversationModel, text: str) -> bool:
        """Say something; False if that is not possible. ``/me`` makes it an action."""
        kind, text = Kind.TEXT, text.strip("\n")
        if text.startswith("/me "):
            kind, text = Kind.ACTION, text.removeprefix("/me ").strip()
        if not text.strip():
            return False
        if len(text.encode(errors="replace")) > TEXT_BYTES:
            self._tell("This is too long for one message: shorten it, or send it as several.")
            return False
        self.post(model, text, kind)
        return True

    def post(self, model: ConversationModel, text: str, kind: Kind = Kind.TEXT) -> None:
        """Have the server told."""
        to, room = (None, model.name) if model.is_room else (model.name, None)

        def posted(n: object) -> None:
            assert isinstance(n, int)
            self._unsent[n] = model
            model.pending = [Pending(-n, p.text, p.kind) if p.token == token else p for p in model.pending]

        def failed(error: ChatnetError) -> None:
            model.settle(token, line(error.message))
            self._changed()

        token = self._questions.ask(
            lambda chat: chat.post(text, to=to, room=room, kind=kind), posted, failed, offline=True
        )
        model.wait(Pending(token, text, kind))
        self._changed()

    def settle(self, n: int, refused: str = "") -> None:
        """The server has answered the post of this number."""
        model = self._unsent.pop(n, None)
        self._left_over = tuple(draft for draft in self._left_over if draft.n != n)
        if model is not None:
            model.settle(-n, line(refused))
            self._changed()
        elif refused:
            self._tell(f"A message of before was not sent: {line(refused)}")

    def take_left_over(self, conversations: Iterable[ConversationModel]) -> None:
        """Show what an earlier run could not send where it belongs."""
        models = {model.key: model for model in conversations}
        for draft in self._left_over:
            if (model := models.get(_key_of(draft))) is not None:
                self._unsent[draft.n] = model
                model.wait(Pending(-draft.n, draft.body, draft.kind))
        self._left_over = ()


def _key_of(draft: Draft) -> str:
    match draft.target:
        case ToUser(name):
            return f"user:{fold(name)}"
        case ToRoom(name):
            return f"room:{fold(name)}"
        case _:
            return ""
