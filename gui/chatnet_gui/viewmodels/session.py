"""One user logged in to one server: what happened becomes the state that the main window shows.

All that comes from the network goes through `handle`; all that the user does is a method. `take_changes` tells the
views which of their parts to draw again, so a burst of messages is drawn once.
"""

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from chatnet.auth.names import fold
from chatnet.client.client import Client
from chatnet.client.discovery import short_address
from chatnet.client.news import (
    ChatStarted,
    FileGone,
    HistoryLost,
    Incoming,
    MarksMoved,
    Missed,
    Offline,
    Online,
    PostRefused,
    PresenceChanged,
    RoomLost,
    RoomUpdated,
    Stored,
    UserRenamed,
)
from chatnet.client.outbox import Draft
from chatnet.client.thread import Answered, Cancelled, Connected, Failed, Notice, Transferring
from chatnet.errors import ChatnetError, ErrorCode
from chatnet.model import Conversation, ConversationId, Room, Seq, SharedFile, User
from chatnet_gui.viewmodels.alerts import Alert, alert_of, joined
from chatnet_gui.viewmodels.conversation import ConversationModel
from chatnet_gui.viewmodels.conversations import Conversations
from chatnet_gui.viewmodels.copying import Copier
from chatnet_gui.viewmodels.fetching import Entered, enter
from chatnet_gui.viewmodels.paging import Pager
from chatnet_gui.viewmodels.posts import Posts
from chatnet_gui.viewmodels.questions import Network, Questions
from chatnet_gui.viewmodels.roster import Roster
from chatnet_gui.viewmodels.searching import FEW, Finder, Show
from chatnet_gui.viewmodels.segments import line, mentions
from chatnet_gui.viewmodels.settings import Settings
from chatnet_gui.viewmodels.sharing import Sharing

LIST, MESSAGES, PEOPLE, STATUS, TRANSFERS = "list", "messages", "people", "status", "transfers"
"""The parts of the window."""
_WITHOUT_A_WORD = (ErrorCode.UNREACHABLE, ErrorCode.NO_ANSWER, ErrorCode.TIMED_OUT)
"""Ends of a connection of which the server has said nothing."""


