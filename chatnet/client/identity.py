"""Who one is to servers: the installation's secret, and this process's device.

The secret is made once and kept in a private file; what a server sees is derived from it for that server alone. The
device is random for every process, because its outbox ends with the process: two processes of one user, side by side,
are one guest on two devices.
"""

import hashlib
import hmac
import os

import msgspec

from chatnet.auth.guests import server_secret
from chatnet.errors import ConfigError, ErrorCode
from chatnet.model import DEVICE_ID_BYTES, SECRET_BYTES, DeviceId


class Identity(msgspec.Struct, frozen=True):
    """A guest and one device of it. No two outboxes may ever share a device."""

    secret: bytes
    """32 random bytes, which never leave this machine."""
    device: DeviceId

    @classmethod
    def ephemeral(cls) -> "Identity":
        """Somebody who is forgotten with the process."""
        return cls(os.urandom(SECRET_BYTES), os.urandom(DEVICE_ID_BYTES))

    def on_new_device(self) -> "Identity":
        """The same guest, for another outbox."""
        return Identity(self.secret, os.urandom(DEVICE_ID_BYTES))

    def on_device_for(self, message: bytes) -> "Identity":
        """The same guest, on the device that exists to send this one message, again and again if need be."""
        digest = hmac.digest(self.secret, b"chatnet message " + message, hashlib.sha256)
        return Identity(self.secret, digest[:DEVICE_ID_BYTES])

    def secret_for(self, server: bytes) -> bytes:
        """The 32 bytes to show to the server of this id; they are good for no other."""
        return server_secret(self.secret, server)


def load_identity(path: str | None = None) -> Identity:
    """This installation's identity, made now if there is none yet, on a new device.

    ``path`` is the file of the secret; the default is in the user's own state folder.
    :raises ConfigError: BAD_OPTION: it cannot be read, made, or understood.
    """
    if path is None:
        from chatnet.client.folders import state_folder

        path = os.path.join(state_folder(), "guest-secret")
    try:
        if not os.path.exists(path):
            _create(path)
        with open(path, "rb") as file:
            text = file.read(2 * SECRET_BYTES + 2)
    except OSError as error:
        raise ConfigError(
            ErrorCode.BAD_OPTION, f"cannot keep this computer's guest secret in {path}: {error.strerror}"
        ) from error
    return Identity(_parse(text, path), os.urandom(DEVICE_ID_BYTES))


def _parse(text: bytes, path: str) -> bytes:
    try:
        secret = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise ConfigError(
            ErrorCode.BAD_OPTION,
            f"{path} is damaged: it should be one line of {2 * SECRET_BYTES} hexadecimal digits.\n"
            "Restore it, or remove it to become a new guest; your names of before stay taken for a day.",
        )
    return secret


def _create(path: str) -> None:
    """Make the file, whole at once. Where another process makes it at the same moment, the first one's stays."""
    folder = os.path.dirname(path) or "."
    os.makedirs(folder, mode=0o700, exist_ok=True)
    draft = f"{path}.{os.urandom(8).hex()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(os.urandom(SECRET_BYTES).hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path)
    finally:
        if os.path.exists(draft):
            os.unlink(draft)


def _publish(draft: str, path: str) -> None:
    """Give a finished file its name, unless another has it already."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:
        # A file system without hard links. There, two processes that start at the very same moment may end up with
        # one secret each, and the one that came first with a secret that is not kept.
        if not os.path.exists(path):
            os.rename(draft, path)
