"""The figures to reach for a sequence of linear systems, item by item."""

from functools import partial
from typing import Any

from .goals import Item, Report, Say

__all__ = ["ITEMS"]

MODEL = (0.5, 2.0)


def relax(report: Report, say: Say, quick: bool) -> None:
    """The bandits of "Learning to Relax" on its synthetic systems."""
    from .relax_goals import goals

    goals(report, **({"seeds": range(1), "count": 200} if quick else {}))


def session(report: Report, say: Say, quick: bool) -> None:
    """Fixed cost of one Session.solve at n = 100 beyond the kernel."""
    from .compare import warm_up
    from .speed import session_overhead

    warm_up()
    for auto, goal in ((False, 60.0), (True, 110.0)):
        found = session_overhead(auto, 60 if quick else 1500)
        say(f"solve {found['solve_us']:.1f} us, its kernels {found['kernel_us']:.1f} us, {found['counted']:.0f} solves")
        report(
            f"one solve at n = 100 beyond its kernels, {'auto' if auto else 'no learners'}, us",
            found["overhead_us"],
            goal,
            "<=",
        )


def steps(report: Report, say: Say, quick: bool) -> None:
    """CG with SSOR in products."""
    from .speed import products_per_step

    for size, goal in ((24, 2.4), (32, 1.9)) if quick else ((100, 2.4), (256, 1.9)):
        found = products_per_step(size)
        say(
            f"step {found['step_us']:.1f} us, A @ x {found['scipy_us']:.1f} us, our product {found['kernel_us']:.1f} us"
        )
        report(f"CG+SSOR, one iteration in products, n = {size**2}", found["products"], goal, "<=")


def auto(report: Report, say: Say, quick: bool, name: str, count: int, size: int | None, goal: float) -> None:
    """auto against the best single peer in hindsight."""
    from .compare import compare, lines

    if quick:
        count, size = 3, {"topology": 12, "photograph": 24}.get(name, 12)
    table = compare(name, count, size, out=None, budget=40.0, leave=True)
    for line in lines(table):
        say(line)
    say(f"in use: {', '.join(f'{k} {v}' for k, v in table['methods'].items())}")
    label = f"{name}, {table['systems']} systems" + ("" if size is None else f", size {size}")
    ratio = float("nan") if table["ratio"] is None else table["ratio"]
    report(f"auto: best peer over auto in seconds, {label}", ratio, goal, ">=")
    for bound, op in zip(MODEL, (">=", "<="), strict=True):
        report(f"auto: cost modelled over measured, {label}", table["modelled_over_measured"], bound, op)


def lifetime(report: Report, say: Say, quick: bool, name: str, goal: float) -> None:
    """When to rebuild, against fixed periods in hindsight."""
    from .lifetime import against_periods

    found = against_periods(name, 4, 10, rounds=1) if quick else against_periods(name)
    table: dict[str, Any] = found["table"]
    for title, row in sorted(table.items(), key=lambda pair: (-pair[1][1], pair[1][0])):
        say(f"{title:12s} {row[0]:8.3f} s, cost {row[2]:8.0f}, {row[1]} systems  {row[3]}")
    report(f"lifetime: seconds over the best fixed ({found['best']}), {name}", found["ratio"], goal, "<=")


def unrelated(report: Report, say: Say, quick: bool) -> None:
    """When to rebuild, where nothing can be kept."""
    from .lifetime import on_unrelated

    found = on_unrelated(3, 10) if quick else on_unrelated()
    say(f"median {found['median']:.3f}")
    report("lifetime: cost over rebuilding, unrelated fields, worst system", found["worst"], 2.2, "<=")
    report("lifetime: cost over rebuilding, unrelated fields, sum", found["sum"], 1.15, "<=")


def hurts(report: Report, say: Say, quick: bool) -> None:
    """Never hurts."""
    from .hurts import check

    verdicts(check(4, systems=4, largest=80) if quick else check(), report, say)


def verdicts(found: Any, report: Report, say: Say) -> None:
    """The three clauses over the sequences that were judged, and the stories of those that break one."""
    n = len(found)
    say(f"cost over cold, mean of {n} sequences: {sum(sum(v.cost) / sum(v.cold) for v in found) / n:.3f}")
    for i, clause in enumerate(
        ("sum <= 1.05 cold + 6 a system", "5 % of systems above 1.05 cold + 6", "a system above 2 cold + 6")
    ):
        bad = [v for v in found if v.broken[i]]
        for verdict in sorted(bad, key=lambda v: -(v.sum_excess, len(v.over(1.05)), len(v.over(2.0)))[i])[:4]:
            say(verdict.story())
        report(f"never hurts, {n} sequences: violate {clause}", len(bad), 0, "<=")
    report(f"never hurts, {n} sequences: systems not solved", sum(v.failed for v in found), 0, "<=")


def startup(report: Report, say: Say, quick: bool) -> None:
    """Import, compilation, first solve."""
    from .startup import compiled_once, first_solve, import_seconds

    found = import_seconds(1 if quick else 5)
    say(f"import resolvent {found['resolvent']:.3f} s, import scipy.sparse.linalg {found['scipy']:.3f} s")
    report("import resolvent beyond scipy.sparse.linalg, s", found["more"], 0.2, "<")
    if not quick:
        once = compiled_once()
        say(f"again in a new process: solve {once['again']:.2f} s, whole process {once['process']:.2f} s")
        report("compiling what a plain solve needs, once a machine, s", once["compile"], 15.0, "<")
    found = first_solve(1 if quick else 3)
    say(f"of which the solve {found['solve']:.2f} s")
    report("a new process to its first solution, kernels compiled, s", found["process"], 2.0, "<=")


ITEMS: dict[str, Item] = {
    "steps": steps,
    "session": session,
    "startup": startup,
    **{
        f"auto {name} {size or ''}".strip(): partial(auto, name=name, count=count, size=size, goal=goal)
        for name, count, size, goal in (
            ("darcy-log", 200, 100, 2.5),
            ("darcy-path", 200, 100, 2.5),
            ("heat-shift", 200, 100, 2.5),
            ("heat-conductivity", 200, 100, 2.5),
            ("darcy-path", 50, 256, 2.0),
            ("topology", 100, 150, 0.95),
            ("photograph", 10, None, 0.95),
        )
    },
    **{
        f"lifetime {name}": partial(lifetime, name=name, goal=goal)
        for name, goal in (("heat-shift", 1.05), ("heat-conductivity", 1.05), ("jumps", 1.10), ("returning", 1.10))
    },
    "lifetime unrelated": unrelated,
    "hurts": hurts,
    "relax": relax,
}
