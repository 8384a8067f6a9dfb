"""``chatnet completion``: let the shell complete commands and options."""

import click
from click.shell_completion import get_completion_class

from chatnet_cli.output import put


@click.command("completion", short_help="Print the completion script for your shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that lets SHELL complete chatnet's commands and options.

    \b
    Examples:
      eval "$(chatnet completion bash)"                  # this shell only; in ~/.bashrc for all
      eval "$(chatnet completion zsh)"                   # the same in ~/.zshrc
      chatnet completion fish > ~/.config/fish/completions/chatnet.fish
    """
    from chatnet_cli.app import COMPLETION_VARIABLE, PROGRAM, chatnet

    completion_class = get_completion_class(shell)
    assert completion_class is not None
    put(completion_class(chatnet, {}, PROGRAM, COMPLETION_VARIABLE).source())
