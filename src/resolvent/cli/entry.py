"""The application, and a command line run to its exit status: what goes wrong is one line."""

import contextlib
import errno
import json
import re
import sys
from typing import Annotated

import typer

__all__ = ["app", "run"]

app = typer.Typer(
    name="resolvent",
    help="Iterative solvers that learn from one solve to the next, and certify every answer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"resolvent {version('resolvent')}")
        raise typer.Exit


@app.callback()
def _first(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


def run(argv: list[str]) -> int:
    """Run one command line.

    Parameters
    ----------
    argv : list of str

    Returns
    -------
    int
        The exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that this terminal cannot write is shown in its place
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(args=argv, prog_name="resolvent", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except KeyboardInterrupt:
        return _fail(argv, "interrupted", 130)
    except BrokenPipeError:
        return 1
    except MemoryError as error:
        return _fail(argv, f"there is not enough memory ({error})" if str(error) else "there is not enough memory")
    except OSError as error:
        return _fail(argv, _from_system(error))
    except (ValueError, TypeError) as error:
        return _fail(argv, str(error))
    except Exception as error:
        shown = getattr(error, "format_message", None)
        if shown is None:
            raise
        if "NoArgsIsHelp" in type(error).__name__:
            print(shown())
            return 0
        return _fail(argv, shown())


def _fail(argv: list[str], message: str, code: int = 2) -> int:
    line = " ".join(message.split())
    with contextlib.suppress(OSError):  # nobody hears it; the exit status says it
        print(f"resolvent: {line}", file=sys.stderr)
    if "--json" in argv:
        print(json.dumps({"error": line, "exit": code}))
    return code


def _from_system(error: OSError) -> str:
    """What the system says, in one sentence with the file."""
    name = re.sub(r"\.\d+-[0-9a-f]{8}\.tmp$", "", str(error.filename)) if error.filename else ""
    where = f"{name}: " if name else ""
    sentences = {
        errno.ENOSPC: "the disk is full; free some space, then go on with --resume",
        errno.EDQUOT: "the disk quota is used up; free some space, then go on with --resume",
        errno.EFBIG: "the file may not grow any further (a limit of this system); then go on with --resume",
        errno.EROFS: "the file system is read-only; give a folder that can be written",
        errno.EACCES: "no permission; give a file or folder that you may read and write",
        errno.EPERM: "no permission; give a file or folder that you may read and write",
        errno.ENOENT: "there is no such file or folder",
        errno.EEXIST: "a file is there already, where a folder is to be made",
        errno.ENOTDIR: "a part of this path is a file, not a folder",
        errno.EISDIR: "this is a folder, and a file is expected",
        errno.EIO: "the disk reports an error (input/output error)",
    }
    if error.errno in sentences:
        return where + sentences[error.errno]
    return f"{where}{error.strerror}" if error.strerror else str(error)
