"""Where a profile's token is kept: in the system's keyring where there is one, else in the profiles' private file.

The package ``keyring`` is an extra. A keyring counts only if it gives back what it was given: some are there and
locked, or do nothing. What it is not needed for does not load it.
"""

from msgspec.structs import replace

from chatnet.auth.tokens import parse_token, show_token
from chatnet.client.profiles import Profile
from chatnet.errors import ConfigError, ErrorCode

_SERVICE = "chatnet"


def keep_token(profile: Profile, token: bytes) -> Profile:
    """Put the token away; returns the profile with it, or without it if it is in the keyring."""
    text = show_token(token)
    return replace(profile, token="" if _keep(profile.key, text) else text)


def token_of(profile: Profile) -> bytes:
    """The token of a profile.

    :raises ConfigError: BAD_OPTION: it is damaged, or in a keyring that does not give it out here.
    """
    return parse_token(profile.token or _look_up(profile))


def forget_token(profile: Profile) -> None:
    """Take it out of the keyring, if it is in one."""
    if profile.token:
        return
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return
    try:
        keyring.delete_password(_SERVICE, profile.key)
    except KeyringError:
        return  # it is locked, or the token is gone already


def _keep(key: str, text: str) -> bool:
    """Does the keyring have it now?"""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return False
    try:
        keyring.set_password(_SERVICE, key, text)
        return bool(keyring.get_password(_SERVICE, key) == text)
    except KeyringError:
        return False


def _look_up(profile: Profile) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise _locked(profile, "the Python package 'keyring' is not installed here") from None
    try:
        text = keyring.get_password(_SERVICE, profile.key)
    except KeyringError as error:
        raise _locked(profile, str(error) or type(error).__name__) from error
    if text is None:
        raise _locked(profile, "it is not there")
    return text


def _locked(profile: Profile, why: str) -> ConfigError:
    return ConfigError(
        ErrorCode.BAD_OPTION,
        f"the token of the profile {profile.name!r} is in the system's keyring, and cannot be had: {why}\n"
        "Log in again with 'chatnet login'; for scripts make a token of their own: chatnet admin token, "
        "CHATNET_TOKEN_FILE.",
    )
