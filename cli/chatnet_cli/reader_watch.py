"""Notices that nobody reads the output any more, while there is nothing to write.

``chatnet listen | head -1`` should end when ``head`` does, and not only with the message after.
"""

import select
import sys
import threading
from collections.abc import Callable

from chatnet_cli.output import is_terminal


def watch_reader(gone: Callable[[], None]) -> None:
    """Call ``gone``, from another thread, once nobody reads stdout any more.

    Where the system cannot tell (Windows, or an output that is no pipe), the next line that is written does.
    """
    if not hasattr(select, "poll") or sys.stdout is None or is_terminal(sys.stdout):
        return
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    poll = select.poll()
    poll.register(descriptor, 0)

    def watch() -> None:
        # Asked for nothing, it returns only for an error: the reader's end is one.
        if any(event & select.POLLERR for _, event in poll.poll()):
            gone()

    threading.Thread(target=watch, name="reader-watch", daemon=True).start()
