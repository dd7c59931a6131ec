"""State files of strangers, a right digest over wrong contents: refused or harmless, no crash and no wrong answer.

Each case runs in a process of its own, because what is looked for may kill it.
"""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import scipy.sparse as sp

from resolvent.operators.base import Stored

PRELUDE = """
import sys
import numpy as np, scipy.sparse as sp
import resolvent as rv
from resolvent.core import load_state, save_state

def matrix(n, t=0.0):
    line = sp.diags_array([-np.ones(n - 1), (2.1 + t) * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1])
    return sp.csr_array(line)

def problem(t, n=900):
    return rv.LinearSystem(matrix(n, t), np.cos(np.arange(n)))

def session(method, *learners, n=900, count=3):
    out = rv.Session(method, learners, rtol=1e-8, on_fail="ignore")
    for i in range(count):
        out.solve(problem(1e-6 * i, n))
    return out

def put(state):
    save_state(path, {"session": state})

def accept():
    'Load it and go on: an error that names the file, or a true answer.'
    try:
        loaded = rv.Session.load(path)
    except rv.StateFileError:
        print("refused")
        return
    for t in (2e-6, 3e-6, 0.5):
        p = problem(t)
        result = loaded.solve(p)
        r = np.linalg.norm(p.b - p.A @ result.x)
        assert result.ok and r <= 1.0001e-8 * np.linalg.norm(p.b), result.reason
    print("true")

path = sys.argv[1]
"""
CASES = {
    "untouched": 'put(session(rv.CG(rv.IC()), rv.Lifetime("preconditioner"), rv.Guess()).state_dict())\naccept()',
    "vectors too short": """
        for shape in (1, 0, 899, 901, (900, 1), (30, 30)):
            state = session("cg", rv.Guess(always=True)).state_dict()
            state["learned"][0]["x"], state["learned"][0]["ax"] = [np.ones(shape)] * 2, []
            put(state)
            accept()
            state["learned"][0]["ax"] = [np.ones(shape)] * 2
            put(state)
            accept()
    """,
    "vectors of another dtype": """
        for dtype in ("complex128", "float32", "int64", "bool"):
            state = session("cg", rv.Guess(always=True)).state_dict()
            state["learned"][0]["x"], state["learned"][0]["ax"] = [np.ones(900, dtype)] * 2, [np.ones(900, dtype)] * 2
            put(state)
            accept()
    """,
    "vectors not finite": """
        state = session("cg", rv.Guess(always=True)).state_dict()
        state["learned"][0]["x"] = [np.full(900, np.nan)] * 2
        state["learned"][0]["ax"] = []
        put(state)
        accept()
    """,
    "a set-up of another size": """
        for recipe in (rv.IC(), rv.Direct()):
            state = session(rv.CG(recipe), rv.Lifetime("preconditioner")).state_dict()
            other = session(rv.CG(recipe), rv.Lifetime("preconditioner"), n=16).state_dict()
            for cycle in state["learned"][0]["cycles"]:
                cycle["bound"] = other["learned"][0]["cycles"][0]["bound"]
                cycle["bound"]["matrix_version"] = 4
                cycle["last"] = cycle["fresh"] = 0.0
            put(state)
            accept()
    """,
    "a set-up of another dtype": """
        state = session(rv.CG(rv.IC()), rv.Lifetime("preconditioner")).state_dict()
        for cycle in state["learned"][0]["cycles"]:
            cycle["bound"]["source"]["data"] = cycle["bound"]["source"]["data"].astype(complex)
            cycle["bound"]["matrix_version"] = 4
        put(state)
        accept()
    """,
    "a pattern that is no matrix": """
        rng = np.random.default_rng(0)
        for recipe in (rv.IC(), rv.Direct()):
            for kind in range(8):
                state = session(rv.CG(recipe), rv.Lifetime("preconditioner")).state_dict()
                for cycle in state["learned"][0]["cycles"]:
                    source = cycle["bound"]["source"]
                    source["ip"], source["ix"] = source["ip"].copy(), source["ix"].copy()
                    if kind == 0:
                        source["ix"] = rng.permutation(source["ix"])
                    elif kind == 1:
                        source["ix"][:] = 0
                    elif kind == 2:
                        source["ix"][-1] = 2**32 - 1
                    elif kind == 3:
                        source["ip"][5] = 2**31
                    elif kind == 4:
                        source["ix"][:] = 899
                    elif kind == 5:
                        low = sp.tril(sp.random_array((900, 900), density=0.01, rng=rng)) + sp.eye_array(900)
                        low = sp.csr_array(low)
                        low.sort_indices()
                        source["ip"], source["ix"] = low.indptr.astype(np.uint32), low.indices.astype(np.uint32)
                        source["data"] = low.data
                    elif kind == 6:
                        source["data"] = np.full(len(source["data"]), np.nan)
                    else:
                        source["ip"] = source["ip"][:-1]
                put(state)
                accept()
    """,
    "memory of a pattern": """
        good = session("cg").state_dict()
        for name, value in (
            ("values", np.ones(3)), ("indptr", np.ones(3)), ("indices", 7), ("key", 7), ("key", []), ("facts", []),
            ("facts", {"symmetric": "no", "positive": None}), ("version", "x"), ("epoch", None), ("values", None),
            ("symbolic", {"diagonal": np.full(900, 2**31, np.uint32)}),
        ):
            put({**good, "memory": {**good["memory"], name: value}})
            accept()
        put({**good, "memory": {}})
        accept()
    """,
    "a symbolic part": """
        state = session("ssor").state_dict()
        state["memory"]["symbolic"] = {
            "diagonal": np.full(900, 2**31, np.uint32), "eisenstat.plan": np.full(99, 2**31, np.uint32)
        }
        put(state)
        accept()
    """,
    "totals and numbers": """
        good = session("cg").state_dict()
        for name, value in (
            ("totals", {}), ("totals", []), ("solved", "many"), ("purse", {}), ("purse", None), ("learned", {}),
            ("learners", [{"class": "Popen", "params": {"args": "true"}}]),
            ("method", {"class": "CG", "params": {"stride": 0}}),
            ("method", {"class": "CG", "params": {"preconditioner": {"class": "CG", "params": {}}}}),
            ("options", {}), ("options", {"nosuch": 1}), ("auto", 1), ("method", "cg"),
        ):
            put({**good, name: value})
            accept()
    """,
    "auto": """
        good = session("auto").state_dict()
        import copy
        for name, value in (
            ("kind", "stored/spd/999999999999/float64"), ("kind", "x"), ("kind", 7), ("best", 99), ("best", -1),
            ("trial", 99),
            ("trial", "cg"), ("arms", []), ("level", "high"), ("recent", [None]), ("count", -5), ("switches", [1]),
        ):
            state = copy.deepcopy(good)
            state["learned"][0][name] = value
            put(state)
            accept()
        for name, value in (("cost", float("nan")), ("solves", -1), ("learned", []), ("spent", None), ("failures", 1e9)):
            state = copy.deepcopy(good)
            for arm in state["learned"][0]["arms"]:
                arm[name] = value
            put(state)
            accept()
    """,
}


