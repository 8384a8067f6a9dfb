"""NATS without streams: each room is a subject.

Source: https://docs.nats.io/reference/reference-protocols/nats-protocol.
"""

from pathlib import Path

from _peer import Dialogue, Peer, expect, write

_CONFIG = """listen: 127.0.0.1:{port}
max_connections: 30000
max_pending: 512MB
write_deadline: "60s"
ping_interval: "1h"
log_file: "{folder}/nats.log"
"""
_CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"echo":true}\r\n'


class Nats(Peer):
    """Takes as many threads as it has cores; on one core, that is one that runs."""

    name = "NATS"
    program = "nats-server"
    tuned = "core NATS, pending and connection limits out of reach, pings hourly"

    def command(self, folder: Path, port: int) -> list[str]:
        return [self.find(), "-c", write(folder, "nats.conf", _CONFIG.format(port=port, folder=folder))]

    def enter(self, client: int, room: int, *, is_first: bool) -> Dialogue:
        del client, is_first
        yield from expect(_CONNECT + b"SUB room.%d 1\r\nPING\r\n" % room, b"PONG\r\n")

    def post(self, client: int, room: int, text: bytes) -> bytes:
        del client
        return b"PUB room.%d %d\r\n%s\r\n" % (room, len(text), text)
