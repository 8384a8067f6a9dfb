"""Where ``chatnet`` starts. Almost nothing is imported here, so that Ctrl-C in the first moments ends quietly too."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that this process was started with, and end the process with its exit code."""
    try:
        from chatnet_cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
