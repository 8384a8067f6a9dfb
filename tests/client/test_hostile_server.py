"""Whatever a server sends, a session never raises: at worst it gives the connection up."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from chatnet import events
from chatnet.client.news import Incoming, Missed
from chatnet.client.outbox import ToConversation, ToRoom, ToUser
from chatnet.client.session import Phase
from chatnet.model import Conversation, Kind, Message, Room, User
from chatnet.requests import CreateRoom, ListUsers, Part, Rename
from chatnet.testing import strategies
from tests.client.script import Script

small = st.integers(0, 6)
names = st.sampled_from(["alice", "bob", "lobby", ""])
users = st.builds(User, small, names)
rooms = st.builds(Room, small, names)
conversations = st.builds(Conversation, small, st.none() | rooms, st.none() | users, small, small)
messages = st.builds(Message, small, small, small, names, names, st.sampled_from(Kind), names)
delays = st.sampled_from([0.0, 0.5, -1.0, math.nan, math.inf])
codes = st.sampled_from(["FORBIDDEN", "NO_SUCH_USER", "SHUTTING_DOWN", "REPLACED", "unheard of"])

likely_events = st.one_of(
    st.builds(events.Deliver, small, st.lists(messages, max_size=4)),
    st.builds(events.Joined, small, rooms, small, small),
    st.builds(events.Following, small, small, small, small),
    st.builds(events.Opened, small, conversations),
    st.builds(events.ConversationPage, small, st.lists(conversations, max_size=3), small),
    st.builds(events.UserPage, small, st.lists(users, max_size=3), small),
    st.builds(events.Welcome, small, users, small, names, small),
    st.builds(events.Refused, small, codes, names, delays),
    st.builds(events.Nack, small, codes, names, delays),
    st.builds(events.Ack, small, small, small, small),
    st.builds(events.Done, small),
    st.builds(events.Truncated, small, small),
    st.builds(events.Started, conversations),
    st.builds(events.Presence, small, st.lists(users, max_size=3), st.lists(small, max_size=3), small),
    st.builds(events.Renamed, users),
    st.builds(events.RoomChanged, rooms),
    st.builds(events.Closing, codes, names, delays),
    st.builds(events.Hello, st.sampled_from([b"s" * 16, b"t" * 16, b""]), names),
)
steps = st.one_of(
    likely_events,
    strategies.events(),
    st.binary(max_size=20),
    st.sampled_from(["drop", "drop", "log in", "post", "post to a user", "join", "part", "ask", "rename", "wait"]),
)


@settings(max_examples=300)
@given(st.booleans(), st.lists(steps, max_size=40))
def test_no_server_makes_a_session_raise(live: bool, plan: list[events.Event | bytes | str]) -> None:
    script = Script(live=live)
    script.log_in()
    for step in plan:
        act(script, step)
        script.session.data_to_send()
        script.session.news()


@settings(max_examples=300)
@given(st.lists(steps, max_size=40))
def test_no_server_makes_a_message_come_twice_or_a_gap_go_untold(plan: list[events.Event | bytes | str]) -> None:
    script = Script(live=True)
    script.log_in()
    heard: dict[int, int] = {}
    for step in plan:
        act(script, step)
        for news in script.session.news():
            match news:
                case Incoming(conversation, message, _):
                    if conversation.id in heard:
                        assert message.seq == heard[conversation.id] + 1
                    heard[conversation.id] = message.seq
                case Missed(conversation, first, last):
                    assert first <= last
                    heard[conversation.id] = last
                case _:
                    # Cursors that are lost, left or dropped begin anew.
                    heard = {id: seq for id, seq in heard.items() if script.session.applied(id) == seq}


def act(script: Script, step: events.Event | bytes | str) -> None:
    """Take one step, connecting again first where there is no connection."""
    session = script.session
    if session.phase is Phase.STOPPED:
        return
    if session.wants_close or step == "drop":
        script.drop()
    elif session.phase is Phase.OFFLINE:
        session.connection_made(script.now)
        session.data_to_send()
    match step:
        case bytes():
            script.sends(step)
        case events.Event():
            script.says(step)
        case "log in" if session.phase is Phase.GREETING:
            script.says(events.Hello(b"s" * 16, ""), *(events.Welcome(id, User(7, "a"), 1, "", 0) for id in (1,)))
        case "post":
            session.post(ToConversation(3), "hi")
        case "post to a user":
            session.post(ToUser("bob"), "hi")
            session.post(ToRoom("lobby"), "hi")
        case "join":
            session.join("lobby")
        case "part":
            session.part(2)
        case "ask":
            session.request(lambda id: ListUsers(id, 2))
            session.request(lambda id: CreateRoom(id, "x"))
            session.request(lambda id: Part(id, 3))
        case "rename":
            session.request(lambda id: Rename(id, "bob"))
        case "wait":
            script.wait(40)
