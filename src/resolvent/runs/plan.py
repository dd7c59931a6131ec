"""What a run is: where its systems come from, how they are solved; as options, and as it stands in the manifest."""

import os
import platform
import shlex
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..core.names import meant
from ..core.order import similar_order
from .folder import RunError

__all__ = ["Plan", "make_session", "method_of", "open_source", "solving_order", "versions"]

CHECKPOINT = 30.0
_INNER = {
    "ssor": "SSOR",
    "jacobi": "Jacobi",
    "ic": "IC",
    "direct": "Direct",
    "amg": "AMG",
    "ilu0": "ILU0",
    "ilut": "ILUT",
}
_TEXT, _WHOLE, _NUMBER = (str, type(None)), (int, type(None)), (int, float, type(None))
#: What a manifest may say in its plan.
_KINDS: dict[str, Any] = {"source": str, "options": dict} | dict.fromkeys(
    ("method", "order", "state", "dtype", "where"), _TEXT
)
_KINDS |= dict.fromkeys(("count", "size", "seed", "chunk"), _WHOLE) | dict.fromkeys(("rtol", "checkpoint"), _NUMBER)


@dataclass(frozen=True)
class Plan:
    """The options of a run; None is the default, or on resuming what the manifest says.

    Parameters
    ----------
    source : str
        A name of the gallery, a folder, or a file.
    count, size : int, optional
        How many systems, and of what size (gallery).
    options : dict
        Further options of a gallery sequence.
    method : str, optional
        ``"auto"``, a method's name, or ``"cg+ssor"`` (also jacobi, ic, direct, amg, ilu0, ilut).
    rtol : float, optional
    seed : int, optional
        Of learners that draw.
    order : {"given", "similar"}, optional
    checkpoint : float, optional
        Seconds of modelled work between checkpoints (30); 0 makes one after each solve.
    state : str, optional
        A saved session to start from.
    chunk : int, optional
        With ``order="similar"``: sort only within chunks of this many.
    dtype : str, optional
        Of what a training set's file holds.

    Examples
    --------
    >>> from resolvent.runs import Plan
    >>> Plan("darcy-path", count=3).filled().method
    'auto'
    """

    source: str
    count: int | None = None
    size: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    method: str | None = None
    rtol: float | None = None
    seed: int | None = None
    order: str | None = None
    checkpoint: float | None = None
    state: str | None = None
    chunk: int | None = None
    dtype: str | None = None

    def filled(self) -> "Plan":
        """With the defaults where nothing was said.

        Raises
        ------
        RunError
            For a value that cannot be.
        """
        plan = replace(
            self,
            order=self.order or "given",
            checkpoint=CHECKPOINT if self.checkpoint is None else self.checkpoint,
            method=self.method or ("auto" if self.state is None else None),
        )
        if plan.order not in ("given", "similar"):
            raise RunError(f'the order {plan.order!r} was given; "given" or "similar" is expected')
        if not 0 <= plan.checkpoint < float("inf"):
            raise RunError(f"{plan.checkpoint} seconds between checkpoints were asked; 0 or more are expected")
        if plan.chunk is not None and plan.chunk < 1:
            raise RunError(f"chunks of {plan.chunk} were asked for; 1 or more are expected")
        if plan.seed is not None and plan.seed < 0:
            raise RunError(f"the seed {plan.seed} was given; a whole number, 0 or more, is expected")
        if plan.state is not None and plan.method is not None:
            raise RunError("a saved session brings its own method: give a method or a state, not both")
        return plan

    @classmethod
    def of(cls, manifest: dict[str, Any]) -> "Plan":
        """The plan that a manifest keeps.

        Raises
        ------
        RunError
            When it keeps none.
        """
        saved, order = manifest.get("plan"), manifest.get("order")
        if not isinstance(saved, dict) or "where" not in saved or not isinstance(order, list):
            raise RunError("the manifest of this run has no plan or no order; start the run anew in another folder")
        wrong = [key for key, kinds in _KINDS.items() if not isinstance(saved.get(key), kinds)]
        wrong += [key for key, value in saved.items() if isinstance(value, bool)]
        if wrong or not all(type(i) is int and i >= 0 for i in order):
            what = f"{wrong[0]}={saved.get(wrong[0])!r}" if wrong else "an order that is not of whole numbers"
            raise RunError(f"the manifest of this run has {what}; start the run anew in another folder")
        try:
            return cls(**{key: value for key, value in saved.items() if key != "where"})
        except TypeError as error:
            raise RunError(f"the plan in this run's manifest is not one of this version ({error})") from None

    def agreed(self, manifest: dict[str, Any]) -> "Plan":
        """The plan of the manifest, when nothing that was said contradicts it.

        Raises
        ------
        RunError
            Naming the first option that does.
        """
        plan = Plan.of(manifest)
        saved = manifest["plan"]
        for name, given in asdict(self).items():
            if name == "source":
                same = given == saved["source"] or Path(given).resolve() == Path(saved["where"] or saved["source"])
            else:
                same = given is None or given == {} or given == saved[name]
            if not same:
                raise RunError(
                    f"this run was begun with {name} {saved[name]!r}, not {given!r}: leave it out, or start anew"
                )
        return plan

    def record(self) -> dict[str, Any]:
        """For the manifest; ``where`` is the source's absolute path, None for the gallery."""
        path = Path(self.source)
        return asdict(self) | {"where": None if _in_gallery(self.source) else str(path.resolve())}

    def command(self, out: Any) -> str:
        """The command line that goes on with this run."""
        return shlex.join(["resolvent", "run", self.source, "--out", str(out), "--resume"])


