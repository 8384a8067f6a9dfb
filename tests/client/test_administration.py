"""What admins ask, from a client to a real server."""

import time
from collections.abc import Iterator

import pytest

from chatnet import Client
from chatnet.address import UNIX, Address
from chatnet.auth.codes import parse_code
from chatnet.client.credentials import LocalCredentials, TokenCredentials
from chatnet.config import Config
from chatnet.core.limits import Limits
from chatnet.errors import ErrorCode, Refused, Unreachable
from chatnet.model import Act, Role, Scope
from chatnet.net.platform import has_unix_sockets
from chatnet.server import Server

pytestmark = pytest.mark.skipif(not has_unix_sockets(), reason="the owner of a server is known by its local socket")


@pytest.fixture
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    path = tmp_path_factory.mktemp("s") / "s"
    config = Config(bind=(Address(UNIX, path=str(path)),), limits=Limits(farewell_seconds=0.2, page=600))
    with Server(config) as server:
        yield server.addresses[0]


@pytest.fixture
def admin(address: Address) -> Iterator[Client]:
    """The owner of the server."""
    with Client(address, credentials=LocalCredentials(), reconnect=False) as client:
        yield client


def account(admin: Client, name: str) -> Client:
    """A client of a new account, which is not connected yet."""
    admin.admin.create_account(name)
    _, token = admin.admin.create_token("test", user=name)
    return Client(admin.address, credentials=TokenCredentials(token), reconnect=False)


def test_accounts_are_made_listed_and_removed(admin: Client) -> None:
    names = [f"user{n:02}" for n in range(40)]
    for name in names:
        made = admin.admin.create_account(name, display=name.upper())
        assert (made.name, made.display, made.role) == (name, name.upper(), Role.MEMBER)
    assert [user.name for user in admin.admin.accounts()] == [admin.user.name, *names]
    admin.admin.set_role("user00", Role.ADMIN)
    admin.admin.drop_account("user01")
    assert [user.role for user in admin.admin.accounts()[:3]] == [Role.ADMIN, Role.ADMIN, Role.MEMBER]
    assert admin.admin.accounts()[2].name == "user02"
    with pytest.raises(Refused) as refused:
        admin.admin.create_account("USER00")
    assert refused.value.code == ErrorCode.NAME_IN_USE


def test_a_token_lets_in_until_it_is_revoked(admin: Client) -> None:
    expires = int(time.time() * 1000) + 3_600_000
    token, secret = admin.admin.create_token("backup", scope=Scope.SEND, expires=expires)
    assert (token.label, token.scope, token.expires) == ("backup", Scope.SEND, expires)
    assert admin.admin.tokens() == [token]
    script = Client(admin.address, credentials=TokenCredentials(secret), live=False, reconnect=False)
    script.connect()
    script.send("done", to=admin.user.name)
    admin.admin.revoke_token(token.id)
    with pytest.raises(Unreachable) as ended:
        script.send("once more", to=admin.user.name)
    script.close()
    assert ended.value.code == ErrorCode.LOGGED_OUT
    assert admin.admin.tokens() == []
    with pytest.raises(Refused) as refused:
        admin.admin.revoke_token(token.id)
    assert refused.value.code == ErrorCode.NO_SUCH_TOKEN


def test_the_own_token_is_revoked_without_knowing_its_number(admin: Client) -> None:
    with account(admin, "bob") as bob:
        bob.admin.revoke_token()
        assert admin.admin.tokens("bob") == []


def test_codes_are_made_listed_page_by_page_and_revoked(admin: Client) -> None:
    codes = [admin.admin.invite(uses=n, role=Role.ADMIN) for n in range(1, 6)]
    assert all(parse_code(str(code)) == code for code in codes)
    listed = {invitation.name: invitation for invitation in admin.admin.invitations()}
    assert [listed[code.name].uses for code in codes] == [1, 2, 3, 4, 5]
    assert listed[codes[0].name].role is Role.ADMIN
    admin.admin.revoke_invitation(codes[0].name)
    assert codes[0].name not in {invitation.name for invitation in admin.admin.invitations()}
    with pytest.raises(Refused) as refused:
        admin.admin.revoke_invitation(codes[0].name)
    assert refused.value.code == ErrorCode.NO_SUCH_INVITATION


def test_what_was_done_is_in_the_audit_log_the_newest_first(admin: Client) -> None:
    for n in range(30):
        admin.admin.create_account(f"user{n}")
    deeds = admin.admin.audit(25)
    assert [deed.subject for deed in deeds] == [f"user{n}" for n in range(29, 4, -1)]
    assert {deed.act for deed in deeds} == {Act.CREATE_ACCOUNT}
    assert len(admin.admin.audit(1000)) >= 31


def test_a_room_is_changed_and_order_is_kept_in_it(admin: Client) -> None:
    with account(admin, "bob") as bob:
        admin.create_room("ops")
        admin.admin.change_room("ops", topic="all about web1", private=True)
        (room,) = [room for room in admin.rooms() if room.name == "ops"]
        assert (room.topic, room.private) == ("all about web1", True)
        with pytest.raises(Refused):
            bob.join("ops")
        admin.admin.moderate(Act.INVITE, "bob", room="ops")
        bob.join("ops")
        assert {member.user.name for member in admin.admin.members("ops")} >= {"bob"}
        admin.admin.moderate(Act.MUTE, "bob", room="ops", seconds=600, reason="too loud")
        (mute,) = admin.admin.bans("ops")
        assert (mute.user.name, mute.act, mute.reason) == ("bob", Act.MUTE, "too loud")
        with pytest.raises(Refused) as refused:
            bob.send("hey", room="ops")
        assert refused.value.code == ErrorCode.MUTED
        admin.admin.change_room("ops", name="operations")
        assert [deed.act for deed in admin.admin.audit(2)] == [Act.CHANGE_ROOM, Act.MUTE]


def test_order_is_kept_on_the_whole_server(admin: Client) -> None:
    bob = account(admin, "bob")
    bob.connect()
    admin.admin.moderate(Act.BAN, "bob", seconds=600)
    with pytest.raises(Unreachable):
        bob.send("hey", to="bob")
    bob.close()
    assert [(ban.user.name, ban.act) for ban in admin.admin.bans()] == [("bob", Act.BAN)]
    admin.admin.moderate(Act.UNBAN, "bob")
    assert admin.admin.bans() == []
