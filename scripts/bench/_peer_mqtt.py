"""Mosquitto: each room is a topic, at quality of service 0.

Source: MQTT 3.1.1, https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/mqtt-v3.1.1.html.
"""

from pathlib import Path

from _peer import Dialogue, Peer, expect, first_line, user_name, write

_CONFIG = """listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 0
max_connections -1
set_tcp_nodelay true
sys_interval 0
log_dest stderr
log_type error
user root
"""
_CONNECT, _CONNECTED = 0x10, b"\x20\x02\x00\x00"
_SUBSCRIBE, _SUBSCRIBED = 0x82, b"\x90\x03\x00\x01\x00"
_PUBLISH = 0x30
_CLEAN = b"\x04\x02\x00\x00"
"""Version 4 (3.1.1), a clean session, no keepalive."""


class Mosquitto(Peer):
    """Writes each message to each receiver alone."""

    name = "Mosquitto"
    program = "mosquitto"
    tuned = "QoS 0, nothing saved, queue limits off, TCP_NODELAY"

    def command(self, folder: Path, port: int) -> list[str]:
        return [self.find(), "-c", write(folder, "mosquitto.conf", _CONFIG.format(port=port))]

    def enter(self, client: int, room: int, *, is_first: bool) -> Dialogue:
        del is_first
        yield from expect(_packet(_CONNECT, _string(b"MQTT") + _CLEAN + _string(user_name(client))), _CONNECTED)
        yield from expect(_packet(_SUBSCRIBE, b"\x00\x01" + _string(_topic(room)) + b"\x00"), _SUBSCRIBED)

    def post(self, client: int, room: int, text: bytes) -> bytes:
        del client
        return _packet(_PUBLISH, _string(_topic(room)) + text)

    def version(self) -> str:
        return first_line([self.find(), "-h"])


def _topic(room: int) -> bytes:
    return b"room/%d" % room


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(2) + data


def _packet(kind: int, body: bytes) -> bytes:
    """The length goes seven bits at a time, the lowest first (section 2.2.3)."""
    length, left = b"", len(body)
    while True:
        left, digit = left >> 7, left & 0x7F
        length += bytes([digit | (0x80 if left else 0)])
        if not left:
            return bytes([kind]) + length + body
