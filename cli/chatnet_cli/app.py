"""The ``chatnet`` command itself, and the one place where whatever ends a command becomes an exit code.

click's own ``main`` is not used, since it ends with codes of its own.
"""

import os
import sys

import click

from chatnet import __version__
from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import explain, traceback_wanted
from chatnet_cli.lazy import LazyGroup
from chatnet_cli.output import abandon_stdout, be_forgiving, is_terminal, put, talk

PROGRAM = "chatnet"
COMPLETION_VARIABLE = "_CHATNET_COMPLETE"
_COMMANDS = {
    "serve": "chatnet_cli.serve",
    "join": "chatnet_cli.join",
    "send": "chatnet_cli.send",
    "upload": "chatnet_cli.upload",
    "files": "chatnet_cli.files",
    "download": "chatnet_cli.download",
    "listen": "chatnet_cli.listen",
    "chat": "chatnet_cli.chat",
    "gui-client": "chatnet_cli.gui:client",
    "gui-server": "chatnet_cli.gui:server",
    "who": "chatnet_cli.who",
    "rooms": "chatnet_cli.rooms",
    "chats": "chatnet_cli.chats",
    "history": "chatnet_cli.history",
    "export": "chatnet_cli.export",
    "outbox": "chatnet_cli.outbox",
    "invite": "chatnet_cli.invite",
    "login": "chatnet_cli.login",
    "logout": "chatnet_cli.logout",
    "profiles": "chatnet_cli.profiles",
    "passwd": "chatnet_cli.passwd",
    "trust": "chatnet_cli.trust",
    "admin": "chatnet_cli.admin",
    "search": "chatnet_cli.search",
    "discover": "chatnet_cli.discover",
    "doctor": "chatnet_cli.doctor",
    "completion": "chatnet_cli.completion",
}


@click.group(
    cls=LazyGroup,
    modules=_COMMANDS,
    invoke_without_command=True,
    context_settings={"max_content_width": 100},
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def chatnet(ctx: click.Context) -> None:
    """Real-time chat that you can run alone.

    \b
    The first conversation, in three terminals:
      chatnet serve
      chatnet listen --as bob
      chatnet send --as alice --to bob "hi"

    Every command has examples: chatnet COMMAND --help
    """
    if ctx.invoked_subcommand is None:
        put(ctx.get_help())


def run(args: list[str]) -> int:
    """Carry out one command line; whatever happens, say it in a line or two and return the exit code."""
    be_forgiving()
    try:
        return _invoke(args)
    except (Exception, KeyboardInterrupt) as error:
        exit_code, message = explain(error)
        if exit_code is ExitCode.BUG and traceback_wanted():
            talk(_traceback(error))
        if isinstance(error, OSError):
            abandon_stdout()
        if isinstance(error, KeyboardInterrupt) and is_terminal(sys.stderr):
            talk("")  # so that the shell's prompt does not follow the terminal's ^C
        _say(message)
        return exit_code


def _invoke(args: list[str]) -> int:
    instruction = os.environ.get(COMPLETION_VARIABLE)
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(chatnet, {}, PROGRAM, COMPLETION_VARIABLE, instruction)
    try:
        with chatnet.make_context(PROGRAM, list(args)) as ctx:
            chatnet.invoke(ctx)
    except click.exceptions.Exit as end:
        return end.exit_code
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()
    return ExitCode.OK


def _traceback(error: BaseException) -> str:
    """Where a bug is. Its last line, and the lines of the code, may hold what a server said."""
    from traceback import format_exception

    from chatnet_cli.safe_text import safe_name

    return "\n".join(safe_name(line) for line in "".join(format_exception(error)).rstrip("\n").split("\n"))


def _say(message: str) -> None:
    try:
        for number, line in enumerate(message.split("\n") if message else ()):
            talk(f"{PROGRAM}: {line}" if number == 0 else f"  {line}")
    except BrokenPipeError:
        return
