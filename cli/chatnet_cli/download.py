"""``chatnet download``: fetch what was shared."""

import sys

import click

from chatnet_cli.options import Account, client_options, json_option, patience_option, quiet_option
from chatnet_cli.output import is_terminal


@click.command("download", short_help="Fetch a file that was shared.")
@click.argument("files", nargs=-1, required=True, type=click.IntRange(1, 2**63 - 1), metavar="FILE_ID...")
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="PATH | DIR | -",
    help="Save it as PATH, or in the folder DIR under its own name; - writes it to standard output. "
    "Default: this folder.",
)
@patience_option
@quiet_option
@json_option("where each file is")
@client_options
def command(
    account: Account, *, files: tuple[int, ...], output: str | None, retry: int | None, quiet: bool, as_json: bool
) -> None:
    """Fetch the file of this number, and print where it is; 'chatnet files' lists the numbers.

    It has its name only once all of it is there and its SHA-256 is right; until then it is NAME.xxxxxxxx.part. A lost
    connection is made again; and after Ctrl-C or a crash the same command goes on where it stopped. What others call
    a file is made a safe name, and no file that is there is ever replaced: a second video.mkv is called video-2.mkv.

    Ends with 67 if there is no such file, with 73 if it cannot be written there, with 74 if the disk is full or the
    content is wrong.

    \b
    Examples:
      chatnet download 55
      chatnet download 55 56 57 -o ~/lab
      chatnet download 55 -o film.mkv
      chatnet download 55 -o - | tar x
    """
    if output == "":
        raise click.UsageError("the PATH after -o is empty")
    if output == "-" and is_terminal(sys.stdout):
        raise click.UsageError("standard output is a terminal, which a file could upset: pipe it, or say -o PATH")
    if output == "-" and as_json:
        raise click.UsageError("--json does not go with -o -: standard output has the content")

    from chatnet_cli.fetching import Fetching, fetch, fetch_to_stdout

    fetching = Fetching(account, tuple(dict.fromkeys(files)), retry, quiet)
    if output == "-":
        fetch_to_stdout(fetching)
    else:
        fetch(fetching, output, as_json=as_json)
