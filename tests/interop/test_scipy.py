"""SciPy's names with SciPy's manners, and an info that is true. SciPy's own tests are run on these functions in a child."""

import inspect
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as sla

from resolvent.interop import scipy as ours

NAMES = sorted(set(ours.__all__) - {"OWN"})
HERE = Path(__file__).parent
SUITES = ["test_iterative", "test_minres", "test_lgmres", "test_gcrotmk"]


def laplace(n=40, dtype=float):
    parts = [-np.ones(n - 1), 2.5 * np.ones(n), -np.ones(n - 1)]
    return sp.diags_array(parts, offsets=[-1, 0, 1]).tocsr().astype(dtype)


def residual(A, b, x):
    return np.linalg.norm(np.asarray(b).ravel().astype(np.longdouble) - A.astype(np.longdouble).toarray() @ x)


def call(name, *args, **options):
    return getattr(ours, name)(*args, **options)


# ---- the same face ---------------------------------------------------------------------------------------------------


def test_there_are_the_ten():
    assert set(NAMES) == {"cg", "bicg", "bicgstab", "cgs", "gmres", "lgmres", "gcrotmk", "minres", "qmr", "tfqmr"}


@pytest.mark.parametrize("name", NAMES)
def test_the_signature_is_scipys(name):
    assert inspect.signature(getattr(ours, name)) == inspect.signature(getattr(sla, name))
    assert getattr(ours, name).__name__ == name


@pytest.mark.parametrize("name", NAMES)
def test_which_run_methods_of_this_library(name, monkeypatch):
    """The own ones answer although SciPy's functions are broken; the others need them."""
    from resolvent.interop.scipy import lent, own

    def broken(*args, **options):
        raise RuntimeError("SciPy's was called")

    for module in (lent, own):
        for attribute in [a for a in vars(module) if a.startswith("_") and callable(getattr(sla, a[1:], None))]:
            monkeypatch.setattr(module, attribute, broken)
    if name in ours.OWN:
        assert call(name, laplace(), np.ones(40))[1] == 0
    else:
        with pytest.raises(RuntimeError, match="SciPy's was called"):
            call(name, laplace(), np.ones(40))


# ---- (x, info) ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csr", "csc", "dia", "dense", "operator", "int"])
@pytest.mark.parametrize("name", NAMES)
def test_forms_of_a(name, form):
    A = 2 * laplace()
    given = {
        "csr": A,
        "csc": A.tocsc(),
        "dia": A.todia(),
        "dense": A.toarray(),
        "operator": sla.aslinearoperator(A),
        "int": A.astype(int),
    }[form]
    b = np.arange(40)
    kept, before = b.copy(), (A.data.copy(), A.indices.copy())
    x, info = call(name, given, b, rtol=1e-8)
    assert info == 0 and x.shape == (40,) and x.dtype == np.float64
    assert residual(A, b, x) <= 1.000001e-8 * np.linalg.norm(b)
    assert np.array_equal(b, kept) and np.array_equal(A.data, before[0]) and np.array_equal(A.indices, before[1])


@pytest.mark.parametrize("name", NAMES)
def test_dtypes_and_columns(name):
    A = laplace(dtype=np.float32)
    x, info = call(name, A, np.ones((40, 1), dtype=np.float32), rtol=1e-4)
    assert info == 0 and x.dtype == np.float32 and x.shape == (40,)
    assert call(name, A, np.ones(40))[0].dtype == np.float64
    if name != "minres":
        B = laplace() + 0.1j * sp.eye_array(40) * (name not in ("cg",))
        x, info = call(name, B, np.ones(40) + 1j, rtol=1e-8)
        assert info == 0 and x.dtype == np.complex128
        assert np.linalg.norm(np.ones(40) + 1j - B @ x) <= 1.0001e-8 * np.sqrt(80)


@pytest.mark.parametrize("name", NAMES)
def test_first_guesses(name):
    A, b = laplace(), np.arange(40.0)
    exact = sla.spsolve(A.tocsc(), b)
    for x0 in (np.ones(40), np.ones((40, 1)), np.zeros(40), np.ones(40, dtype=int), "Mb", exact):
        kept = x0 if isinstance(x0, str) else x0.copy()
        x, info = call(name, A, b, x0=x0, rtol=1e-9)
        assert info == 0 and residual(A, b, x) <= 1.000001e-9 * np.linalg.norm(b)
        assert isinstance(x0, str) or (np.array_equal(x0, kept) and x is not x0)
    M = sp.diags_array(1 / A.diagonal()) if name != "qmr" else None
    seen = []
    options = {"M": M} if M is not None else {}
    options |= {"callback_type": "x"} if name == "gmres" else {}
    call(name, A, b, x0=exact, callback=lambda xk: seen.append(xk), **options)
    assert len(seen) <= 1  # lgmres and gcrotmk show the first guess


