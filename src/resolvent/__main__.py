"""The command line: ``resolvent`` and ``python -m resolvent``."""

import sys
from importlib.util import find_spec

__all__ = ["main"]


def main(argv: list[str] | None = None) -> None:
    """Run a command and leave with its exit status: 0 all is well, 1 not everything was solved, 2 bad input."""
    missing = [name for name in ("typer", "rich") if find_spec(name) is None]
    if missing:
        print(
            f"resolvent: the command line needs {' and '.join(missing)}: pip install 'resolvent[cli]'", file=sys.stderr
        )
        sys.exit(2)
    from .cli import run

    sys.exit(run(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    main()
