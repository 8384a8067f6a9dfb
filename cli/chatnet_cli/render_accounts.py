"""Accounts, tokens, join codes, members, bans and the audit log, as lines for people and as objects for programs."""

from datetime import UTC

from chatnet.model import Act, Ban, Deed, Invitation, Member, Role, Scope, Time, Token, User
from chatnet_cli.render import moment_of, shown_name, shown_user
from chatnet_cli.safe_text import safe_name

_TOO_FAR = "a time that no calendar has"


def account_line(user: User) -> str:
    """``Alice Smith (alice)  admin``."""
    return f"{shown_user(user)}  {word(user.role)}"


def account_object(user: User) -> dict[str, object]:
    return {"id": user.id, "name": user.name, "display": user.display, "role": word(user.role)}


def token_line(token: Token) -> str:
    """``12  laptop  for everything  since 2026-01-31 12:00  for ever``."""
    what = "for sending only" if token.scope is Scope.SEND else "for everything"
    return f"{token.id}  {safe_name(token.label)}  {what}  since {_shown(token.made)}  {shown_until(token.expires)}"


def token_object(token: Token) -> dict[str, object]:
    return {
        "token": token.id,
        "label": token.label,
        "send_only": token.scope is Scope.SEND,
        **times(token.made, "made"),
        **times(token.expires, "expires"),
    }


def invitation_line(invitation: Invitation) -> str:
    """``7KQM  1 use left  member  until 2026-01-31 12:00``."""
    uses = "1 use" if invitation.uses == 1 else f"{invitation.uses} uses"
    name, role = safe_name(invitation.name), word(invitation.role)
    return f"{name}  {uses} left  {role}  {shown_until(invitation.expires)}"


def invitation_object(invitation: Invitation) -> dict[str, object]:
    return {
        "name": invitation.name,
        "uses": invitation.uses,
        "role": word(invitation.role),
        **times(invitation.expires, "expires"),
    }


def member_line(member: Member) -> str:
    """``Alice Smith (alice)  owner  online``."""
    return f"{shown_user(member.user)}  {member.rank.name.lower()}" + ("  online" if member.online else "")


def member_object(member: Member) -> dict[str, object]:
    rank = member.rank.name.lower()
    return {"id": member.user.id, "name": member.user.name, "rank": rank, "online": member.online}


def ban_line(ban: Ban) -> str:
    """``bob  mute  until 2026-01-31 12:00  too loud``."""
    reason = f"  {safe_name(ban.reason)}" if ban.reason else ""
    return f"{shown_user(ban.user)}  {word(ban.act)}  {shown_until(ban.until)}{reason}"


def ban_object(ban: Ban) -> dict[str, object]:
    return {
        "name": ban.user.name,
        "act": word(ban.act),
        "reason": ban.reason,
        "by": ban.by,
        **times(ban.time, "time"),
        **times(ban.until, "until"),
    }


def deed_line(deed: Deed) -> str:
    """``[2026-01-31 12:00] alice: mute bob (10 min; too loud)``."""
    where = f" in room {deed.conversation}" if deed.conversation else ""
    detail = f"  ({safe_name(deed.detail)})" if deed.detail else ""
    actor = shown_name(deed.actor_name) if deed.actor_name else "the server"
    return f"[{_shown(deed.time)}] {actor}: {word(deed.act)} {safe_name(deed.subject)}{where}{detail}"


def deed_object(deed: Deed) -> dict[str, object]:
    return {
        "id": deed.id,
        **times(deed.time, "time"),
        "actor": deed.actor_name,
        "act": word(deed.act),
        "subject": deed.subject,
        "conversation": deed.conversation or None,
        "detail": deed.detail,
    }


def word(value: Role | Act) -> str:
    """``PASS_ON`` as people write it: ``pass-on``."""
    return value.name.lower().replace("_", "-")


def shown_until(moment: Time) -> str:
    """When something ends."""
    return f"until {_shown(moment)}" if moment else "for ever"


def _shown(moment: Time) -> str:
    found = moment_of(moment, None)
    return _TOO_FAR if found is None else f"{found:%Y-%m-%d %H:%M}"


def times(moment: Time, key: str) -> dict[str, object]:
    """A moment twice: ISO 8601 in UTC, and milliseconds since 1970; null for never."""
    if not moment:
        return {key: None, f"{key}_ms": None}
    found = moment_of(moment, UTC)
    iso = None if found is None else found.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {key: iso, f"{key}_ms": moment}
