"""What every store must do with accounts, what they may do, and what they have done: a part of the suite for stores."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatnet.core.entries import (
    Batch,
    DropBan,
    DropInvitation,
    DropMember,
    DropToken,
    DropUser,
    PutBan,
    PutMember,
    PutToken,
    PutUser,
)
from chatnet.model import Act, Deed, Rank, Role, Scope
from chatnet.testing.store_accounts_model import EVERYTHING, VERIFIER, AccountsModel, account_entries
from chatnet.testing.store_driver import Driver, StoreSuite
from chatnet.testing.store_model import PREPARATION, deed, post


def ids(deeds: list[Deed]) -> list[int]:
    """Which lines these are."""
    return [deed.id for deed in deeds]


class AccountConformance(StoreSuite):
    """A part of `chatnet.testing.store_conformance.StoreConformance`."""

    # -- the audit log ----------------------------------------------------------------------------------------

    def test_deeds_are_numbered_in_their_order_and_read_from_the_newest(self) -> None:
        driver = self.new()
        driver.put(deed(100), post(1, 1), deed(300))
        driver.put(deed(200))
        assert [(line.id, line.time) for line in driver.deeds()] == [(3, 200), (2, 300), (1, 100)]

    def test_a_deed_is_kept_as_it_came(self) -> None:
        driver = self.new()
        driver.put(deed(7))
        assert driver.deeds() == [Deed(1, 7, 1, "user1", Act.KICK, "user7", 1, "spam")]

    def test_the_audit_log_is_read_in_pages(self) -> None:
        driver = self.new()
        driver.put(*(deed(n) for n in range(1, 11)))
        assert ids(driver.deeds(limit=4)) == [10, 9, 8, 7]
        assert ids(driver.deeds(before=7, limit=4)) == [6, 5, 4, 3]
        assert ids(driver.deeds(before=3, limit=4)) == [2, 1]
        assert ids(driver.deeds(before=1)) == []
        assert ids(driver.deeds(before=2**63 - 1, limit=1)) == [10]

    def test_what_somebody_did_stays_when_the_account_is_gone(self) -> None:
        driver = self.new()
        driver.put(deed(1), DropUser(1))
        assert ids(driver.deeds()) == [1]

    def test_the_audit_log_survives_and_goes_on(self) -> None:
        driver = self.new()
        driver.put(deed(1), deed(2))
        kept = driver.deeds()
        driver = self.new_again(driver)
        assert driver.deeds() == kept
        driver.put(deed(3))
        assert ids(driver.deeds()) == [3, 2, 1]

    # -- what outlives the process ----------------------------------------------------------------------------

    def test_accounts_and_powers_survive(self) -> None:
        driver, model = self.new(), AccountsModel()
        driver.put(*EVERYTHING)
        for entry in [*PREPARATION, *EVERYTHING]:
            model.apply(entry)
        snapshot = self.new_again(driver).snapshot
        model.compare(snapshot)
        assert snapshot.users[0] == PutUser(1, "user1", "", Role.ADMIN, b"", VERIFIER, uid=1000)
        assert snapshot.next_token == 3

    def test_what_was_taken_back_does_not_come_back(self) -> None:
        driver = self.new()
        driver.put(*EVERYTHING)
        driver.put(DropToken(1), DropInvitation("7KQM"), DropMember(1, 2), DropBan(0, 2, Act.BAN))
        snapshot = self.new_again(driver).snapshot
        assert [token.id for token in snapshot.tokens] == [2]
        assert snapshot.invitations == []
        assert [member.user for member in snapshot.members] == [1]
        assert [(ban.conversation, ban.act) for ban in snapshot.bans] == [(1, Act.MUTE)]

    def test_what_is_put_and_taken_back_in_one_batch_is_not_there(self) -> None:
        driver = self.new()
        token, ban = PutToken(1, 1, b"h" * 32, "", Scope.ALL, 0, 0), PutBan(0, 2, Act.BAN, 0, 1, "", 0)
        driver.put(token, ban, DropToken(1), DropBan(0, 2, Act.BAN), ban, DropBan(0, 2, Act.MUTE))
        snapshot = self.new_again(driver).snapshot
        assert (snapshot.tokens, snapshot.bans) == ([], [ban])

    def test_with_a_user_goes_all_that_was_his(self) -> None:
        driver = self.new()
        driver.put(*EVERYTHING, DropUser(2))
        driver.put(DropUser(1))
        snapshot = self.new_again(driver).snapshot
        assert (snapshot.users, snapshot.tokens, snapshot.members, snapshot.bans) == ([], [], [], [])
        assert len(snapshot.invitations) == 1, "the core decides what becomes of it"

    def test_no_token_has_the_id_of_one_that_is_gone(self) -> None:
        driver = self.new()
        driver.put(*EVERYTHING, DropToken(2), DropToken(1))
        assert self.new_again(driver).snapshot.next_token == 3

    def test_members_come_back_in_the_order_in_which_they_came(self) -> None:
        driver = self.new()
        driver.put(
            PutMember(1, 2, Rank.MEMBER, 500), PutMember(1, 1, Rank.MEMBER, 500), PutMember(2, 1, Rank.OWNER, 100)
        )
        driver.put(PutMember(1, 2, Rank.MODERATOR, 500))
        assert self.new_again(driver).snapshot.members == [
            PutMember(2, 1, Rank.OWNER, 100),
            PutMember(1, 2, Rank.MODERATOR, 500),
            PutMember(1, 1, Rank.MEMBER, 500),
        ]

    def test_whoever_comes_back_is_the_last(self) -> None:
        driver = self.new()
        driver.put(PutMember(1, 1, Rank.MEMBER, 500), PutMember(1, 2, Rank.MEMBER, 500))
        driver = self.new_again(driver)
        driver.put(DropMember(1, 1), PutMember(1, 1, Rank.MEMBER, 500))
        assert [member.user for member in self.new_again(driver).snapshot.members] == [2, 1]

    def test_the_secret_is_made_once(self) -> None:
        driver = self.new()
        secret = driver.snapshot.secret
        again = self.new_again(driver).snapshot
        assert (again.secret, len(secret)) == (secret, 32)
        assert again.server not in secret

    @settings(
        max_examples=30, deadline=None, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow]
    )
    @given(runs=st.lists(st.lists(st.lists(account_entries(), min_size=1, max_size=8), max_size=6), max_size=3))
    def test_any_run_is_known_after_any_restart(self, runs: list[list[Batch]]) -> None:
        driver, model = Driver(self.make_store()), AccountsModel()
        for batches in runs:
            for batch in batches:
                driver.put(*batch)
                for entry in batch:
                    model.apply(entry)
            driver = self.new_again(driver)
            model.compare(driver.snapshot)
        driver.store.close()
