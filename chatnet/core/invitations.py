"""Join codes: made and revoked by admins, and used up by those who make accounts with them.

Rule kept here: a use is taken from the moment in which an account is handed to the store, so that the last one is never
had twice; it is given back if the account cannot be stored.
"""

import re
from collections.abc import Callable
from heapq import nsmallest

from msgspec.structs import replace

from chatnet.clock import Now
from chatnet.core.accounts import require_private
from chatnet.core.audit import Audit
from chatnet.core.effects import Reply
from chatnet.core.entities import Session
from chatnet.core.entries import DropInvitation, Entry, PutInvitation, Snapshot
from chatnet.core.lists import ITEM_BYTES
from chatnet.core.pending import Change, Pending
from chatnet.core.state import State
from chatnet.errors import ErrorCode, Refused
from chatnet.events import Done, Event, InvitationPage
from chatnet.model import Act, Invitation, Role
from chatnet.requests import CreateInvitation, ListInvitations, RevokeInvitation

_NAME = re.compile("[0-9A-HJKMNP-TV-Z]{4}")
"""As `chatnet.auth.codes` makes them."""


class Invitations:
    """All join codes that can be used."""

    def __init__(self, state: State, pending: Pending, audit: Audit, snapshot: Snapshot) -> None:
        self._state = state
        self._pending = pending
        self._audit = audit
        self._all = {invitation.name: invitation for invitation in snapshot.invitations}
        self._bootstrap: PutInvitation | None = None
        self._taken: dict[str, int] = {}
        """Uses of accounts that wait for the store."""
        self._changing: dict[str, None] = {}
        """Names of those that are being made or revoked."""

    def bootstrap(self, invitation: PutInvitation) -> None:
        """Let this one in too, which no store knows: until there is an admin who does not depend on local access."""
        assert not invitation.maker, "it is the server's own"
        self._bootstrap = invitation

    # -- using ------------------------------------------------------------------------------------------------

    def find(self, name: str, now: Now) -> PutInvitation | None:
        """The join code of this name, if it can be used now."""
        found = self._known(name)
        if found is None or name in self._changing or 0 < found.expires <= now.wall:
            return None
        return found if self._taken.get(name, 0) < found.uses else None

    def _known(self, name: str) -> PutInvitation | None:
        first = self._first()
        return first if first is not None and first.name == name else self._all.get(name)

    def _first(self) -> PutInvitation | None:
        """The one of the server itself. Once it is not needed, it never is again."""
        if self._state.registry.has_registered_admin:
            self._bootstrap = None
        return self._bootstrap

    def take(self, invitation: PutInvitation) -> list[Entry]:
        """Take one use, to be stored with these entries; then comes `settle` or `give_back`."""
        name = invitation.name
        self._taken[name] = taken = self._taken.get(name, 0) + 1
        if not invitation.maker:
            return []
        left = invitation.uses - taken
        return [replace(invitation, uses=left) if left else DropInvitation(name)]

    def settle(self, invitation: PutInvitation) -> None:
        """A use that was taken is used up."""
        name = invitation.name
        self.give_back(invitation)
        if not invitation.maker:
            self._bootstrap = None
        elif self._all[name].uses > 1:
            self._all[name] = replace(self._all[name], uses=self._all[name].uses - 1)
        else:
            del self._all[name]

    def give_back(self, invitation: PutInvitation) -> None:
        """A use that was taken is free again."""
        name = invitation.name
        self._taken[name] -= 1
        if not self._taken[name]:
            del self._taken[name]

    # -- for admins -------------------------------------------------------------------------------------------

    def create(self, session: Session, request: CreateInvitation, now: Now) -> None:
        """Make a join code.

        :raises Refused: BAD_REQUEST; NAME_IN_USE if there is one of this name; FORBIDDEN if there are too many.
        """
        assert session.user is not None
        require_private(session, "a join code's verifier")
        self._check(request, now)
        user, name = session.user.user, request.name
        entry = PutInvitation(name, request.verifier, request.uses, request.expires, request.role, user.id)
        self._changing[name] = None

        def apply() -> Event:
            del self._changing[name]
            self._all[name] = entry
            return Done(request.id)

        self._submit(session, request.id, entry, apply)
        uses = "1 use" if request.uses == 1 else f"{request.uses} uses"
        self._audit.record(user, Act.CREATE_INVITATION, name, 0, f"{uses}, {request.role.name.lower()}", now)

    def _check(self, request: CreateInvitation, now: Now) -> None:
        most = self._state.limits.invitations
        if not _NAME.fullmatch(request.name):
            raise Refused(ErrorCode.BAD_REQUEST, "the name of an invitation is the first four characters of its code")
        if request.role is Role.GUEST:
            raise Refused(ErrorCode.BAD_REQUEST, "who joins with a code is a member or an admin")
        if request.expires and request.expires <= now.wall:
            raise Refused(ErrorCode.BAD_REQUEST, "this join code would be over before it begins")
        if self._known(request.name) is not None or request.name in self._changing:
            raise Refused(ErrorCode.NAME_IN_USE, f"there is a join code {request.name} already: make another one")
        if len(self._all) + len(self._changing) >= most:
            raise Refused(ErrorCode.FORBIDDEN, f"there are at most {most} join codes: revoke some first")

    def list(self, session: Session, request: ListInvitations, now: Now) -> None:
        """Those that can still be used, by name."""
        names = dict.fromkeys(self._all)
        first = self._first()
        if first is not None:
            names[first.name] = None
        most = max(1, self._state.limits.page // ITEM_BYTES)
        page = nsmallest(most, (name for name in names if name > request.after))
        found = [invitation for name in page if (invitation := self.find(name, now)) is not None]
        shown = [Invitation(i.name, i.uses - self._taken.get(i.name, 0), i.expires, i.role, i.maker) for i in found]
        following = page[-1] if len(page) == most else ""
        self._state.out.append(Reply(session.handle, InvitationPage(request.id, shown, following)))

    def revoke(self, session: Session, request: RevokeInvitation, now: Now) -> None:
        """Make a join code worthless.

        :raises Refused: NO_SUCH_INVITATION.
        """
        assert session.user is not None
        name = request.name
        known = self._known(name)
        if known is None or name in self._changing:
            raise Refused(ErrorCode.NO_SUCH_INVITATION, f"there is no join code {name[:4]!r}")
        self._changing[name] = None

        def apply() -> Event:
            del self._changing[name]
            if not known.maker:
                self._bootstrap = None
            else:
                self._all.pop(name, None)
            return Done(request.id)

        self._submit(session, request.id, DropInvitation(name), apply)
        self._audit.record(session.user.user, Act.REVOKE_INVITATION, name, 0, "", now)

    def _submit(
        self, session: Session, request: int, entry: PutInvitation | DropInvitation, apply: Callable[[], Event]
    ) -> None:
        def undo() -> None:
            del self._changing[entry.name]

        self._pending.submit(entry, Change(session.handle, request, apply, undo))

    # -- time -------------------------------------------------------------------------------------------------

    def tick(self, now: Now) -> None:
        """Forget what is over. If the store cannot forget it now, it is found to be over again after a restart."""
        over = [i for i in self._all.values() if 0 < i.expires <= now.wall and i.name not in self._taken]
        for invitation in over:
            del self._all[invitation.name]
            self._state.out.append(DropInvitation(invitation.name))
