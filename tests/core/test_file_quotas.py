"""How much of the server's disk each user's files take."""

import pytest

from chatnet.core.file_quotas import Quotas
from chatnet.core.limits import MIB, Limits
from chatnet.errors import ErrorCode, Refused

LIMITS = Limits(file=2 * MIB, files_per_user=5 * MIB)


def refused(quotas: Quotas, user: int, size: int) -> str:
    with pytest.raises(Refused) as caught:
        quotas.take(user, size)
    assert caught.value.code == ErrorCode.QUOTA
    return caught.value.message


def test_a_file_over_the_limit_is_refused_with_the_limit() -> None:
    quotas = Quotas(LIMITS)
    refused(quotas, 1, 2 * MIB + 1)
    assert "of 3 MiB, is over this server's limit of 2 MiB for one file" in refused(quotas, 1, 3 * MIB)
    quotas.take(1, 2 * MIB)


def test_all_files_of_a_user_have_a_limit_and_others_have_their_own() -> None:
    quotas = Quotas(LIMITS)
    quotas.take(1, 2 * MIB)
    quotas.take(1, 2 * MIB)
    reason = refused(quotas, 1, 2 * MIB)
    assert "have 4 MiB already; with 2 MiB more they would be over the limit of 5 MiB" in reason
    assert quotas.taken(1) == 4 * MIB
    quotas.take(1, 1 * MIB)
    quotas.take(2, 2 * MIB)


def test_what_is_given_back_can_be_taken_again() -> None:
    quotas = Quotas(LIMITS)
    for _ in range(2):
        quotas.take(1, 2 * MIB)
        quotas.take(1, 2 * MIB)
        quotas.give_back(1, 2 * MIB)
        quotas.give_back(1, 2 * MIB)
        assert quotas.taken(1) == 0


def test_what_is_there_counts_even_over_a_limit_that_was_lowered() -> None:
    quotas = Quotas(LIMITS)
    quotas.count(1, 9 * MIB)
    assert quotas.taken(1) == 9 * MIB
    refused(quotas, 1, 0)