def _in_gallery(source: str) -> bool:
    from ..gallery import OTHERS, SEQUENCES

    return source in SEQUENCES or source in OTHERS


def open_source(plan: Plan, where: str | None = None) -> Any:
    """The sequence of a plan; raises one sentence as ValueError, TypeError or OSError.

    Parameters
    ----------
    plan : Plan
    where : str, optional
        The absolute path that the manifest kept, for a source that is not of the gallery.
    """
    from .. import gallery

    if where is None and _in_gallery(plan.source):
        return gallery.sequence(plan.source, plan.count, plan.size, **plan.options)
    if plan.source.endswith(".py"):
        raise RunError(
            f"{plan.source} is a Python file, which only `resolvent generate` runs, when it is named on the command line"
        )
    if plan.size is not None or plan.options:
        raise RunError(f"a size and further options go with the gallery only, and {plan.source!r} is not of it")
    path = Path(where or plan.source)
    if not plan.source or not path.exists():
        names = sorted(gallery.SEQUENCES | gallery.OTHERS)
        near, there = meant(plan.source, names), ", ".join(names)
        raise RunError(f"{plan.source!r} is neither a file, nor a folder, nor one of the gallery{near}: {there}")
    sequence = gallery.load_sequence(path)
    if plan.count is not None:
        if not 1 <= plan.count <= len(sequence):
            raise RunError(f"{plan.count} systems were asked for; {plan.source} holds {len(sequence)}")
        sequence.count = plan.count
    return sequence


def make_session(plan: Plan) -> Any:
    """The session of a plan, cold or from the saved one, with empty books."""
    from ..core import Session

    common: dict[str, Any] = {"on_fail": "ignore", "cost": "model"}
    if plan.rtol is not None:
        common["rtol"] = plan.rtol
    if plan.state is None:
        return Session(method_of(str(plan.method)), seed=plan.seed, **common)
    session = Session.load(plan.state, **common)
    cold = session.totals.get("cold", 0.0)
    session.totals = dict(Session(session.method or "auto").totals) | {"cold": cold}
    return session


def method_of(text: str) -> Any:
    """``"auto"``, a method's name, or ``method+preconditioner``; raises one sentence."""
    import resolvent as rv

    from ..core.registry import REGISTRY, method_named

    name, plus, inner = text.lower().partition("+")
    names = ["auto", *sorted(REGISTRY["method"])]
    if name not in names:
        raise RunError(f"no method is named {name!r}{meant(name, names)}; there are {', '.join(names)}")
    if not plus:
        return name
    if inner not in _INNER:
        raise RunError(f"no preconditioner is named {inner!r}{meant(inner, _INNER)}; there are {', '.join(_INNER)}")
    if name == "auto":
        raise RunError(f"auto chooses its preconditioners itself; say auto alone, or for instance cg+{inner}")
    recipe = getattr(rv, _INNER[inner])()
    try:
        return replace(method_named(name), preconditioner=recipe)
    except TypeError:
        raise RunError(f"{name} takes no preconditioner; say for instance cg+{inner}") from None


class _Features:
    def __init__(self, row: Any) -> None:
        self.features = lambda: row


def solving_order(plan: Plan, sequence: Any) -> list[int]:
    """The order in which the systems are solved, computed once and kept in the manifest."""
    given = list(range(len(sequence)))
    if plan.order == "given":
        return given
    if sequence.coupled:
        raise RunError(
            "the order 'similar' is impossible here: each problem of this sequence depends on the one before"
        )
    rows = [sequence.features(i) for i in given]
    if any(row is None for row in rows):
        rows = [sequence[i].features() for i in given]
    size = plan.chunk or max(1, len(rows))
    chunks = (given[first : first + size] for first in range(0, len(rows), size))
    return [part[k] for part in chunks for k in similar_order([_Features(rows[i]) for i in part])]


def versions() -> dict[str, str]:
    """What the bits of a solution depend on beside the input."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in ("resolvent", "numpy", "scipy", "numba", "pyamg"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    found["threads"] = os.environ.get("OMP_NUM_THREADS", "as the libraries choose")
    return found