@pytest.mark.parametrize("name", NAMES)
def test_bad_input_is_one_sentence(name):
    A, b = laplace(), np.ones(40)
    with pytest.raises(ValueError, match="square"):
        call(name, np.ones((3, 4)), np.ones(3))
    with pytest.raises(ValueError, match="b has shape"):
        call(name, A, np.ones(39))
    with pytest.raises(ValueError, match="x0 has shape"):
        call(name, A, b, x0=np.ones(3))
    with pytest.raises(ValueError, match="'Mb' is expected"):
        call(name, A, b, x0="zeros")
    with pytest.raises(TypeError, match="positional"):
        call(name, A, b, np.zeros(40), 1e-5)
    if name != "minres":
        for atol in (None, "legacy", -1, np.nan):
            with pytest.raises(ValueError, match="atol"):
                call(name, A, b, atol=atol)
    if name != "qmr":
        with pytest.raises(ValueError, match="must agree"):
            call(name, A, b, M=np.eye(3))


@pytest.mark.parametrize("name", NAMES)
def test_what_the_users_code_raises_comes_through(name):
    class MineError(Exception):
        pass

    def stop(*args):
        raise MineError

    A, b = laplace(), np.ones(40)
    options = {"callback_type": "pr_norm"} if name == "gmres" else {}
    with pytest.raises(MineError):
        call(name, A, b, callback=stop, **options)
    with pytest.raises(MineError):
        call(name, sla.LinearOperator((40, 40), matvec=stop, rmatvec=stop, dtype=float), b)


# ---- info is true --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_small_and_large_right_hand_sides(name):
    A = laplace()
    for size in (1e-300, 1e-160, 1e160, 1e300):
        b = size * np.arange(1.0, 41)
        x, info = call(name, A, b, rtol=1e-8)
        assert info == 0
        assert residual(A, b / size, x / size) <= 1.0001e-8 * np.linalg.norm(b / size)


@pytest.mark.parametrize("name", NAMES)
def test_no_success_without_the_residual(name):
    """float32 cannot reach 1e-9; one iteration cannot reach 1e-12; a singular system outside its range is not solved."""
    A = laplace(200, dtype=np.float32) - 0.499 * sp.eye_array(200, dtype=np.float32).tocsr()
    b = np.ones(200, dtype=np.float32)
    assert call(name, A, b, rtol=1e-9)[1] != 0
    assert call(name, laplace(), np.ones(40), rtol=1e-12, maxiter=1, **({"restart": 2} if name == "gmres" else {}))[1]
    assert call(name, laplace(), np.ones(40), rtol=1e-12, maxiter=0)[1] != 0
    line = laplace(20).tolil()
    line.setdiag(2.0)
    line[0, 0] = line[19, 19] = 1.0
    with np.errstate(all="ignore"):
        x, info = call(name, line.tocsr(), np.ones(20), rtol=1e-8)
    assert info != 0 and x.shape == (20,)


def test_scipys_cg_says_zero_where_ours_does_not():
    """In float32 the recursive residual falls below what any float32 vector can reach."""
    A, b = laplace(200, dtype=np.float32), np.ones(200, dtype=np.float32)
    x, info = sla.cg(A, b, rtol=1e-10)
    assert info == 0 and residual(A, b, x) > 1e-8 * np.linalg.norm(b)
    x, info = call("cg", A, b, rtol=1e-10)
    assert info != 0 and residual(A, b, x) < 1e-5 * np.linalg.norm(b)


def test_minres_goes_on_where_scipys_stops():
    A = sp.diags_array(np.concatenate([np.logspace(-5, 0, 50), [-1e3]])).tocsr()
    b = np.ones(51)
    x, info = sla.minres(A, b, rtol=1e-6)
    assert info == 0 and np.linalg.norm(b - A @ x) > 1e-6 * np.linalg.norm(b)
    x, info = call("minres", A, b, rtol=1e-6, maxiter=5000)
    assert info == 0 and np.linalg.norm(b - A @ x) <= 1.0001e-6 * np.linalg.norm(b)


def test_cg_solves_what_scipys_solves_though_not_definite():
    A, b = -laplace(), np.ones(40)
    x, info = call("cg", A, b, rtol=1e-9)
    assert info == 0 and residual(A, b, x) <= 1.0001e-9 * np.linalg.norm(b)


# ---- callbacks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cg", "bicg", "bicgstab", "cgs", "minres", "qmr", "tfqmr"])
def test_the_callback_sees_each_iterate(name):
    A, b = laplace(), np.ones(40)
    theirs, mine = [], []
    getattr(sla, name)(A, b, rtol=1e-8, callback=lambda xk: theirs.append(xk.copy()))
    x, _ = call(name, A, b, rtol=1e-8, callback=lambda xk: mine.append(xk.copy()))
    assert name == "bicgstab" or np.array_equal(mine[-1], x)  # which may end at half a step
    common = min(len(mine), len(theirs), 4)
    assert common >= 4 and all(
        np.allclose(m, t, rtol=1e-6) for m, t in zip(mine[:common], theirs[:common], strict=True)
    )
    if name != "minres":  # whose rule is another
        assert abs(len(mine) - len(theirs)) <= 1


