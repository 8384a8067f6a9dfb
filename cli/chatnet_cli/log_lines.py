"""What a running server logs, on its terminal: one line each, and a traceback where there was one.

A log line may quote what a client sent, and a traceback may too; so it is made safe to print, as everything is.
"""

import logging

from chatnet_cli.output import talk
from chatnet_cli.safe_text import safe_name


class TalkHandler(logging.Handler):
    """Tells the person."""

    def emit(self, record: logging.LogRecord) -> None:
        """Lost where nobody reads stderr, as all talk is."""
        lines = self.format(record).split("\n")
        try:
            talk("\n".join(map(safe_name, [f"chatnet: {lines[0]}", *lines[1:]])))
        except BrokenPipeError:
            return


def log_to_stderr() -> None:
    """Show warnings and errors from now on; once is enough, and twice is no different."""
    root = logging.getLogger()
    if not any(isinstance(handler, TalkHandler) for handler in root.handlers):
        handler = TalkHandler(logging.WARNING)
        root.addHandler(handler)
