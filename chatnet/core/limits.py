"""How much of everything anybody gets: the defaults, and what rations a rate.

All numbers are bytes, seconds or counts. They bound what a connection can cost before and after it has shown who it
is, so that whatever one client does, the others notice nothing.
"""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of a server."""

    # Connections
    handshake_seconds: float = 5.0
    """From connect to a finished TLS handshake; then it is closed."""
    login_seconds: float = 10.0
    """From connect to a finished login; then AUTH_TIMEOUT."""
    strangers: int = 256
    """Connections that have not logged in; one more gets SERVER_FULL."""
    wasted_connections_per_place: int = 64
    """Connections from one IPv4 address, or one /64 of IPv6, in `wasted_connection_seconds`, that do not log in; one
    more is closed at once. Unix sockets have no address, and are not counted."""
    wasted_connection_seconds: float = 60.0
    wasted_connection_places: int = 10_000
    """Places of which such connections are known; if there are more, those that were quiet for longest are let go."""
    connections: int = 100_000
    """Connections in all; one more gets SERVER_FULL."""
    frame_before_login: int = 4 * KIB
    frame: int = 64 * KIB
    """Of one frame's payload; then FRAME_TOO_BIG."""
    output_before_login: int = 16 * KIB
    """Queued for a stranger; then TOO_SLOW."""
    output_soft: int = 256 * KIB
    """Queued for a session; past it, messages wait in the store."""
    output_low: int = 64 * KIB
    """A queue that was over the soft limit is refilled when it is down to this."""
    output_hard: int = 1 * MIB
    """Queued for a session; then TOO_SLOW."""
    ping_seconds: float = 30.0
    """Silence after which the server asks whether anybody is there."""
    silence_seconds: float = 75.0
    """Silence after which it closes with TIMED_OUT."""
    farewell_seconds: float = 5.0
    """To flush what is queued when the server stops or closes a connection."""

    # Sessions
    sessions_per_user: int = 8
    unanswered: int = 32
    """Posts of one session that wait for the store; one more closes with TOO_MANY_UNANSWERED."""
    post_burst: float = 20.0
    posts_per_second: float = 10.0
    text_burst: float = 64 * KIB
    text_per_second: float = 64 * KIB
    request_burst: float = 200.0
    requests_per_second: float = 50.0
    """Of requests that are no posts. A session over a rate is not read until the rate allows it again."""
    known_sessions: int = 65_536
    """Latest sessions of which it is known whose they were, so that a guest who was renamed meanwhile comes back."""
    failed_logins_per_account: int = 5
    """Failed logins of one account from one place, in `failed_login_seconds`; then RETRY_AFTER."""
    failed_logins_per_account_everywhere: int = 100
    """... from all places together."""
    failed_logins_per_place: int = 10
    """... from one IPv4 address, or one /64 of IPv6, for whatever account. Not for who comes from this machine."""
    failed_login_seconds: float = 60.0
    failed_login_keys: int = 10_000
    """Accounts and places of which failures are known; if there are more, those that failed longest ago are let go."""
    tokens_per_account: int = 64
    invitations: int = 1000
    """Join codes that can be used at one time."""
    guest_hold_seconds: float = 24 * 3600.0
    """A guest's name and personal chats are held this long after its last session..."""
    held_guests: int = 10_000
    """... unless there are more than this many: then the longest away are forgotten first."""

    # Conversations
    text: int = 16 * KIB
    """UTF-8 bytes of one message; then TOO_LONG."""
    page: int = 48 * KIB
    """Bytes of one page of anything that can grow."""
    rooms: int = 100_000
    rooms_per_guest: int = 100
    """Rooms that one guest may own."""
    rooms_per_account: int = 1000
    """Rooms that one account may own."""
    rooms_per_session: int = 1000
    """Rooms that one session may be in."""
    unused_chats: int = 10_000
    """Personal chats that were looked up while nothing is said in them; if there are more, the oldest are forgotten."""
    presence_members: int = 200
    """Rooms with more members are told only how many there are, at most every `presence_seconds`."""
    presence_seconds: float = 5.0
    file: int = 2 * GIB
    """Of one file; then QUOTA."""
    files_per_user: int = 10 * GIB
    """Of all files that one account has shared or is uploading; then QUOTA."""
    files_per_guest: int = 1 * GIB
    """Of all files of one guest; then QUOTA."""
    file_count_per_user: int = 10_000
    """Files that one user has shared or is uploading; then QUOTA."""
    files: int = 100_000
    """Files of all users together, and uploads; then QUOTA."""
    transfers: int = 64
    """Uploads and downloads of all sessions together; one more gets TOO_MANY_TRANSFERS."""
    transfers_per_session: int = 4
    """Uploads and downloads of one session at a time; one more gets TOO_MANY_TRANSFERS."""
    upload_seconds: float = 7 * 86_400.0
    """What there is of an upload is kept this long after somebody went on with it."""
    unposted_seconds: float = 86_400.0
    """A file that nobody posts is removed after this time."""
    disk_reserve: int = 256 * MIB
    """Never taken by files, so that messages can still be stored; then STORE_FULL."""
    tail_messages: int = 64
    """Of each conversation that was busy lately, kept at hand for those who are a little behind; 0 for none, as it
    always is with ``--history none``: then the store is asked at once."""
    tail_seconds: float = 10.0
    tail_bytes: int = 16 * MIB
    """Of all conversations together, about; if there is more, those that were quiet for longest are let go of."""


class Rate:
    """A burst, then so much a second; what is over it is let through once, then must be waited for.

    Who takes from it keeps one number, *due*: the monotonic time at which all that was taken so far is paid for, at
    first minus infinity. Source: the generic cell rate algorithm of ITU-T I.371, which is a token bucket without a
    bucket to refill.
    """

    __slots__ = ("credit", "price")

    def __init__(self, burst: float, per_second: float) -> None:
        self.credit = burst / per_second
        """Seconds that may be saved up."""
        self.price = 1 / per_second
        """Seconds for each unit that is taken."""

    def take(self, due: float, amount: float, now: float) -> float:
        """Take ``amount`` and return what is due then: nothing more should be taken before that time."""
        earliest = now - self.credit
        return (due if due > earliest else earliest) + amount * self.price
