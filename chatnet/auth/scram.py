"""Passwords and join codes, shown without being told: SCRAM-SHA-256, bound to the TLS channel where there is one.

The client pays for the key derivation, the server keeps only what can check a proof, and in the end both have shown
that they knew the secret. On TLS that counts for this connection alone: whoever passes the messages on has a
certificate of his own, so the binding differs and the proof fails.

The rule kept here: whatever the other side sends, an exchange ends in a result or in one documented error, and from a
refusal nobody learns whether a name exists.

scramp and what it brings take a while to load, so they are loaded by the first exchange; see `preload`.
Source: RFC 5802, RFC 7677; for the binding RFC 5929 section 4, required on TLS although RFC 5802 would let it go.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from chatnet.auth.codes import Code
from chatnet.auth.names import check_name, fold
from chatnet.errors import ErrorCode, Refused, TrustError
from chatnet.model import ITERATIONS, Verifier
from chatnet.requests import Proof, StartScram

MAX_MESSAGE = 1024
"""Characters of any SCRAM message; those of chatnet itself have at most about 300."""
PASSWORD_MIN = 8
"""Characters, as they are left by SASLprep."""
PASSWORD_MAX = 256
SALT_BYTES = 16
"""Of every verifier that chatnet makes. Another length would tell that an account exists."""
_NONCE_BYTES = 18
_BINDING = "tls-server-end-point"
_BOUND, _PLAIN = f"p={_BINDING},,", "n,,"
"""The GS2 headers that are let in: with TLS and without."""
_REFUSALS = {
    Proof.PASSWORD: "wrong name or password",
    Proof.CODE: "this join code is wrong, used up or expired",
}
_TOO_NEW = "unassigned code points forbidden"
_MIXED = ("malformed bidi sequence", "forbidden bidi character")


def preload() -> None:
    """Load now what the first exchange would load. For a server, whose loop must not wait for it later."""
    _library()


def make_nonce(entropy: Callable[[int], bytes]) -> str:
    """A nonce for one exchange; ``entropy(n)`` gives n random bytes."""
    return b64encode(entropy(_NONCE_BYTES)).decode("ascii")


def refusal(proof: Proof) -> Refused:
    """The one answer to every exchange that fails, whatever the reason."""
    return Refused(ErrorCode.BAD_CREDENTIALS, _REFUSALS[proof])


# -- what a server keeps --------------------------------------------------------------------------------------


def make_verifier(password: str, salt: bytes, iterations: int = ITERATIONS) -> Verifier:
    """What a server keeps of a new password. Takes a quarter of a second. ``salt``: `SALT_BYTES` random bytes.

    :raises Refused: BAD_PASSWORD: it is too short, or has characters that SASLprep (RFC 4013) does not let pass.
    """
    if len(_prepare(password)) < PASSWORD_MIN:
        raise Refused(ErrorCode.BAD_PASSWORD, f"a password has at least {PASSWORD_MIN} characters")
    return _derive(password, salt, iterations)


def make_code_verifier(code: Code, salt: bytes) -> Verifier:
    """What a server keeps of a join code's secret half; as long as that, and random, it may be shorter."""
    return _derive(code.secret, salt, ITERATIONS)


def _derive(secret: str, salt: bytes, iterations: int) -> Verifier:
    made = _library().ScramMechanism().make_auth_info(secret, iterations, salt)
    return Verifier(salt, iterations, stored_key=made[1], server_key=made[2])


def _prepare(password: str) -> str:
    """The password as it is used.

    :raises Refused: BAD_PASSWORD.
    """
    if len(password) > PASSWORD_MAX:
        raise Refused(ErrorCode.BAD_PASSWORD, f"a password has at most {PASSWORD_MAX} characters")
    from scramp.utils import saslprep  # type: ignore[import-untyped]

    try:
        prepared: str = saslprep(password)
    except _library().ScramException as error:
        raise Refused(ErrorCode.BAD_PASSWORD, _unfit(error.args[0])) from None
    if not prepared:
        raise Refused(ErrorCode.BAD_PASSWORD, "a password cannot be empty")
    return prepared


def _unfit(why: str) -> str:
    if why == _TOO_NEW:
        return "a password cannot have emoji, or other characters that are newer than 2002"
    if why in _MIXED:
        return "a password with right-to-left letters has no others, and starts and ends with one of them"
    return "a password cannot have control characters, or others that cannot be seen"


# -- the server's side ----------------------------------------------------------------------------------------


