"""``chatnet admin stats``: how a server fares."""

import sys
from typing import TYPE_CHECKING

import click

from chatnet.errors import Refused
from chatnet_cli.options import Account, client_options, json_option
from chatnet_cli.output import is_terminal, put, put_json, talk
from chatnet_cli.render_stats import (
    FOLLOW_HEAD,
    connection_object,
    connection_table,
    follow_line,
    rates,
    stats_lines,
    stats_object,
)

if TYPE_CHECKING:
    from chatnet.events import Stats

_HEAD_EVERY = 20
"""Lines on a terminal between two heads."""


@click.command("stats", short_help="Show how the server fares, and who is connected.")
@click.option("--follow", is_flag=True, help="A line every second, until Ctrl-C.")
@click.option("--connections", is_flag=True, help="A table of all connections instead.")
@json_option("the figures, every second, or every connection,")
@client_options
def stats(account: Account, *, follow: bool, connections: bool, as_json: bool) -> None:
    """Show how the server fares: who is connected, what is said and handed out, what waits, and how late it is.

    For admins. Bytes are those of chatnet's own frames, without what TLS adds. IDLE is how long a connection has said
    nothing, SILENT how long nothing at all was heard of it.

    \b
    Examples:
      chatnet admin stats
      chatnet admin stats --follow
      chatnet admin stats --json | jq .messages
      chatnet admin stats --connections
    """
    if follow and connections:
        raise click.UsageError("choose one: either --follow or --connections")
    if follow:
        _follow(account, as_json=as_json)
        return
    with account.connect() as chat:
        if connections:
            found = chat.admin.connections()
            lines = [] if as_json else connection_table(found)
            objects = [connection_object(each) for each in found]
        else:
            figures = chat.admin.stats()
            lines, objects = stats_lines(figures), [stats_object(figures)]
    for each in objects if as_json else ():
        put_json(each)
    for line in () if as_json else lines:
        put(line)


def _follow(account: Account, *, as_json: bool) -> None:
    from chatnet.client.news import ServerStats, WatchLost, Woken
    from chatnet_cli.notices import ConnectionNotices
    from chatnet_cli.reader_watch import watch_reader

    lines, notices = _Lines(as_json=as_json), ConnectionNotices()
    with account.connect(reconnect=True) as chat:
        chat.admin.watch(log=False)
        watch_reader(chat.wake)
        for news in chat.events():
            if isinstance(news, Woken):
                return
            if isinstance(news, WatchLost):
                raise Refused(news.code, news.reason)
            if isinstance(news, ServerStats):
                lines.put(news.stats)
            elif (notice := notices.of(news)) is not None:
                talk(f"chatnet: {notice}")


class _Lines:
    """A line for each second, from the second look on: the first has nothing to be compared with."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._before: Stats | None = None
        self._count = 0

    def put(self, stats: "Stats") -> None:
        """The server has told how it fares."""
        per_second = rates(self._before, stats)
        self._before = stats
        if per_second is None:
            return
        if self._as_json:
            put_json(stats_object(stats, per_second))
            return
        if self._count == 0 or (self._count % _HEAD_EVERY == 0 and is_terminal(sys.stdout)):
            put(FOLLOW_HEAD)
        self._count += 1
        put(follow_line(stats, per_second))
