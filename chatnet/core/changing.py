"""One change of an account, or of a guest's names, at a time.

A change takes effect once it is stored. If another one of the same account began meanwhile, either would be written
over the other: a role that comes back with an older entry, a token that outlives a new password. So whatever changes an
account holds it until the store has answered, and a second change is asked to come again a moment later. Making tokens
only keeps others from changing the account as a whole; two devices may get theirs at the same time.
"""

from chatnet.core.entities import UserState
from chatnet.errors import ErrorCode, Refused
from chatnet.model import UserId

RETRY_SECONDS = 1.0


class Changing:
    """The accounts that something waits for the store for."""

    def __init__(self) -> None:
        self._alone: dict[UserId, None] = {}
        self._shared: dict[UserId, int] = {}

    def check(self, user: UserState) -> None:
        """:raises Refused: RETRY_AFTER: the account is being changed as a whole."""
        if self.is_held(user):
            raise _busy(user)

    def is_held(self, user: UserState) -> bool:
        """Is the account being changed as a whole?"""
        return user.user.id in self._alone

    def hold(self, user: UserState) -> None:
        """Begin to change an account as a whole.

        :raises Refused: RETRY_AFTER.
        """
        self.check(user)
        if user.user.id in self._shared:
            raise _busy(user)
        self._alone[user.user.id] = None

    def release(self, user: UserState) -> None:
        """The change of the whole is over."""
        del self._alone[user.user.id]

    def share(self, user: UserState) -> None:
        """Begin something that needs the account to stay as it is.

        :raises Refused: RETRY_AFTER.
        """
        self.check(user)
        self._shared[user.user.id] = self._shared.get(user.user.id, 0) + 1

    def unshare(self, user: UserState) -> None:
        """That is over."""
        self._shared[user.user.id] -= 1
        if not self._shared[user.user.id]:
            del self._shared[user.user.id]


def _busy(user: UserState) -> Refused:
    reason = f"{user.user.name} is being changed just now; try again"
    return Refused(ErrorCode.RETRY_AFTER, reason, RETRY_SECONDS)
