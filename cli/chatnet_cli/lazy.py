"""A click group that imports a command only when it is used, so that ``chatnet send`` does not load the server."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group whose commands are named by module: ``{"send": "chatnet_cli.send"}`` has its command in ``command``.

    ``{"ban": "chatnet_cli.admin_order:ban"}`` has it in ``ban``.
    """

    def __init__(self, *args: Any, modules: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._modules = dict(modules or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a newcomer needs them, not by alphabet."""
        return [*self._modules, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._modules:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._modules[cmd_name].partition(":")
        command = getattr(import_module(module), attribute or "command")
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but a misspelt name is compared with the lazy ones too."""
        name = args[0]
        if not (ctx.resilient_parsing or name.startswith("-") or name in self.list_commands(ctx)):
            raise click.UsageError(f"there is no command {name!r}.{_did_you_mean(name, self.list_commands(ctx))}", ctx)
        return super().resolve_command(ctx, args)


def _did_you_mean(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, names)
    return f" Did you mean {' or '.join(repr(match) for match in close)}?" if close else ""


class ListByDefault(click.Group):
    """A group that does ``list`` when it is not told what to do: ``chatnet rooms --json`` is ``rooms list --json``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asks_for_help = bool(args) and args[0] in self.get_help_option_names(ctx)
        if not asks_for_help and not (args and args[0] in self.commands):
            args = args if args and not args[0].startswith("-") else ["list", *args]
        return super().parse_args(ctx, args)
