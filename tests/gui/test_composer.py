"""The entry: recall and completion."""

from chatnet_gui.viewmodels.composer import Completer, Completion, Recall


def test_up_goes_back_and_down_returns_to_what_was_typed() -> None:
    recall = Recall()
    for text in ("one", "two"):
        recall.say(text)
    assert [recall.up("draft"), recall.up("two"), recall.up("one")] == ["two", "one", None]
    assert [recall.down(), recall.down(), recall.down()] == ["two", "draft", None]


def test_the_same_said_twice_is_recalled_once() -> None:
    recall = Recall()
    recall.say("again")
    recall.say("again")
    assert [recall.up(""), recall.up("")] == ["again", None]


def test_recall_is_bounded() -> None:
    recall = Recall()
    for number in range(1000):
        recall.say(str(number))
    recalled = 0
    while recall.up("") is not None:
        recalled += 1
    assert recalled == 100


def test_a_name_at_the_start_gets_a_colon_and_elsewhere_a_space() -> None:
    assert Completer().complete("bo", ["bob"]) == Completion(2, "bob: ")
    assert Completer().complete("🎉 hi bo", ["bob"]) == Completion(2, "bob ")
    assert Completer().complete("see @BO", ["bob"]) == Completion(3, "@bob ")


def test_tab_again_offers_the_next_name() -> None:
    completer, names = Completer(), ["bob", "boris"]
    first = completer.complete("hi bo", names)
    assert first == Completion(2, "bob ")
    assert completer.complete("hi bob ", names) == Completion(4, "boris ")
    assert completer.complete("hi boris ", names) == Completion(6, "bob ")


def test_there_is_nothing_to_complete() -> None:
    assert Completer().complete("", ["bob"]) is None
    assert Completer().complete("hi ", ["bob"]) is None
    assert Completer().complete("xy", ["bob"]) is None
