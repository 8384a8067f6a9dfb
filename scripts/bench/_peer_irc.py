"""IRC servers: each room is a channel, and nobody hears what it says itself.

Source: RFC 2812.
"""

from pathlib import Path

from _peer import Dialogue, Peer, expect, user_name, write

_INSPIRCD = """<config format="xml">
<server name="irc.bench.test" description="bench" network="bench" id="001">
<admin name="a" nick="a" email="a@bench.test">
<bind address="127.0.0.1" port="{port}" type="clients">
<connect name="main" allow="*" timeout="60" pingfreq="1h" hardsendq="100M" softsendq="100M" recvq="1M"
         threshold="1000000" commandrate="1000000000" fakelag="no" localmax="30000" globalmax="30000" limit="30000"
         maxconnwarn="no" resolvehostnames="no" useident="no" maxchans="100">
<performance netbuffersize="65534" somaxconn="4096" softlimit="30000" clonesonconnect="no" timeskipwarn="0">
<pid file="{folder}/inspircd.pid">
"""
_NGIRCD = """[Global]
Name = irc.bench.test
Info = bench
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = bench
AdminEMail = a@bench.test
[Limits]
ConnectRetry = 3600
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxPenaltyTime = 0
PingTimeout = 3600
PongTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no
"""


class Irc(Peer):
    """What they have in common."""

    echo = False

    def enter(self, client: int, room: int, *, is_first: bool) -> Dialogue:
        del is_first
        yield from expect(b"NICK %s\r\nUSER bench 0 * :bench\r\n" % user_name(client), b" 001 ")
        yield from expect(b"JOIN #room%d\r\n" % room, b" 366 ")

    def post(self, client: int, room: int, text: bytes) -> bytes:
        del client
        return b"PRIVMSG #room%d :%s\r\n" % (room, text)

    def to_be_told_of(self, client: int, size: int) -> int:
        """Of those who were there by the list of names, of the others as they came."""
        del client
        return size - 1


class Inspircd(Irc):
    """Registers those who come once a second, all together."""

    name = "InspIRCd"
    program = "inspircd"
    at_once = 1000
    tuned = "fake lag off, limits of rates, queues and connections out of reach, pings hourly, no lookups"

    def command(self, folder: Path, port: int) -> list[str]:
        config = write(folder, "inspircd.conf", _INSPIRCD.format(port=port, folder=folder))
        return [self.find(), "--runasroot", "--nofork", "--nolog", "--nopid", f"--config={config}"]


class Ngircd(Irc):
    """Its queue of connections is small."""

    name = "ngircd"
    program = "ngircd"
    at_once = 10
    tuned = "no penalties, no limits of connections, pings hourly, no lookups"

    def command(self, folder: Path, port: int) -> list[str]:
        folder.chmod(0o755)  # it gives up its rights
        return [self.find(), "-n", "-f", write(folder, "ngircd.conf", _NGIRCD.format(port=port))]