@pytest.mark.parametrize("kind", ["x", "pr_norm", "legacy"])
def test_gmres_callback_types(kind):
    rng = np.random.default_rng(5)
    A, b = rng.random((20, 20)) + np.eye(20), rng.random(20)
    theirs, mine = [], []
    options = {"rtol": 1e-8, "restart": 6, "maxiter": 9, "callback_type": kind}
    M = np.diag(1 / np.diag(A))
    xs, theirs_info = sla.gmres(A, b, M=M, callback=lambda v: theirs.append(np.copy(v)), **options)
    x, info = call("gmres", A, b, M=M, callback=lambda v: mine.append(np.copy(v)), **options)
    assert len(mine) == len(theirs) and np.allclose(mine, theirs, rtol=1e-6)
    assert info == theirs_info and np.allclose(x, xs, rtol=1e-6)


def test_minres_shows_scipys_table(capsys):
    A, b = laplace(), np.arange(40.0)
    x, info = call("minres", A, b, shift=0.3, rtol=1e-8, show=True)
    shown = capsys.readouterr().out
    assert info == 0 and "Solution of symmetric Ax = b" in shown and "shift  =" in shown
    y, _ = call("minres", A, b, shift=0.3, rtol=1e-8)
    exact = sla.spsolve((A - 0.3 * sp.eye_array(40)).tocsc(), b)
    assert np.allclose(x, exact, rtol=1e-5) and np.allclose(y, exact, rtol=1e-5)


def test_gmres_warns_of_the_old_callback_type():
    with pytest.warns(DeprecationWarning, match="called without specifying `callback_type`"):
        call("gmres", laplace(), np.ones(40), callback=lambda r: None)
    with pytest.raises(ValueError, match="callback_type"):
        call("gmres", laplace(), np.ones(40), callback=lambda r: None, callback_type="y")


# ---- the tests of others -------------------------------------------------------------------------------------------------


def outcomes(tmp_path, modules, plugin=None):
    """{test: passed | failed | skipped} of others' tests in a child process, and what they printed."""
    report = tmp_path / f"{plugin or 'stock'}.xml"
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--junitxml={report}",
        "--pyargs",
        *modules,
    ]
    if plugin:
        words[4:4] = ["-p", plugin]
    path = os.pathsep.join([str(HERE), *(p for p in sys.path if p)])
    ran = subprocess.run(words, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert report.exists(), ran.stdout[-2000:] + ran.stderr[-2000:]
    found = {}
    for case in ET.parse(report).iter("testcase"):
        bad = case.find("failure") is not None or case.find("error") is not None
        kind = "failed" if bad else "skipped" if case.find("skipped") is not None else "passed"
        found[f"{case.get('classname')}::{case.get('name')}"] = kind
    return found, ran.stdout


@pytest.mark.full
def test_scipys_own_tests_pass_on_ours(tmp_path):
    modules = [f"scipy.sparse.linalg._isolve.tests.{suite}" for suite in SUITES]
    (stock, _), (mine, _) = outcomes(tmp_path, modules), outcomes(tmp_path, modules, "in_place_of_scipy")
    passing = {name for name, kind in stock.items() if kind == "passed"}
    assert len(passing) > 800
    lost = sorted(name for name in passing if mine.get(name) != "passed")
    assert not lost, f"{len(lost)} of {len(passing)}: {lost[:20]}"
    assert not [name for name, kind in mine.items() if kind == "failed"]


def test_pyamgs_own_tests_pass_on_ours(tmp_path):
    pytest.importorskip("pyamg")
    modules = ["pyamg.krylov.tests.test_krylov", "pyamg.krylov.tests.test_scipy"]
    found, said = outcomes(tmp_path, modules, "in_place_of_pyamg")
    assert len(found) >= 12 and set(found.values()) == {"passed"}, found
    assert "called: bicgstab cg gmres" in said


def test_the_plugin_replaces_what_scipys_tests_import(tmp_path):
    """Else the comparison above would be SciPy with itself."""
    script = (
        "import in_place_of_scipy\n"
        "in_place_of_scipy.pytest_configure(None)\n"
        "from scipy.sparse.linalg._isolve.tests.test_iterative import _SOLVERS\n"
        "from scipy.sparse.linalg._isolve.tests import test_lgmres, test_minres, test_gcrotmk\n"
        "found = [*_SOLVERS, test_lgmres.lgmres, test_minres.minres, test_gcrotmk.gcrotmk]\n"
        "assert all(f.__module__.startswith('resolvent.interop.scipy') for f in found), found\n"
        "print(len(found))"
    )
    path = os.pathsep.join([str(HERE), *(p for p in sys.path if p)])
    environment = os.environ | {"PYTHONPATH": path}
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ran.stdout.strip() == "13", ran.stderr
