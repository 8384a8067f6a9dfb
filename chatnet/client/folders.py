"""Where a user's programs keep what they must remember, on each operating system."""

import hashlib
import os
import sys


def state_folder() -> str:
    """chatnet's own folder for state of this user; it may not exist yet.

    Source: XDG Base Directory Specification 0.8; Apple, File System Programming Guide; Windows known folders.
    """
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Application Support")
    else:
        given = os.environ.get("XDG_STATE_HOME", "")
        # The specification says to ignore relative paths.
        base = given if os.path.isabs(given) else os.path.join(home, ".local", "state")
    return os.path.join(base, "chatnet")


def outbox_folder(server: str, name: str) -> str:
    """Where messages wait that this user, under this name, has for this server; it may not exist yet.

    ``server`` is the address as the user gives it, empty for the one that is found by itself.
    """
    profile = hashlib.sha256(f"{server}\n{name}".encode()).hexdigest()[:16]
    return os.path.join(state_folder(), "outboxes", profile)


def profile_outbox_folder(key: str) -> str:
    """Where messages of a profile wait, whatever its server's address is; it may not exist yet."""
    return os.path.join(state_folder(), "outboxes", key)
