"""What the commands share: options by their names, where text for people goes, the JSON, what must be installed."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["Json", "Lines", "Method", "Quiet", "Rtol", "Voice", "need"]

Json = Annotated[bool, typer.Option("--json", help="One JSON object on the last line of stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")]
Method = Annotated[str | None, typer.Option(help="auto, cg, cg+ssor, gmres+ilu0, direct, ...")]
Rtol = Annotated[float | None, typer.Option(help="Stop when the residual is below rtol * ||b||.")]


class Voice:
    """Where text for people goes, and the JSON."""

    def __init__(self, as_json: bool, quiet: bool) -> None:
        self.as_json, self.quiet = as_json, quiet

    def say(self, *lines: str) -> None:
        """For people."""
        if not self.quiet:
            for line in lines:
                print(line, file=sys.stderr if self.as_json else sys.stdout)

    def end(self, code: int, **facts: Any) -> None:
        """The JSON object, and the exit status."""
        from ..runs.folder import plain

        if self.as_json:
            print(json.dumps(plain(facts | {"exit": code})))
        if code:
            raise typer.Exit(code)


class Lines:
    """Prints lines as they come (to stderr beside a JSON object) and keeps them for a file."""

    def __init__(self, file: Path | None, as_json: bool = False) -> None:
        self.file, self.kept, self.as_json = file, [], as_json
        if file is not None and not file.absolute().parent.is_dir():
            raise ValueError(f"{file}: its folder does not exist")
        if file is not None and (file.is_dir() or not os.access(file.absolute().parent, os.W_OK)):
            raise ValueError(f"{file}: this cannot be written; give a file in a folder that can be")

    def __call__(self, text: str) -> None:
        print(text, flush=True, file=sys.stderr if self.as_json else sys.stdout)
        self.kept.append(text)

    def close(self) -> None:
        """Write the file."""
        from ..core import atomic_write

        if self.file is not None:
            atomic_write(self.file, "".join(f"{line}\n" for line in self.kept).encode())


def need(*names: str) -> None:
    """Bad input, with what to install, when one of these packages is missing."""
    from importlib.util import find_spec

    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ValueError(f"this needs {', '.join(missing)}: pip install 'resolvent[cli]'")
