"""Where a token goes: into a keyring that works, or beside the profile."""

from collections.abc import Callable, Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.backends.null import Keyring as NullKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from chatnet.auth.tokens import show_token
from chatnet.client.keychain import forget_token, keep_token, token_of
from chatnet.client.profiles import Profile
from chatnet.errors import ConfigError

TOKEN = b"t" * 32
PROFILE = Profile("alice", "0a" * 16, "alice", "key")


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self, *, is_locked: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.is_locked = is_locked
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        self._open()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._open()
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError

    def _open(self) -> None:
        if self.is_locked:
            raise KeyringLocked("it is locked")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.fixture
def ring() -> Ring:
    ring = Ring()
    keyring.set_keyring(ring)
    return ring


def test_a_keyring_that_works_has_the_token_and_the_profile_does_not(ring: Ring) -> None:
    kept = keep_token(PROFILE, TOKEN)
    assert kept == PROFILE
    assert ring.kept == {("chatnet", "key"): show_token(TOKEN)}
    assert token_of(kept) == TOKEN


def test_a_token_that_is_forgotten_is_in_no_keyring(ring: Ring) -> None:
    kept = keep_token(PROFILE, TOKEN)
    forget_token(kept)
    assert ring.kept == {}
    forget_token(kept)


@pytest.mark.parametrize("make", [NoKeyring, NullKeyring, lambda: Ring(is_locked=True)])
def test_without_a_keyring_that_works_the_profile_has_the_token(make: Callable[[], KeyringBackend]) -> None:
    keyring.set_keyring(make())
    kept = keep_token(PROFILE, TOKEN)
    assert kept.token == show_token(TOKEN)
    assert token_of(kept) == TOKEN
    forget_token(kept)


def test_a_keyring_that_is_locked_later_is_told_of_with_a_way_out(ring: Ring) -> None:
    kept = keep_token(PROFILE, TOKEN)
    ring.is_locked = True
    with pytest.raises(ConfigError, match="it is locked") as refused:
        token_of(kept)
    assert "chatnet login" in refused.value.message
    forget_token(kept)
    ring.is_locked = False
    ring.kept.clear()
    with pytest.raises(ConfigError, match="not there"):
        token_of(kept)
