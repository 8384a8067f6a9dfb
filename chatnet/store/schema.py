"""The layout of the database file: the tables as each migration makes them, and the rows of messages.

What a migration of `chatnet.store.migrations` says is never changed once it was published. No table is altered; one
that gets a new column is made anew, since SQLite's own words for an altered table differ from version to version.

A message's row id is ``conversation << 32 | seq``. So one integer b-tree holds them all, a conversation's messages
lie side by side, and no second index has to be written: at a million messages that is less than half the cost of a
table with an index on (conversation, seq). No other table has an index beside its key either, since a damaged index
would hide rows that are there; whoever looks for a file by its conversation and seq has all of them in memory.
"""

SEQ_BITS = 32
MAX_SEQ = (1 << SEQ_BITS) - 1
MAX_CONVERSATION = (1 << 63 - SEQ_BITS) - 1

MESSAGES = """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value, digest INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE users (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            display TEXT NOT NULL,
            guest INTEGER NOT NULL,
            secret_hash BLOB NOT NULL,
            digest INTEGER NOT NULL
        );
        CREATE TABLE rooms (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            owner INTEGER NOT NULL,
            archived INTEGER NOT NULL,
            digest INTEGER NOT NULL
        );
        CREATE TABLE chats (
            id INTEGER PRIMARY KEY,
            low INTEGER NOT NULL,
            high INTEGER NOT NULL,
            digest INTEGER NOT NULL
        );
        CREATE TABLE heads (
            conversation INTEGER PRIMARY KEY,
            first INTEGER NOT NULL,
            head INTEGER NOT NULL,
            digest INTEGER NOT NULL
        );
        CREATE TABLE marks (
            user INTEGER NOT NULL,
            conversation INTEGER NOT NULL,
            delivered INTEGER NOT NULL,
            read INTEGER NOT NULL,
            digest INTEGER NOT NULL,
            PRIMARY KEY (user, conversation)
        ) WITHOUT ROWID;
        CREATE TABLE devices (
            device BLOB PRIMARY KEY,
            id INTEGER NOT NULL,
            n INTEGER NOT NULL,
            last INTEGER NOT NULL,
            digest INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE messages (
            id INTEGER PRIMARY KEY,
            time INTEGER NOT NULL,
            sender INTEGER NOT NULL,
            name TEXT NOT NULL,
            display TEXT NOT NULL,
            kind INTEGER NOT NULL,
            body TEXT NOT NULL,
            reference INTEGER NOT NULL,
            device INTEGER NOT NULL,
            n INTEGER NOT NULL,
            previous INTEGER NOT NULL,
            digest INTEGER NOT NULL
        );
        CREATE TABLE gone (
            id INTEGER PRIMARY KEY,
            time INTEGER NOT NULL,
            device INTEGER NOT NULL,
            n INTEGER NOT NULL,
            previous INTEGER NOT NULL,
            digest INTEGER NOT NULL
        );
"""
"""SQLite keeps these words as they are, with their indentation: a database is known by them."""
ACCOUNTS = """
    DROP TABLE users;
    DROP TABLE rooms;
    CREATE TABLE users (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        display TEXT NOT NULL,
        role INTEGER NOT NULL,
        secret_hash BLOB NOT NULL,
        salt BLOB NOT NULL,
        iterations INTEGER NOT NULL,
        stored_key BLOB NOT NULL,
        server_key BLOB NOT NULL,
        uid INTEGER NOT NULL,
        digest INTEGER NOT NULL
    );
    CREATE TABLE rooms (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        owner INTEGER NOT NULL,
        archived INTEGER NOT NULL,
        topic TEXT NOT NULL,
        private INTEGER NOT NULL,
        digest INTEGER NOT NULL
    );
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY,
        user INTEGER NOT NULL,
        hash BLOB NOT NULL,
        label TEXT NOT NULL,
        scope INTEGER NOT NULL,
        made INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        digest INTEGER NOT NULL
    );
    CREATE TABLE invitations (
        name TEXT PRIMARY KEY,
        salt BLOB NOT NULL,
        iterations INTEGER NOT NULL,
        stored_key BLOB NOT NULL,
        server_key BLOB NOT NULL,
        uses INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        role INTEGER NOT NULL,
        maker INTEGER NOT NULL,
        digest INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE members (
        user INTEGER NOT NULL,
        conversation INTEGER NOT NULL,
        rank INTEGER NOT NULL,
        since INTEGER NOT NULL,
        place INTEGER NOT NULL,
        digest INTEGER NOT NULL,
        PRIMARY KEY (user, conversation)
    ) WITHOUT ROWID;
    CREATE TABLE bans (
        user INTEGER NOT NULL,
        conversation INTEGER NOT NULL,
        act INTEGER NOT NULL,
        until INTEGER NOT NULL,
        maker INTEGER NOT NULL,
        reason TEXT NOT NULL,
        time INTEGER NOT NULL,
        digest INTEGER NOT NULL,
        PRIMARY KEY (user, conversation, act)
    ) WITHOUT ROWID;
    CREATE TABLE deeds (
        id INTEGER PRIMARY KEY,
        time INTEGER NOT NULL,
        actor INTEGER NOT NULL,
        actor_name TEXT NOT NULL,
        act INTEGER NOT NULL,
        subject TEXT NOT NULL,
        conversation INTEGER NOT NULL,
        detail TEXT NOT NULL,
        digest INTEGER NOT NULL
    );
"""
"""`MESSAGES` with roles in place of a note who is a guest, and all that accounts need."""
FILES = """
    CREATE TABLE uploads (
        id INTEGER PRIMARY KEY,
        conversation INTEGER NOT NULL,
        user INTEGER NOT NULL,
        name TEXT NOT NULL,
        size INTEGER NOT NULL,
        content BLOB NOT NULL,
        since INTEGER NOT NULL,
        digest INTEGER NOT NULL
    );
    CREATE TABLE files (
        id INTEGER PRIMARY KEY,
        conversation INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        name TEXT NOT NULL,
        size INTEGER NOT NULL,
        content BLOB NOT NULL,
        sender INTEGER NOT NULL,
        sender_name TEXT NOT NULL,
        time INTEGER NOT NULL,
        fetched INTEGER NOT NULL,
        digest INTEGER NOT NULL
    );
"""
"""Uploads under way, and files. ``content`` is the SHA-256 of a file's content, which is not in the database."""


def row_id(conversation: int, seq: int) -> int:
    """The row of a message."""
    return conversation << SEQ_BITS | seq


def position(row: int) -> tuple[int, int]:
    """(conversation, seq) of a row."""
    return row >> SEQ_BITS, row & MAX_SEQ


def bounds(conversation: int) -> tuple[int, int]:
    """The row ids between which all messages of a conversation are, without these two themselves."""
    return row_id(conversation, 0), row_id(conversation + 1, 0)
