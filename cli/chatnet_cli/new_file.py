"""A file that appears only when it is complete, and never in place of another unless that is wanted."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chatnet_cli.exit_codes import ExitCode
from chatnet_cli.failures import Failure
from chatnet_cli.output import put

Write = Callable[[str], None]


@contextmanager
def stdout_or(path: Path | None, *, force: bool) -> Iterator[Write]:
    """Write text to standard output, each piece being whole lines, or to a new file.

    :raises Failure: CANNOT_CREATE: the file is there already, or cannot be made.
    """
    if path is None:
        yield lambda text: put(text.removesuffix("\n"))
        return
    with new_file(path, force=force) as write:
        yield write


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[Write]:
    """Write UTF-8 text to a private file beside ``path``, which gets the name at the end, if there is no error."""
    if path.is_dir():
        raise Failure(ExitCode.CANNOT_CREATE, f"{path} is a folder\nName a file in it.")
    if not force and os.path.lexists(path):
        raise _exists(path)
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Failure(
            ExitCode.CANNOT_CREATE, f"cannot write {path}: {(error.strerror or str(error)).lower()}"
        ) from None
    try:
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:

            def write(text: str) -> None:
                file.write(text)

            yield write
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path, force=force)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _publish(draft: Path, path: Path, *, force: bool) -> None:
    if force:
        os.replace(draft, path)
        return
    try:
        os.link(draft, path)  # unlike a rename, this never replaces a file that has come meanwhile
    except FileExistsError:
        raise _exists(path) from None
    except OSError:
        # A file system without hard links: the look before must do.
        if os.path.lexists(path):
            raise _exists(path) from None
        os.rename(draft, path)


def _exists(path: Path) -> Failure:
    return Failure(ExitCode.CANNOT_CREATE, f"{path} is there already\nChoose another name, or replace it with --force.")
