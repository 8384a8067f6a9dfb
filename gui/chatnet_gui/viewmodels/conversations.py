"""The list of conversations: the rooms that one is in, and the personal chats."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from chatnet.auth.names import fold
from chatnet.model import Conversation, ConversationId, User
from chatnet_gui.viewmodels.conversation import ConversationModel
from chatnet_gui.viewmodels.settings import AccountNotes


class Conversations:
    """``notes``: what is remembered of them between two runs."""

    def __init__(self, notes: AccountNotes) -> None:
        self._notes = notes
        self._models: dict[ConversationId, ConversationModel] = {}
        self._lost: dict[str, ConversationModel] = {}
        """Those of a server that has lost its memory, until they are found again by name."""

    def __iter__(self) -> Iterator[ConversationModel]:
        return iter(list(self._models.values()))

    def get(self, id: ConversationId) -> ConversationModel | None:
        return self._models.get(id)

    def rooms(self) -> list[ConversationModel]:
        """The rooms that one is in, by name."""
        return sorted((model for model in self if model.is_room), key=lambda model: fold(model.name))

    def chats(self) -> list[ConversationModel]:
        """Personal chats, by name."""
        return sorted((model for model in self if not model.is_room), key=lambda model: fold(model.name))

    def first(self, key: str) -> ConversationModel | None:
        """The one of this key, or else whichever comes first."""
        everything = [*self.rooms(), *self.chats()]
        return next((model for model in everything if model.key == key), everything[0] if everything else None)

    def room(self, name: str) -> ConversationModel | None:
        """The room of this name, if one is in it."""
        return next((model for model in self.rooms() if fold(model.name) == fold(name)), None)

    @property
    def is_lost(self) -> bool:
        """Are there some that are to be found again?"""
        return bool(self._lost)

    @property
    def attention(self) -> int:
        """How many messages call for attention: personal ones, and those of rooms where one is named."""
        return sum(model.unread for model in self if not model.is_room or model.mentioned)

    def learn(self, conversation: Conversation, *, before: bool = False) -> ConversationModel:
        """Know of a conversation, or bring up to date what is known. ``before``: its newest message follows."""
        model = self._models.get(conversation.id)
        if model is None:
            head = conversation.head - 1 if before else conversation.head
            model = self._models[conversation.id] = self._make(replace(conversation, head=head))
            return model
        head = model.info.head if before else max(model.info.head, conversation.head)
        read = max(model.info.read, conversation.read)
        model.info = replace(conversation, head=head, read=read)
        if read >= head:
            model.unread, model.mentioned = 0, False
        return model

    def _make(self, conversation: Conversation) -> ConversationModel:
        model = ConversationModel(conversation)
        if (lost := self._lost.pop(model.key, None)) is not None:
            lost.restart(conversation)
            return lost
        hidden = self._notes.cleared.get(model.key, 0)
        return ConversationModel(conversation, hidden=hidden, draft=self._notes.drafts.get(model.key, ""))

    def lose_all(self) -> None:
        """It is another server, or one without its memory: what is known by id means nothing there."""
        self._lost = {model.key: model for model in self}
        self._models = {}

    def forget(self, model: ConversationModel) -> None:
        """One is not in this room any more."""
        self._models.pop(model.info.id, None)

    def find(self, words: str, others: Iterable[User]) -> list[tuple[str, ConversationId, str]]:
        """Where one may go, by a part of its name: what to show, the conversation (0 for a new chat), the name.

        ``others``: people with whom there may be no chat yet.
        """
        known = [(model.name, model.info.id, model.name) for model in [*self.rooms(), *self.chats()]]
        chatting = {fold(model.name) for model in self.chats()}
        new = sorted((f"{user.name} (new personal chat)", 0, user.name) for user in others)
        places = known + [place for place in new if fold(place[2]) not in chatting]
        return [place for place in places if fold(words.strip()) in fold(place[2])]
