"""The main window's state: what the network tells, and what the user does."""

from chatnet.client.news import (
    HistoryLost,
    MarksMoved,
    Offline,
    Online,
    PostRefused,
    PresenceChanged,
    RoomLost,
    Stored,
    UserRenamed,
)
from chatnet.client.outbox import Draft, ToRoom
from chatnet.client.thread import Answered
from chatnet.model import Kind, User
from chatnet_gui.viewmodels.session import LIST, MESSAGES, PEOPLE, STATUS, SessionModel
from chatnet_gui.viewmodels.settings import Settings
from tests.gui.making import (
    ALICE,
    BOB,
    CHAT,
    LOBBY,
    FakeNetwork,
    FakeServer,
    chat,
    connected,
    incoming,
    lobby,
    logged_in,
    message,
)


def shown(session: SessionModel) -> list[str]:
    assert session.selected is not None
    return [said.body for said in session.selected.messages]


def notice_of(session: SessionModel) -> str:
    """Not the attribute itself, of which mypy would keep an older value in mind."""
    return session.notice


def test_one_is_in_the_lobby_and_sees_what_was_said_before() -> None:
    server = FakeServer()
    server.histories[LOBBY] = [message(1), message(2)]
    session, _ = logged_in(server)
    assert session.selected is not None
    assert session.selected.name == "lobby"
    assert shown(session) == ["text 1", "text 2"]
    assert [user.name for user in session.people_here()] == ["alice", "bob"]
    assert session.title == "lobby - chatnet"
    assert "alice" in session.status


def test_a_message_is_drawn_where_it_belongs_and_counted_where_it_was_not_seen() -> None:
    session, network = logged_in(FakeServer())
    session.take_changes()
    session.handle(incoming(lobby(), message(1, "here")))
    session.handle(incoming(chat(), message(1, "there")))
    assert shown(session) == ["here"]
    assert session.take_changes() == {LIST, MESSAGES, STATUS}
    assert [c.unread for c in session.conversations.chats()] == [1]
    assert session.title == "(1) lobby - chatnet"
    session.select(CHAT)
    network.run(session)
    assert session.title == "bob - chatnet"


def test_a_burst_is_drawn_once() -> None:
    session, _ = logged_in(FakeServer())
    session.take_changes()
    for seq in range(1, 1001):
        session.handle(incoming(lobby(), message(seq)))
    assert session.take_changes() == {LIST, MESSAGES, STATUS}
    assert session.take_changes() == set()


def test_what_is_seen_is_marked_as_read_and_what_is_not_is_not() -> None:
    server = FakeServer()
    session, network = logged_in(server)
    session.look(focused=False)
    session.handle(incoming(lobby(), message(1)))
    network.run(session)
    assert server.marks == []
    session.look(focused=True)
    network.run(session)
    assert server.marks == [(LOBBY, 1)]


def test_only_personal_messages_and_mentions_ring_and_only_out_of_focus() -> None:
    session, _ = logged_in(FakeServer())
    session.handle(incoming(chat(), message(1)))
    assert session.take_alerts() == []
    session.look(focused=False)
    session.handle(incoming(lobby(), message(1, "nothing special")))
    session.handle(incoming(lobby(), message(2, "🎉 alice!")))
    session.handle(incoming(chat(), message(2)))
    assert [alert.title for alert in session.take_alerts()] == ["bob in lobby", "bob"]


def test_notifications_can_be_switched_off() -> None:
    session, _ = logged_in(FakeServer(), Settings(notify=False))
    session.look(focused=False)
    session.handle(incoming(chat(), message(1)))
    assert session.take_alerts() == []


def test_what_is_said_waits_until_it_comes_back() -> None:
    server = FakeServer()
    session, network = logged_in(server)
    assert session.send("hello 🙂\n")
    assert session.selected is not None
    assert [waiting.text for waiting in session.selected.pending] == ["hello 🙂"]
    network.run(session)
    assert server.posts == [(None, "lobby", "hello 🙂", Kind.TEXT)]
    session.handle(incoming(lobby(), message(1, "hello 🙂", ALICE)))
    session.handle(Stored(1, LOBBY, 1, 0))
    assert session.selected.pending == []
    assert shown(session) == ["hello 🙂"]


def test_what_is_refused_says_why() -> None:
    session, network = logged_in(FakeServer())
    session.send("hello")
    network.run(session)
    session.handle(PostRefused(1, "MUTED", "you are muted"))
    assert session.selected is not None
    assert [waiting.refused for waiting in session.selected.pending] == ["you are muted"]


def test_nothing_and_too_much_cannot_be_said() -> None:
    session, network = logged_in(FakeServer())
    assert not session.send("  \n")
    assert not session.send("🙂" * 5000)
    assert "too long" in session.notice
    network.run(session)


def test_me_makes_an_action() -> None:
    server = FakeServer()
    session, network = logged_in(server)
    session.send("/me waves")
    network.run(session)
    assert server.posts == [(None, "lobby", "waves", Kind.ACTION)]


