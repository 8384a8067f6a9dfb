"""Redis, as publish and subscribe: each room is a channel.

Source: https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP3: one connection subscribes and publishes).
"""

from pathlib import Path

from _peer import Dialogue, Peer, expect, write

_CONFIG = """bind 127.0.0.1
port {port}
dir {folder}
save ""
appendonly no
maxclients 15000
tcp-backlog 4096
tcp-keepalive 0
client-output-buffer-limit pubsub 0 0 0
client-output-buffer-limit normal 0 0 0
loglevel warning
"""


class Redis(Peer):
    """Keeps no message and knows nobody: it only hands on."""

    name = "Redis"
    program = "redis-server"
    tuned = "nothing saved, output limits off, maxclients 15000, tcp-backlog 4096; RESP3"

    def command(self, folder: Path, port: int) -> list[str]:
        return [self.find(), write(folder, "redis.conf", _CONFIG.format(port=port, folder=folder))]

    def enter(self, client: int, room: int, *, is_first: bool) -> Dialogue:
        del client, is_first
        yield from expect(_array(b"HELLO", b"3"), b"$7\r\nmodules\r\n")
        yield from expect(_array(b"SUBSCRIBE", _channel(room)), b"$9\r\nsubscribe\r\n")

    def post(self, client: int, room: int, text: bytes) -> bytes:
        del client
        return _array(b"PUBLISH", _channel(room), text)


def _channel(room: int) -> bytes:
    return b"room.%d" % room


def _array(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
