"""chatnet: real-time chat that one person can run alone.

    from chatnet import Client

    with Client("chatnet+tcp://localhost:5555", name="bot") as chat:
        chat.send("hi", to="bob")

The names below are loaded when they are first used, so that importing a small part of chatnet stays cheap.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatnet.client.client import Client
    from chatnet.config import Config
    from chatnet.server import Server

__version__ = "0.1.0"
__all__ = ["Client", "Config", "Server", "__version__"]

_HOMES = {"Client": "chatnet.client.client", "Config": "chatnet.config", "Server": "chatnet.server"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