def test_a_lost_connection_is_seen_and_what_is_typed_waits() -> None:
    server = FakeServer()
    session, network = logged_in(server)
    network.is_online = False
    session.handle(Offline("UNREACHABLE", "the connection was lost", 1.0))
    assert "No connection" in session.status
    session.send("typed meanwhile")
    network.run(session)
    assert server.posts == [(None, "lobby", "typed meanwhile", Kind.TEXT)]
    network.is_online = True
    session.handle(Online(ALICE, True))
    network.run(session)
    assert "Connected" in session.status
    assert notice_of(session) == ""


def test_why_somebody_was_put_off_is_still_to_be_read_once_there_is_a_connection_again() -> None:
    session, network = logged_in(FakeServer())
    session.handle(Offline("KICKED", "bob has put you off this server: off topic\u202e", 1.0))
    assert notice_of(session) == "Bob has put you off this server: off topic\\u202e"
    session.handle(Offline("UNREACHABLE", "nobody answers", 2.0))
    session.handle(Online(ALICE, True))
    network.run(session)
    assert "off topic" in notice_of(session)
    session.send("sorry")
    assert notice_of(session) == ""
    session.handle(Offline("UNREACHABLE", "the connection was lost", 1.0))
    session.handle(Online(ALICE, True))
    assert notice_of(session) == ""


def test_what_the_server_said_before_it_went_is_shown_until_it_is_back() -> None:
    session, network = logged_in(FakeServer())
    session.handle(Offline("SHUTTING_DOWN", "the server is stopping", 1.0))
    session.handle(Offline("UNREACHABLE", "nobody answers", 2.0))
    assert notice_of(session) == "The server is stopping"
    session.handle(Online(ALICE, True))
    network.run(session)
    assert notice_of(session) == ""


def test_what_an_earlier_run_left_is_shown_until_it_is_stored() -> None:
    server = FakeServer()
    network = FakeNetwork(server)
    left = (Draft(7, ToRoom("lobby"), "left over"), Draft(8, ToRoom("lobby"), "sent at once"))
    session = SessionModel(network, connected(), Settings(), left)
    session.handle(Stored(8, LOBBY, 1, 0))
    network.run(session)
    assert session.selected is not None
    assert [waiting.text for waiting in session.selected.pending] == ["left over"]
    session.handle(Stored(7, LOBBY, 2, 0))
    assert session.selected.pending == []


def test_personal_chat_opens_the_chat_and_says_something() -> None:
    server = FakeServer()
    session, network = logged_in(server)
    session.personal_chat("bob", "psst 🤫")
    network.run(session)
    assert session.selected is not None
    assert session.selected.name == "bob"
    assert server.posts == [("bob", None, "psst 🤫", Kind.TEXT)]


def test_a_personal_chat_with_nobody_says_so() -> None:
    session, network = logged_in(FakeServer())
    session.personal_chat("nobody", "hi")
    network.run(session)
    assert session.notice == "There is no user 'nobody'"


def test_marks_of_the_other_one_are_shown() -> None:
    session, network = logged_in(FakeServer())
    session.select(CHAT)
    network.run(session)
    session.handle(incoming(chat(), message(1, "read me", ALICE)))
    session.handle(MarksMoved(chat(1, peer_read=1, peer_delivered=1), BOB.id, 1, 1))
    assert session.selected is not None
    assert session.selected.info.peer_read == 1


def test_who_comes_and_goes_is_seen() -> None:
    session, _ = logged_in(FakeServer())
    dora = User(9, "dora")
    session.take_changes()
    session.handle(PresenceChanged(lobby(), [dora], [BOB], 2))
    assert [user.name for user in session.people_here()] == ["alice", "dora"]
    assert not session.is_here(session.conversations.chats()[0])
    assert session.take_changes() == {PEOPLE, LIST}


def test_whoever_is_there_stays_there_when_the_connection_is_told_to_be_good() -> None:
    """The news of the first login may come before the answer about the rooms."""
    network = FakeNetwork(FakeServer())
    session = SessionModel(network, connected(), Settings(), ())
    session.handle(Online(ALICE, False))
    network.run(session)
    assert [user.name for user in session.people_here()] == ["alice", "bob"]


def test_a_new_name_is_seen_everywhere() -> None:
    session, _ = logged_in(FakeServer())
    session.handle(UserRenamed(BOB, User(BOB.id, "robert")))
    assert [user.name for user in session.people_here()] == ["alice", "robert"]
    assert [c.name for c in session.conversations.chats()] == ["robert"]


def test_rooms_are_made_joined_left_and_remembered() -> None:
    server, settings = FakeServer(), Settings()
    session, network = logged_in(server, settings)
    session.join("ops", create=True)
    network.run(session)
    assert session.selected is not None
    assert session.selected.name == "ops"
    assert session.notes.rooms == ["lobby", "ops"]
    session.leave()
    network.run(session)
    assert [c.name for c in session.conversations.rooms()] == ["lobby"]
    assert session.notes.rooms == ["lobby"]


def test_a_room_that_is_not_there_says_so() -> None:
    session, network = logged_in(FakeServer())
    session.join("nowhere")
    network.run(session)
    assert session.notice == "There is no room 'nowhere'"