class SessionModel:
    """State of the main window."""

    def __init__(self, network: Network, connected: Connected, settings: Settings, waiting: tuple[Draft, ...]) -> None:
        """``waiting``: what an earlier run has left to be sent."""
        self._questions = Questions(network, self._failed)
        self._pager = Pager(self._questions, self._fetched)
        self._finder = Finder(self._questions)
        self._copier = Copier(self._questions, self._failed)
        self._settings = settings
        self._changes = {LIST, MESSAGES, PEOPLE, STATUS, TRANSFERS}
        self._posts = Posts(self._questions, waiting, partial(self._change, MESSAGES), self.tell)
        self.me = connected.user
        self.server = short_address(connected.address)
        self.notes = settings.account(f"{self.server} {fold(self.me.name)}")
        self.conversations = Conversations(self.notes)
        self.files = Sharing(
            network,
            settings,
            self.notes,
            self.conversations,
            partial(self._change, TRANSFERS),
            partial(self._change, MESSAGES),
        )
        self.selected: ConversationModel | None = None
        self.roster = Roster()
        self.is_online = True
        self.retry_in: float | None = None
        self.notice = ""
        """The last thing that went wrong; shown until the next action."""
        self._put_off = ""
        """Why somebody has ended the last connection; that is to be read once there is another one, too."""
        self.is_focused = True
        self._alerts: list[Alert] = []
        self._questions.ask(lambda chat: enter(chat, list(self.notes.rooms)), self._entered)

    # -- for the views ----------------------------------------------------------------------------------------

    def take_changes(self) -> set[str]:
        """The parts that are to be drawn again."""
        changes, self._changes = self._changes, set()
        return changes

    def take_alerts(self) -> list[Alert]:
        """What to ring and to notify for."""
        alerts, self._alerts = self._alerts, []
        return joined(alerts)

    @property
    def title(self) -> str:
        """The window's title, with the number of what calls for attention."""
        count = self.conversations.attention
        where = f"{self.selected.name} - " if self.selected is not None else ""
        return f"{f'({count}) ' if count else ''}{where}chatnet"

    @property
    def status(self) -> str:
        """The state of the connection, in a few words."""
        if self.is_online:
            return f"Connected to {self.server} as {self.me.name}"
        if self.retry_in is None:
            return "Disconnected"
        return f"No connection to {self.server}; trying again"

    def is_here(self, conversation: ConversationModel) -> bool:
        """Is the other one of a personal chat online, as far as is known?"""
        peer = conversation.info.peer
        return peer is not None and (peer.id == self.me.id or self.roster.is_online(peer.id)) and self.is_online

    def people_here(self) -> list[User]:
        """The people of the conversation that is shown, by name."""
        shown = self.selected
        if shown is None:
            return []
        if shown.is_room:
            found = self.roster.inside(shown.info.id)
        else:
            found = [self.me] + ([shown.info.peer] if shown.info.peer is not None else [])
        return sorted({user.id: user for user in found}.values(), key=lambda user: fold(user.name))

    def names(self) -> list[str]:
        """Whom Tab may mean, the likeliest first: who has spoken here last, then who is here."""
        spoken = [m.name for m in reversed(self.selected.messages)] if self.selected is not None else []
        everybody = [user.name for user in self.people_here()]
        return [name for name in dict.fromkeys(spoken + everybody) if fold(name) != fold(self.me.name)]

    # -- what happens -----------------------------------------------------------------------------------------

    def handle(self, notice: Notice) -> None:
        """Take over what the network tells."""
        match notice:
            case Answered() | Failed() | Transferring() | Cancelled():
                if not self.files.handle(notice) and isinstance(notice, Answered | Failed):
                    self._questions.answered(notice)
            case Incoming():
                self._incoming(notice)
            case Stored(n=n):
                self._posts.settle(n)
            case PostRefused(n=n, reason=reason):
                self._posts.settle(n, reason)
            case Online(user=user):
                self._came_online(user)
            case Offline():
                self._went_offline(notice)
            case _:
                self._other(notice)

    def _other(self, notice: Notice) -> None:
        match notice:
            case PresenceChanged():
                self.roster.change(notice)
                self._change(PEOPLE, LIST)
            case MarksMoved(conversation=conversation) | ChatStarted(conversation=conversation):
                self.conversations.learn(conversation)
                self._change(LIST, MESSAGES)
            case RoomUpdated(room=room):
                if (model := self.conversations.get(room.id)) is not None:
                    self.conversations.learn(replace(model.info, room=room))
                self._change(LIST, MESSAGES, STATUS)
            case FileGone(conversation=conversation, seq=seq):
                if (model := self.conversations.get(conversation.id)) is not None:
                    model.lose_file(seq)
                self._change(MESSAGES)
            case UserRenamed(user=user):
                self._renamed(user)
            case RoomLost(room=name, reason=reason):
                self._forget_room(name)
                self.tell(f"You are not in {line(name)} any more: {line(reason)}")
            case Missed(conversation=conversation) | HistoryLost(conversation=Conversation() as conversation):
                self._reload(conversation)
            case HistoryLost():
                self._lose_everything()

    def _incoming(self, news: Incoming) -> None:
        model = self.conversations.learn(news.conversation, before=True)
        if not model.add(news.message):
            return
        if news.own:
            self.files.heard(model.info.id, news.message)
            model.heard_own(news.message.body, news.message.kind)
            model.new_from = 0
        elif not (self.is_focused and model is self.selected and model.is_following):
            mentioned = mentions(news.message.body, self.me.name)
            model.missed(news.message.seq, mentioned=mentioned)
            if self._settings.notify and (mentioned or not model.is_room) and not self.is_focused:
                self._alerts.append(alert_of(news))
        self._change(LIST, STATUS)
        if model is self.selected:
            self._see()
            self._change(MESSAGES)

    def _went_offline(self, offline: Offline) -> None:
        self.is_online, self.retry_in = False, offline.retry_in
        if offline.retry_in is None or offline.code not in _WITHOUT_A_WORD:
            self.tell(line(offline.reason.split("\n")[0]))
            self._put_off = self.notice if offline.code == ErrorCode.KICKED else ""
        self._change(STATUS, LIST, PEOPLE)

    def _came_online(self, user: User) -> None:
        self.me, self.is_online = user, True
        self._change(STATUS, LIST, PEOPLE)
        if self.conversations.is_lost:
            self._questions.ask(lambda chat: enter(chat, list(self.notes.rooms)), self._entered)
        else:
            self.notice, self._put_off = self._put_off, ""
            self.refresh()

    def refresh(self) -> None:
        """Find out again who is where."""
        self._questions.ask(lambda chat: enter(chat, []), self._looked_around, lambda _: None)

    def _entered(self, value: object) -> None:
        assert isinstance(value, Entered)
        for conversation in value.conversations:
            model = self.conversations.learn(conversation)
            if not model.is_room or conversation.read:
                model.unread = max(0, conversation.head - conversation.read)
                model.new_from = conversation.read + 1 if model.unread else 0
        self._looked_around(value)
        if value.refused:
            self.notice = line(value.refused)
        self._posts.take_left_over(self.conversations)
        if self.selected is None:
            self._select_first()

    def _looked_around(self, value: object) -> None:
        assert isinstance(value, Entered)
        self.roster.replace(value.people, value.online)
        self._change(PEOPLE, LIST)

    def _renamed(self, user: User) -> None:
        if user.id == self.me.id:
            self.me = user
        self.roster.rename(user)
        for model in self.conversations:
            if model.info.peer is not None and model.info.peer.id == user.id:
                self.conversations.learn(replace(model.info, peer=user))
        self._change(LIST, PEOPLE, STATUS)

    # -- conversations ----------------------------------------------------------------------------------------

    def select(self, id: ConversationId) -> None:
        """Show a conversation that is known."""
        model = self.conversations.get(id)
        if model is None:
            return
        if self.selected is not None and self.selected is not model:
            self.selected.new_from = 0
        self.selected, self.notice = model, ""
        self.notes.selected = model.key
        model.is_following = True
        if not model.is_loaded:
            self._pager.load(model)
        self._see()
        self._change(LIST, MESSAGES, PEOPLE, STATUS)

    def look(self, *, focused: bool) -> None:
        """The window has got the focus, or lost it."""
        if focused and not self.is_focused:
            self._alerts.clear()
        self.is_focused = focused
        self._see()

    def follow(self, *, following: bool) -> None:
        """The reader stands at the newest message, or does not."""
        if self.selected is not None:
            self.selected.is_following = following
            self._see()

    def older(self) -> None:
        """The reader is at the upper end: fetch what is above."""
        if self.selected is not None:
            self._pager.older(self.selected)

    def newer(self) -> None:
        """The reader is at the lower end of the piece, which is not that of the conversation."""
        if self.selected is not None:
            self._pager.newer(self.selected)

    def go_to(self, fraction: float) -> None:
        """Show another piece: the one at this place of the whole history, from 0 to 1."""
        if (model := self.selected) is not None:
            model.is_following = False
            self._pager.go_to(model, model.seq_at(fraction))

    def go_to_message(self, id: ConversationId, seq: int) -> None:
        """Show the piece with this message in it."""
        self.select(id)
        if (model := self.selected) is not None:
            model.is_following = False
            self._pager.go_to(model, seq)

    def jump_to_latest(self) -> None:
        """Show the newest messages."""
        if (model := self.selected) is not None:
            model.is_following = True
            if not model.at_end:
                self._pager.load(model)
            self._see()
            self._change(MESSAGES, LIST, STATUS)

    def toggle_fold(self, seq: Seq) -> None:
        """Show a long message whole, or not any more."""
        if self.selected is not None:
            self.selected.toggle_fold(seq)
            self._change(MESSAGES)

    def dismiss(self, token: int) -> str:
        """Take what the server has refused away; its text."""
        self._change(MESSAGES)
        return self.selected.dismiss(token) if self.selected is not None else ""

    def clear(self) -> None:
        """Clear Chat: on this device, what was said up to now is not shown."""
        if (model := self.selected) is not None:
            model.clear()
            self.notes.cleared[model.key] = model.hidden
            self._change(MESSAGES)

    def show_earlier(self) -> None:
        """Show what was cleared."""
        if (model := self.selected) is not None:
            model.show_earlier()
            self.notes.cleared.pop(model.key, None)
            self._pager.load(model)
            self._change(MESSAGES)

    def _fetched(self, model: ConversationModel) -> None:
        if model.is_following and not model.at_end:
            self._pager.newer(model)  # more was said while the page was on its way
        self._see()
        self._change(MESSAGES)

    def _reload(self, conversation: Conversation) -> None:
        """What is shown is not what the server has any more."""
        if (model := self.conversations.get(conversation.id)) is not None:
            model.restart(conversation)
            if model is self.selected:
                self._pager.load(model)
        self.tell("The server no longer has all that was said before.")

    def _lose_everything(self) -> None:
        """It is another server, or one without its memory: what is known by id means nothing there."""
        if self.selected is not None:
            self.notes.selected = self.selected.key
        self.conversations.lose_all()
        self.selected, self.roster = None, Roster()
        self.tell("The server has lost what was said before.")
        self._change(LIST, MESSAGES, PEOPLE)

    def _see(self) -> None:
        """Whatever is before the reader's eyes is read."""
        model = self.selected
        if model is None or not (self.is_focused and model.is_following and model.is_loaded and model.at_end):
            return
        seq = model.seen()
        if seq and self.is_online:
            id = model.info.id
            self._questions.tell(lambda chat: chat.mark_read(id, seq))
            self._change(LIST, STATUS)

    # -- saying -----------------------------------------------------------------------------------------------

    def send(self, text: str) -> bool:
        """Say something where one is; False if that is not possible. ``/me`` makes it an action."""
        model = self.selected
        if model is None or not text.strip():
            return False
        self.notice = ""
        if not self._posts.say(model, text):
            return False
        model.new_from = 0
        self.jump_to_latest()
        return True

    def personal_chat(self, name: str, text: str = "") -> None:
        """Personal Chat: open the chat with a user, and say something there if there is something to say."""

        def opened(value: object) -> None:
            assert isinstance(value, Conversation)
            model = self.conversations.learn(value)
            self.select(model.info.id)
            if text.strip():
                self._posts.post(model, text.strip("\n"))

        self._questions.ask(lambda chat: chat.conversation(with_=name), opened)

    # -- rooms ------------------------------------------------------------------------------------------------

    def join(self, name: str, *, create: bool = False) -> None:
        """Be in a room, and show it."""

        def work(chat: Client) -> Entered:
            if create:
                chat.create_room(name)
            return enter(chat, [name])

        def joined(value: object) -> None:
            assert isinstance(value, Entered)
            for conversation in value.conversations:
                model = self.conversations.learn(conversation)
                if conversation.room is not None and fold(conversation.room.name) == fold(name):
                    self.roster.enter(conversation.id, value.people.get(conversation.id, []))
                    self._remember_rooms()
                    self.select(model.info.id)
            if value.refused:
                self.tell(line(value.refused))

        self._questions.ask(work, joined)

    def leave(self) -> None:
        """Leave the room that is shown."""
        model = self.selected
        if model is not None and model.is_room:
            name = model.name
            self._questions.ask(lambda chat: chat.part(name), lambda _: self._forget_room(name))

    def _forget_room(self, name: str) -> None:
        model = self.conversations.room(name)
        if model is None:
            return
        self.conversations.forget(model)
        self.roster.leave(model.info.id)
        self._remember_rooms()
        self._change(LIST, MESSAGES, PEOPLE, STATUS)
        if self.selected is model:
            self.selected = None
            self._select_first()

    def _select_first(self) -> None:
        if (model := self.conversations.first(self.notes.selected)) is not None:
            self.select(model.info.id)

    def _remember_rooms(self) -> None:
        self.notes.rooms = [model.name for model in self.conversations.rooms()]

    # -- asking -----------------------------------------------------------------------------------------------

    def list_rooms(self, show: Callable[[list[Room]], None]) -> None:
        """All rooms of the server."""
        self._questions.ask(lambda chat: chat.rooms(), lambda rooms: show(rooms))  # type: ignore[arg-type]

    def search(self, words: str, show: Show, failed: Callable[[str], None], *, most: int = FEW) -> None:
        """Find messages in the conversation that is shown."""
        if self.selected is None or not words.strip():
            failed("Type a word to look for.")
        else:
            self._finder.find(self.selected, words, show, failed, most=most)

    def remove_file(self, file: SharedFile) -> None:
        """Have the server drop a file that one has sent."""
        self._questions.ask(lambda chat: chat.remove_file(file.id), lambda _: None)

    def copy(self, low: Seq, high: Seq, done: Callable[[str, int], None]) -> None:
        """Get the text of these messages of the conversation that is shown, also of those that are not fetched."""
        if self.selected is not None:
            self._copier.copy(self.selected, low, high, done)

    def find_places(self, words: str) -> list[tuple[str, ConversationId, str]]:
        """Where one may go; see `Conversations.find`."""
        return self.conversations.find(words, self.roster.online())

    # -- parts ------------------------------------------------------------------------------------------------

    def _failed(self, error: ChatnetError) -> None:
        self.tell(line(error.message.split("\n")[0]))

    def tell(self, text: str) -> None:
        """Have the user read this."""
        self.notice = text[:1].upper() + text[1:]
        self._change(STATUS)

    def _change(self, *parts: str) -> None:
        self._changes.update(parts)
