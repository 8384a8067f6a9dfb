"""All accounts, and what is asked about them most: their names' looks, who is admin, whose is a local user.

Rule kept here: `note` is called after whatever changes an account, and puts right all that follows from it.
"""

from chatnet.auth.names import fold, skeleton
from chatnet.core.entities import UserState
from chatnet.model import Role, User, UserId


class Registry:
    """The accounts of a server."""

    def __init__(self) -> None:
        self.accounts: dict[UserId, UserState] = {}
        self.admins: dict[UserId, None] = {}
        self.registered: dict[UserId, None] = {}
        """Accounts that came by a join code or from an admin, or have a password: all but those that only a local
        user of this machine can use."""
        self.local: dict[int, UserState] = {}
        """By the operating system's user."""
        self._reserved: dict[str, UserId] = {}
        """Names that wait for the store, folded, and whose they will be: new accounts and users who are renamed."""
        self._looks: dict[str, dict[UserId, None]] = {}
        """Which accounts have names that look like this; names that wait for the store count too."""
        self._looks_of: dict[UserId, list[str]] = {}

    @property
    def has_registered_admin(self) -> bool:
        """Is there an admin who does not depend on local access?"""
        return any(id in self.registered for id in self.admins)

    def note(self, user: UserState) -> None:
        """An account is new, or has changed."""
        id = user.user.id
        self.forget(id)
        self.accounts[id] = user
        if user.user.role is Role.ADMIN:
            self.admins[id] = None
        if user.uid < 0 or user.verifier is not None:
            self.registered[id] = None
        if user.uid >= 0:
            self.local[user.uid] = user
        self._note_looks(user.user)

    def forget(self, id: UserId) -> None:
        """An account is gone; nothing happens if it is none."""
        user = self.accounts.pop(id, None)
        if user is not None and self.local.get(user.uid) is user:
            del self.local[user.uid]
        self.admins.pop(id, None)
        self.registered.pop(id, None)
        self._forget_looks(id)

    # -- names ------------------------------------------------------------------------------------------------

    def reserve(self, user: User) -> None:
        """Somebody is about to be stored with these names: a new account, or a user who has had others until now."""
        self._reserved[fold(user.name)] = user.id
        if user.role is not Role.GUEST:
            self._note_looks(user)

    def release(self, user: User) -> None:
        """Who was about to be stored with these names is, or cannot be."""
        del self._reserved[fold(user.name)]
        self._forget_looks(user.id)
        if user.id in self.accounts:
            self._note_looks(self.accounts[user.id].user)

    def is_reserved(self, name: str) -> bool:
        """Is somebody of just this name about to be stored?"""
        return fold(name) in self._reserved

    def is_imitation(self, text: str, user: UserId = 0) -> bool:
        """Does a login or display name look like one of an account, other than ``user`` itself?"""
        if not text or not self._looks:
            return False
        return any(id != user for id in self._looks.get(skeleton(text), ()))

    def _note_looks(self, user: User) -> None:
        """Note how an account's names look, besides what is noted of it already."""
        looks = [look for look in map(skeleton, (user.name, user.display)) if look]
        self._looks_of.setdefault(user.id, []).extend(looks)
        for look in looks:
            self._looks.setdefault(look, {})[user.id] = None

    def _forget_looks(self, id: UserId) -> None:
        for look in dict.fromkeys(self._looks_of.pop(id, ())):
            del self._looks[look][id]
            if not self._looks[look]:
                del self._looks[look]
