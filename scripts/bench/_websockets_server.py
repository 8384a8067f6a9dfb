"""The smallest chat server over the ``websockets`` library: `_peer_websockets` measures it.

The first message of a client names its room; each further one goes to all who are in it.
"""

import asyncio
import logging
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve  # type: ignore[import-not-found]


async def main(port: int) -> None:
    """Serve on 127.0.0.1 until the process ends."""
    rooms: dict[str | bytes, set[ServerConnection]] = {}

    async def handle(client: ServerConnection) -> None:
        members = rooms.setdefault(await client.recv(), set())
        members.add(client)
        await client.send("joined")
        try:
            async for message in client:
                broadcast(members, message)
        finally:
            members.discard(client)

    async with serve(handle, "127.0.0.1", port, compression=None, ping_interval=None, backlog=4096) as server:
        await server.serve_forever()


if __name__ == "__main__":
    logging.getLogger("websockets").setLevel(logging.ERROR)
    asyncio.run(main(int(sys.argv[1])))