def test_who_is_put_out_of_a_room_is_told() -> None:
    session, _ = logged_in(FakeServer())
    session.handle(RoomLost("lobby", "FORBIDDEN", "you were put out"))
    assert session.conversations.rooms() == []
    assert "put out" in session.notice


def test_clear_chat_hides_until_show_earlier_and_in_the_next_run_too() -> None:
    server, settings = FakeServer(), Settings()
    server.histories[LOBBY] = [message(1), message(2)]
    session, network = logged_in(server, settings)
    session.clear()
    assert shown(session) == []
    again, network = logged_in(server, settings)
    assert shown(again) == []
    again.show_earlier()
    network.run(again)
    assert shown(again) == ["text 1", "text 2"]


def test_older_pages_come_once_at_a_time() -> None:
    server = FakeServer()
    server.histories[LOBBY] = [message(seq) for seq in range(1, 501)]
    session, network = logged_in(server)
    before = server.asked
    session.older()
    session.older()
    network.run(session)
    assert server.asked == before + 1
    assert len(shown(session)) == 400


def test_pages_of_long_messages_which_come_in_pieces_have_no_gap() -> None:
    server = FakeServer()
    server.fit = 7
    server.histories[LOBBY] = [message(seq) for seq in range(1, 501)]
    session, network = logged_in(server)
    session.older()
    network.run(session)
    assert shown(session) == [f"text {seq}" for seq in range(101, 501)]


def test_who_follows_gets_what_was_said_while_the_page_was_on_its_way() -> None:
    server = FakeServer()
    server.histories[LOBBY] = [message(seq) for seq in range(1, 301)]
    network = FakeNetwork(server)
    session = SessionModel(network, connected(), Settings(), ())
    network.run_one(session)  # it has entered, and asks for the newest page
    server.histories[LOBBY] += [message(seq) for seq in range(301, 501)]
    for said in server.histories[LOBBY][300:]:
        session.handle(incoming(lobby(), said))
    network.run(session)
    assert shown(session)[-1] == "text 500"
    assert session.selected is not None
    assert session.selected.at_end


def test_of_many_places_that_the_scrollbar_is_dragged_to_the_last_one_is_shown() -> None:
    server = FakeServer()
    server.histories[LOBBY] = [message(seq) for seq in range(1, 5001)]
    session, network = logged_in(server)
    before = server.asked
    for fraction in (0.9, 0.8, 0.5, 0.1):
        session.go_to(fraction)
    network.run(session)
    assert session.selected is not None
    assert session.selected.take_sought() == 500
    assert "text 500" in shown(session)
    assert server.asked == before + 2
    assert not session.selected.is_following


def test_a_place_that_the_server_keeps_no_more_is_asked_for_once() -> None:
    server = FakeServer()
    server.histories[LOBBY] = [message(seq) for seq in range(4000, 5001)]
    session, network = logged_in(server)
    before = server.asked
    session.go_to(0.1)
    network.run(session)
    assert server.asked == before + 1


def test_search_leads_to_a_message_far_up_and_back() -> None:
    server = FakeServer()
    server.histories[LOBBY] = [message(seq, "needle" if seq == 100 else "hay") for seq in range(1, 2001)]
    session, network = logged_in(server)
    found: list[int] = []
    notes: list[str] = []
    session.search("needle", lambda hits, _: found.extend(hit.message.seq for hit in hits), notes.append)
    network.run(session)
    assert found == [100]
    session.go_to_message(LOBBY, 100)
    network.run(session)
    assert "needle" in shown(session)
    session.jump_to_latest()
    network.run(session)
    assert session.selected is not None
    assert session.selected.messages[-1].seq == 2000


def test_names_for_tab_begin_with_who_spoke_last() -> None:
    session, _ = logged_in(FakeServer())
    for seq, user in enumerate((User(5, "zoe"), BOB), 1):
        session.handle(incoming(lobby(), message(seq, sender=user)))
    assert session.names() == ["bob", "zoe"]


def test_switching_finds_rooms_chats_and_people() -> None:
    server = FakeServer()
    server.people = [ALICE, BOB, User(7, "bobby")]
    session, _ = logged_in(server)
    places = [("lobby", LOBBY, "lobby"), ("bob", CHAT, "bob"), ("bobby (new personal chat)", 0, "bobby")]
    assert session.find_places("BOB") == places[1:]
    assert session.find_places("ob")[0] == places[0]


def test_a_server_without_its_memory_is_entered_anew() -> None:
    server = FakeServer()
    server.histories[LOBBY] = [message(1), message(2)]
    session, network = logged_in(server)
    session.send("still waiting")
    network.run(session)
    session.handle(HistoryLost(None))
    assert session.people_here() == []
    server.histories[LOBBY] = []
    session.handle(Online(ALICE, False))
    network.run(session)
    assert session.selected is not None
    assert shown(session) == []
    assert [waiting.text for waiting in session.selected.pending] == ["still waiting"]
    session.handle(Stored(1, LOBBY, 1, 0))
    assert session.selected.pending == []


def test_an_answer_that_nobody_waits_for_is_no_harm() -> None:
    session, _ = logged_in(FakeServer())
    session.handle(Answered(999, None))