def judged(code, path):
    """Run it in a process of its own; only "refused" and "true" may have been said."""
    command = [sys.executable, "-X", "faulthandler", "-W", "error::RuntimeWarning", "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, (done.returncode, done.stdout[-500:], done.stderr[-2500:])
    assert set(done.stdout.split()) <= {"refused", "true"} and done.stdout.split()
    return done.stdout.split()


@pytest.mark.full
@pytest.mark.parametrize("name", CASES)
def test_a_wrong_state_with_a_right_digest(name, tmp_path):
    judged(PRELUDE + textwrap.dedent(CASES[name]), tmp_path / "s.rv")


def test_wrong_states_with_right_digests_one_after_the_other(tmp_path):
    bodies = [textwrap.indent(textwrap.dedent(body).strip(), "    ") for body in CASES.values()]
    code = PRELUDE + "\n".join(f"def case():\n{body}\ncase()" for body in bodies)
    said = judged(code, tmp_path / "s.rv")
    assert len(said) > len(CASES) and "refused" in said and "true" in said


def unsound():
    """Parts (ip, ix, data) that a compiled kernel must never be given as a symmetric canonical matrix."""
    line = [np.full(8, -1.0), np.full(9, 3.0), np.full(8, -1.0)]
    A = sp.csr_array(sp.diags_array(line, offsets=[-1, 0, 1]))
    ip, ix, data = A.indptr.astype(np.uint32), A.indices.astype(np.uint32), A.data

    def but(array, at, value):
        changed = array.copy()
        changed[at] = value
        return changed

    lower = sp.csr_array(sp.tril(A))
    return {
        "unsorted": (ip, but(ix, [0, 1], [1, 0]), data),
        "twice": (ip, but(ix, 1, 0), data),
        "outside": (ip, but(ix, -1, 9), data),
        "far outside": (ip, but(ix, -1, 2**32 - 1), data),
        "pointers fall": (but(ip, 4, 0), ix, data),
        "pointers far outside": (but(ip, 4, 2**31), ix, data),
        "pointers too short": (ip[:-1], ix, data),
        "data too short": (ip, ix, data[:-1]),
        "two dimensions": (ip, ix, data[:, None]),
        "one triangle": (lower.indptr.astype(np.uint32), lower.indices.astype(np.uint32), lower.data),
        "signed": (ip.astype(np.int32), ix.astype(np.int32), data),
        "empty": (ip[:1], ix[:0], data[:0]),
        "integers": (ip, ix, data.astype(int)),
        "long doubles": (ip, ix, data.astype(np.longdouble)),
    }


@pytest.mark.parametrize("name", unsound())
def test_the_matrix_of_a_kept_set_up_is_checked_before_a_kernel_walks_it(name):
    ip, ix, data = unsound()[name]
    with pytest.raises(ValueError, match="matrix"):
        Stored.from_state({"ip": ip, "ix": ix, "data": data, "symmetric": True})
