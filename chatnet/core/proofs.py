"""What a connection has shown knowledge of before it logs in as anybody.

A proof counts for this connection alone, and only as long as what was proven is still so: a password that was changed
meanwhile, or a join code that was revoked, shows nothing any more. So each is kept with what it was checked by.
"""

from dataclasses import dataclass

from chatnet.auth.scram import ServerExchange
from chatnet.model import UserId, Verifier
from chatnet.requests import Proof


@dataclass(frozen=True, slots=True)
class Exchange:
    """A SCRAM exchange between its two requests."""

    scram: ServerExchange
    proof: Proof
    user: UserId
    """The account of the name that it began with; 0 for none, or for a join code."""
    verifier: Verifier | None
    """Of that account or join code; None where there is none."""


@dataclass(slots=True)
class Proofs:
    """All that one connection has shown; one exchange at a time."""

    exchange: Exchange | None = None
    tried: str = ""
    """The account's name in the last exchange, whatever came of it; empty for a join code."""
    user: UserId = 0
    """The account whose password was shown, or that was made over this connection; 0 for none."""
    password: Verifier | None = None
    """By what that password was checked; None for a new account, which has none."""
    code: str = ""
    """The name of the invitation whose join code was shown; empty for none."""
    code_verifier: Verifier | None = None