class ServerExchange:
    """One exchange, from `StartScram` on: ``challenge`` goes to the client, and ``name`` is who it claims to be.

    :param binding: the connection's ``tls-server-end-point`` data; None without TLS.
    :param nonce: what `make_nonce` gives; never the same twice.
    :param lookup: the verifier for a name, or None; names come as the client writes them.
    :param secret: known to this server alone, and the same after a restart: it makes the salts of unknown names.
    """

    def __init__(
        self,
        request: StartScram,
        *,
        binding: bytes | None,
        nonce: str,
        lookup: Callable[[str], Verifier | None],
        secret: bytes,
    ) -> None:
        """:raises Refused: BAD_REQUEST: no client-first-message, or one that is not bound to the TLS channel."""
        self.name = ""
        self._proof = request.proof
        self._lookup = lookup
        self._secret = secret
        _check_first(request.first, binding)
        library = _library()
        mechanism = library.ScramMechanism("SCRAM-SHA-256" if binding is None else "SCRAM-SHA-256-PLUS")
        self._server = mechanism.make_server(self._find, _channel(binding), nonce)
        try:
            self._server.set_client_first(request.first)
            self.challenge: str = self._server.get_server_first()
        except library.ScramException as error:
            # scramp hides what the look-up raises, but a bug there is no mistake of the client's.
            if error.args[0] == "auth_fn exception" and error.__cause__ is not None:
                raise error.__cause__ from None
            raise Refused(ErrorCode.BAD_REQUEST, "this is not a SCRAM client-first-message") from None

    def finish(self, final: str) -> str:
        """Take SCRAM's client-final-message, and return the server-final-message.

        :raises Refused: BAD_CREDENTIALS, always with the words of `refusal`.
        """
        try:
            if not _is_readable(final):
                raise refusal(self._proof)
            self._server.set_client_final(final)
            message: str = self._server.get_server_final()
        except _library().ScramException:
            raise refusal(self._proof) from None
        return message

    def _find(self, name: str) -> tuple[bytes, bytes, bytes, int]:
        self.name = name
        # Made for names that exist too, and kept as long: both take the same time, down to what memory is at hand.
        self._decoy = decoy = self._make_decoy(name)
        found = self._lookup(name)
        verifier = decoy if found is None else found
        return verifier.salt, verifier.stored_key, verifier.server_key, verifier.iterations

    def _make_decoy(self, name: str) -> Verifier:
        """A verifier that stays the same for a name, and that nobody knows a password for (RFC 5802, section 9)."""
        # Not the same for a user and an invitation of one name: two equal salts would show that there is neither.
        context = b"chatnet unknown " + self._proof.name.encode() + b" " + fold(name).encode()
        digest = hmac.digest(self._secret, context, hashlib.sha512)
        salt, key = digest[:SALT_BYTES], digest[SALT_BYTES : SALT_BYTES + 32]
        return Verifier(salt, ITERATIONS, stored_key=key, server_key=key)


def _check_first(first: str, binding: bytes | None) -> None:
    """Is it of the one kind that this connection allows?

    :raises Refused: BAD_REQUEST; it depends on nothing but the connection.
    """
    if not _is_readable(first):
        raise Refused(ErrorCode.BAD_REQUEST, f"a SCRAM message has at most {MAX_MESSAGE} characters, all ASCII")
    if binding is not None and not first.startswith(_BOUND):
        # Somebody in between may have taken the binding off, or have no TLS with the client at all.
        raise Refused(ErrorCode.BAD_REQUEST, f"on TLS only SCRAM-SHA-256-PLUS with {_BINDING} is let in")
    if binding is None and not first.startswith(_PLAIN):
        raise Refused(ErrorCode.BAD_REQUEST, "without TLS only SCRAM-SHA-256 without a channel binding is let in")


# -- the client's side ----------------------------------------------------------------------------------------


class ClientExchange:
    """One exchange: ``first`` begins it, and only a `verify` that returns ends it.

    :param binding: the connection's ``tls-server-end-point`` data; None only where there is no TLS.
    :param nonce: what `make_nonce` gives; never the same twice.
    """

    def __init__(self, name: str, password: str, binding: bytes | None, nonce: str) -> None:
        """:raises Refused: BAD_NAME or BAD_PASSWORD: nobody can have this one."""
        check_name(name)
        _prepare(password)
        mechanism = "SCRAM-SHA-256" if binding is None else "SCRAM-SHA-256-PLUS"
        self._client = _library().ScramClient([mechanism], name, password, _channel(binding), nonce)
        self.first: str = self._client.get_client_first()

    def respond(self, challenge: str) -> str:
        """Answer the server-first-message with the client-final-message. Takes a quarter of a second, or more.

        :raises TrustError: UNTRUSTED: the message is none, is not for this exchange, or asks for so few iterations
            that the answer would help to guess the password.
        """
        try:
            _check_readable(challenge)
            self._client.set_server_first(challenge)
            # An attacker who poses as the server chooses the iterations, and has the answer to guess from afterwards.
            if int(self._client.iterations) < ITERATIONS:
                raise TrustError(
                    ErrorCode.UNTRUSTED,
                    f"the server asks for a weaker proof than is safe ({self._client.iterations} iterations, where "
                    f"{ITERATIONS} are the least): somebody may be after the password; nothing was shown",
                )
            final: str = self._client.get_client_final()
        except _library().ScramException:
            raise TrustError(
                ErrorCode.UNTRUSTED, "the server does not keep to the SCRAM protocol; nothing was shown to it"
            ) from None
        return final

    def verify(self, message: str) -> None:
        """Take the server-final-message: does the server know the secret too, on this very connection?

        :raises TrustError: UNTRUSTED: it does not.
        """
        try:
            _check_readable(message)
            self._client.set_server_final(message)
        except _library().ScramException:
            raise TrustError(
                ErrorCode.UNTRUSTED,
                "this is not the server that the account is on, or that made the join code: it does not know the "
                "secret; nothing but a proof was shown to it",
            ) from None


# -- what both sides need -------------------------------------------------------------------------------------


def _library() -> Any:
    import scramp  # type: ignore[import-untyped]

    return scramp


def _channel(binding: bytes | None) -> tuple[str, bytes] | None:
    return None if binding is None else (_BINDING, binding)


def _is_readable(message: str) -> bool:
    # Names, nonces and base64 are ASCII; that keeps Unicode's odd cases away from every step behind this one.
    return len(message) <= MAX_MESSAGE and message.isascii()


def _check_readable(message: str) -> None:
    if not _is_readable(message):
        raise _library().ScramException("not readable")
