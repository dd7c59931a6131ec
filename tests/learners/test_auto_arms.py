"""Arms of auto that pay in some cases only: each is found where it costs least by counted work, and the reason is said."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.auto import arms
from resolvent.gallery.fields import GridStencil


def islands(t, m=48, side=8):
    """Good conductors in a bad one: as many small eigenvalues as there are islands."""
    place = np.arange(m) % side
    inner = (place > 0) & (place < side - 1)
    a = np.ones((m, m))
    a[np.ix_(inner, inner)] = 1e3 * (1 + 0.01 * t)
    return GridStencil((m, m)).darcy(a, shift=1e-6)


def shifted_cube(t, m=14, contrast=3.0):
    """A layered medium in space, shifted above its lowest eigenvalues; a factor fills in."""
    axes = np.indices((m, m, m)) / m
    g = np.exp(contrast * np.prod(np.sin(3 * np.pi * axes), axis=0))
    return sp.csr_array(GridStencil((m, m, m)).darcy(g) - (0.1 + 1e-3 * t) * sp.diags_array(g.ravel()))


def scattered(t, n=1500):
    """Entries in no order, rows of very different size, a few signs turned: the diagonal is all that matters."""
    rng = np.random.default_rng(4)
    R = sp.random_array((n, n), density=16.0 / n, rng=rng, format="csr")
    R.data = rng.uniform(-0.07, 0.07, len(R.data))
    D = sp.diags_array(10.0 ** rng.uniform(-2, 2, n))
    signs = sp.diags_array(np.where(rng.random(n) < 0.002, -1.0, 1.0) * (1 + 0.01 * t))
    return sp.csr_array(D @ (R + R.T + signs) @ D)


def gale(t, m=16, wind=8.0):
    """Convection far above diffusion, by central differences in space."""

    def line(p):
        return sp.diags_array(
            [-np.ones(m - 1) * (1 + p), 2 * np.ones(m), -np.ones(m - 1) * (1 - p)], offsets=[-1, 0, 1]
        )

    eye = sp.eye_array(m)
    p = wind * (1 + 0.005 * t)
    first = sp.kron(sp.kron(line(p), eye), eye)
    return sp.csr_array(first + sp.kron(sp.kron(eye, line(p / 2)), eye) + sp.kron(eye, sp.kron(eye, line(p / 2))))


# systems, how many; what the last ones cost at most of the first, and the arm of the best other arm
CASES = {
    "deflated cg": (islands, 24, 0.75, 0.75),
    "minres+ic": (shifted_cube, 12, 1.15, 1.15),
    "minres+jacobi": (scattered, 16, 0.9, 1.2),
    "idr+ilu0": (gale, 16, 0.8, 0.75),
}


def system(build, t):
    A = build(t)
    A.sort_indices()
    definite = False if build in (shifted_cube, scattered) else None
    return rv.LinearSystem(A, np.random.default_rng(t).standard_normal(A.shape[0]), positive_definite=definite)


@pytest.mark.parametrize("name", CASES)
def test_the_arm_is_found_where_it_costs_least(name):
    build, count, gain, _ = CASES[name]
    session = rv.Session(rtol=1e-8)
    cost = []
    for t in range(count):
        result = session.solve(system(build, t))
        assert result.ok
        cost.append(result.cost.setup + result.cost.running)
    select = session.learners[0]
    assert select.arms[select.best].name == name, session.summary()
    said = result.certificate()["auto"]
    assert said.startswith(f"{name}: ") and said.count(".") <= 1 and len(said.split()) > 5
    assert f"auto chose {said}" in session.summary()
    assert np.mean(cost[-3:]) < gain * cost[0]
    assert gain > 0.8 or sum(cost) < 0.9 * count * cost[0]  # what was tried is paid back within the sequence


@pytest.mark.full
@pytest.mark.parametrize("name", CASES)
def test_no_other_arm_costs_much_less_there(name):
    """Counted work of a whole solve, symbolic part aside; set-ups that may be kept are given away to the others."""
    build, _, _, lead = CASES[name]
    problem = system(build, 0)
    session = rv.Session(rtol=1e-8)
    session.solve(problem)
    work = {}
    for arm in arms(session.learners[0].kind):
        result = rv.solve(system(build, 0), arm.method, rtol=1e-8, on_fail="ignore", max_steps=4000)
        if result.ok:
            given = arm.name != name and any(getattr(x, "slot", "") == "preconditioner" for x in arm.learners)
            work[arm.name] = result.cost.running + (0.0 if given else result.cost.setup)
    kept = {"cg+kept factor", "gmres+kept factor"}  # with the factor of this very matrix
    others = {arm: cost for arm, cost in work.items() if arm not in kept and arm != name}
    assert work[name] <= lead * min(others.values()), work
    assert sum(cost > 1.2 * work[name] for cost in others.values()) >= 2, work
