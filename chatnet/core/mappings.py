"""Mappings that are nearly always empty, or the same for many: those share one, until theirs is to be another.

Rule kept here: what is shared cannot be changed, so that a mistake raises instead of changing it for all. A dict has
one holder, which alone changes it, by these two functions.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")
NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})


def added(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    """The holder's mapping with this entry: the same one if it is its own."""
    if isinstance(mapping, dict):
        mapping[key] = value
        return mapping
    return {**mapping, key: value}


def without(mapping: Mapping[K, V], key: K) -> Mapping[K, V]:
    """The holder's mapping without an entry that it may have: the same one if it is its own and not empty."""
    if key not in mapping:
        return mapping
    if len(mapping) == 1:
        return NOTHING
    own = mapping if isinstance(mapping, dict) else dict(mapping)
    del own[key]
    return own
