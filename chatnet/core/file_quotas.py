"""How much of the server each user's files take. What is promised to an upload counts from its first byte on.

Everybody pays for what they have shared, also if the same content is stored once for several: what one may share does
not depend on what others did, and nobody learns from a quota that somebody else has a file.
"""

from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode, Refused
from chatnet.model import UserId
from chatnet.quantities import show_size

_HINT = "Remove some that nobody needs any more."


class Quotas:
    """What everybody has taken: files, and their bytes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._taken: dict[UserId, tuple[int, int]] = {}

    def taken(self, user: UserId) -> int:
        """The bytes of a user's files, and of the uploads under way."""
        return self._taken.get(user, (0, 0))[1]

    def has_any(self, user: UserId) -> bool:
        """Has the user any file, or an upload under way?"""
        return user in self._taken

    def take(self, user: UserId, size: int, *, is_guest: bool = False) -> None:
        """Set aside room for a file that is about to come.

        :raises Refused: QUOTA, with the limit; nothing is set aside.
        """
        limits = self._limits
        if size > limits.file:
            limit = show_size(limits.file)
            reason = f"the file, of {show_size(size)}, is over this server's limit of {limit} for one file"
            raise Refused(ErrorCode.QUOTA, reason)
        most = limits.files_per_guest if is_guest else limits.files_per_user
        count, taken = self._taken.get(user, (0, 0))
        if taken + size > most:
            whom = " for guests" if is_guest else ""
            raise Refused(
                ErrorCode.QUOTA,
                f"your files on this server have {show_size(taken)} already; with {show_size(size)} more they would be "
                f"over the limit of {show_size(most)}{whom}. {_HINT}",
            )
        if count >= limits.file_count_per_user:
            reason = f"you have {count} files on this server already, which is the limit. {_HINT}"
            raise Refused(ErrorCode.QUOTA, reason)
        self.count(user, size)

    def count(self, user: UserId, size: int) -> None:
        """A file that is there already, whatever the limits are now."""
        count, taken = self._taken.get(user, (0, 0))
        self._taken[user] = count + 1, taken + size

    def give_back(self, user: UserId, size: int) -> None:
        """A file is gone, or an upload is given up."""
        count, taken = self._taken[user]
        assert count > 0 <= taken - size, "nobody gives back what was not taken"
        if count > 1:
            self._taken[user] = count - 1, taken - size
        else:
            del self._taken[user]
