"""What an entry refers to is stored in front of it: so idle guests and the lobby never cost a write."""

from chatnet.core.entities import ChatState, RoomState, UserState
from chatnet.core.state import State


def save_user(state: State, user: UserState) -> None:
    """Have a user stored, if it is not yet as it is now."""
    if not user.saved:
        user.saved = user.kept = True
        state.out.append(user.entry())


def save_referred(state: State, user: UserState, conversation: RoomState | ChatState) -> None:
    """Have a user and a conversation stored, with the other user of a personal chat."""
    save_user(state, user)
    if not conversation.saved:
        conversation.saved = True
        if isinstance(conversation, ChatState):
            save_both(state, conversation)
        state.out.append(conversation.entry())


def save_both(state: State, chat: ChatState) -> None:
    """Have the users of a personal chat stored, as far as they still exist."""
    for id in (chat.low, chat.high):
        if id in state.users:
            save_user(state, state.users[id])
