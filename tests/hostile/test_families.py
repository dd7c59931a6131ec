"""No silent wrong answer on hostile problems of the other families, and nothing that the table does not allow."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def families():
    name = "resolvent_hostile_families"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("families.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def belief(families, tally, solves, judged):
    """The promises, as asserted of any run."""
    bad = [finding for finding in tally.findings if finding[0] in families.FATAL]
    assert not bad, f"{len(bad)}:\n" + "\n".join(map(str, bad[:40]))
    assert tally.count["solves"] >= solves and tally.count["judged"] >= judged


def test_the_table_and_the_cases_are_the_same(families):
    assert set(families.table.TABLE) == set(families.CASES) and len(families.CASES) >= 150


def test_thin_slice(families):
    """Every case with auto and one other method in turn, cold, in one dtype; every sixth in a session."""
    jobs = []
    for k, name in enumerate(families.CASES):
        family = name.split("/")[0]
        methods = list(families.METHODS[family])
        dtype = "float32" if k % 3 == 2 and family in families.SINGLE else "float64"
        for method in ("auto", methods[1 + k % (len(methods) - 1)]):
            jobs.append(("cold", name, method, dtype, k))
        if k % 6 == 0:
            jobs.append(("warm", name, methods[k // 6 % len(methods)], dtype, k))
    belief(families, families.run(families.Tally(), jobs), 400, 150)


@pytest.mark.full
@pytest.mark.parametrize("family", ["fixedpoint", "inclusion", "smooth", "composite", "transport", "completion"])
def test_full_grid(families, family):
    """Every case x every method x dtype, cold and in a session."""
    jobs = [job for job in families.grid() if job[1].startswith(family + "/")]
    belief(families, families.run(families.Tally(), jobs), len(jobs), 40)


LIES = {
    "fixedpoint/contraction": lambda x: x * 1.01,
    "inclusion/monotone": lambda x: x * 1.01,
    "smooth/quadratic": lambda x: x * 1.01,
    "composite/lasso": lambda x: x * 1.01,
    "composite/logistic": lambda x: x + 0.01,
    "composite/groups": lambda x: x * 1.01,
    "composite/elastic": lambda x: x * 1.01,
    "composite/nonnegative": lambda x: x * 1.01,
    "composite/box": lambda x: x * 0.99,
    "transport/benign": lambda x: x * 1.01,
    "transport/l2": lambda x: x * 1.01,
    "transport/sparse": lambda x: x * 1.01,
    "completion/benign": lambda x: (x[0] * 1.01, x[1]),
}


@pytest.mark.parametrize("name", LIES)
def test_the_net_has_no_holes(families, name, monkeypatch):
    """A solver that lies, raises, writes into its input or warns of something else is caught, in every family."""
    rv, np_ = families.rv, np
    honest = rv.solve
    job = ("cold", name, "auto", "float64", 1)
    assert not families.run(families.Tally(), [job]).findings

    def lying(problem, *args, **options):
        result = honest(problem, *args, **options)
        result.x = LIES[name](result.x)
        return result

    def raising(problem, *args, **options):
        raise IndexError("the index 7 is out of range")

    def warning(problem, *args, **options):
        np_.float64(1.0) / np_.float64(0.0)
        return honest(problem, *args, **options)

    def writing(problem, *args, **options):
        result = honest(problem, *args, **options)
        if options.get("x0") is not None:
            options["x0"][0] += 1
        elif hasattr(problem, "loss"):
            problem.loss.X[0, 0] += 1
        else:
            (problem.a if hasattr(problem, "a") else problem.values)[0] += 1
        return result

    for liar, kind in ((lying, "silent"), (raising, "escaped"), (warning, "warning"), (writing, "modified")):
        monkeypatch.setattr(rv, "solve", liar)
        tally = families.run(families.Tally(), [job])
        assert tally.count[kind] == 1, (kind, tally.findings)
