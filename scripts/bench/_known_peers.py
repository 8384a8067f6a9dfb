"""All servers that a load can talk to, by their names."""

from _peer import Peer
from _peer_chatnet import Chatnet, ChatnetDurable, ChatnetDurableTls, ChatnetTls
from _peer_irc import Inspircd, Ngircd
from _peer_mqtt import Mosquitto
from _peer_nats import Nats
from _peer_redis import Redis
from _peer_websockets import Websockets

KNOWN: dict[str, type[Peer]] = {
    kind.name: kind
    for kind in (
        Chatnet,
        ChatnetDurable,
        ChatnetTls,
        ChatnetDurableTls,
        Redis,
        Nats,
        Inspircd,
        Ngircd,
        Mosquitto,
        Websockets,
    )
}
