"""Mappings that are shared until they differ: what is another's must never change with one's own."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.core.entities import RoomState
from chatnet.core.mappings import NOTHING, added, without

KEYS = st.integers(0, 4)


def test_what_is_shared_cannot_be_changed_by_mistake() -> None:
    for shared in (NOTHING, RoomState(7, "talk", 1).alone):
        with pytest.raises(TypeError, match="does not support item assignment"):
            shared[1] = 1  # type: ignore[index]


def test_the_first_entry_makes_a_dict_of_ones_own() -> None:
    mine, theirs = added(NOTHING, 1, "a"), added(NOTHING, 2, "b")
    assert (mine, theirs, dict(NOTHING)) == ({1: "a"}, {2: "b"}, {})
    assert added(mine, 3, "c") is mine, "further entries cost no copy"


def test_the_last_entry_leaves_nothing_behind() -> None:
    assert without(added(NOTHING, 1, "a"), 1) is NOTHING
    assert without(MappingProxyType({1: "a"}), 1) is NOTHING


def test_who_is_in_one_room_shares_its_mapping_until_it_is_in_another() -> None:
    room, other = RoomState(7, "talk", 1), RoomState(8, "news", 1)
    assert room.alone is room.alone
    mine = added(room.alone, 8, other)
    assert (list(mine), list(room.alone)) == ([7, 8], [7])
    assert list(without(mine, 7)) == [8]


@given(st.dictionaries(KEYS, st.integers()), st.booleans(), st.lists(st.tuples(st.booleans(), KEYS, st.integers())))
def test_it_behaves_like_a_dict_and_leaves_what_it_came_from(
    start: dict[int, int], is_shared: bool, changes: list[tuple[bool, int, int]]
) -> None:
    origin: Mapping[int, int] = MappingProxyType(dict(start)) if is_shared else dict(start)
    mapping, model = origin, dict(start)
    for is_new, key, value in changes:
        if is_new:
            mapping = added(mapping, key, value)
            model[key] = value
        else:
            mapping = without(mapping, key)
            model.pop(key, None)
        assert list(mapping.items()) == list(model.items())
    assert not is_shared or origin == start
