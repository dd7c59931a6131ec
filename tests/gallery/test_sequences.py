"""Every sequence of the gallery: same bits in any order, canonical SPD matrices, formulas from slow constructions."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as sla

from resolvent import gallery
from resolvent.problems.linear import LinearSystem

SMALL = {
    "heat-shift": {"count": 4, "size": 7},
    "heat-conductivity": {"count": 4, "size": 7},
    "darcy-log": {"count": 4, "size": 7},
    "darcy-threshold": {"count": 4, "size": 7},
    "darcy-path": {"count": 4, "size": 7},
    "jumps": {"count": 40, "size": 7, "every": 3},
    "returning": {"count": 40, "size": 7, "dwell": 2, "fields": 3},
    "unrelated": {"count": 4, "size": 7},
    "poisson3d-drift": {"count": 4, "size": 5},
    "topology": {"count": 6, "size": 12},
    "topology3d": {"count": 4, "size": 4},
    "photograph": {"count": 4, "size": 24},
    "synthetic-shift": {"count": 40},
    "heat-equation": {"count": 4, "size": 8},
    "convection-diffusion": {"count": 4, "size": 7},
    "helmholtz": {"count": 4, "size": 7},
    "darcy-samples": {"count": 4, "size": 7},
    "poisson-samples": {"count": 4, "size": 7},
    "convection-diffusion-samples": {"count": 4, "size": 7},
    "helmholtz-samples": {"count": 4, "size": 7},
}
NAMES = sorted(SMALL)
DRIFTING = {"convection-diffusion", "helmholtz"}
GENERAL = DRIFTING | {"convection-diffusion-samples", "helmholtz-samples"}  # not symmetric positive definite


def solve(problem):
    return sla.spsolve(problem.A.tocsc(), problem.b)


def walk(steps):
    """All problems of a sequence, fed as a runner does."""
    problems = []
    for i, problem in enumerate(steps):
        problems.append(problem)
        steps.feed(i, solve(problem))
    return problems


def same(p, q):
    parts = ("data", "indices", "indptr")
    return all(np.array_equal(getattr(p.A, k), getattr(q.A, k)) for k in parts) and np.array_equal(p.b, q.b)


def laplacian(m):
    T = sp.diags_array([-np.ones(m - 1), 2 * np.ones(m), -np.ones(m - 1)], offsets=[-1, 0, 1])
    return sp.kron(sp.eye_array(m), T) + sp.kron(T, sp.eye_array(m))


def test_the_registry_is_complete():
    assert sorted(gallery.SEQUENCES) == NAMES
    assert all(builder.name == name for name, builder in gallery.SEQUENCES.items())


@pytest.mark.parametrize("name", [n for n in NAMES if n not in GENERAL])
def test_problems_are_canonical_spd_systems(name):
    steps = gallery.sequence(name, **SMALL[name])
    problems = walk(steps)
    assert len(problems) == len(steps)
    for p in problems:
        assert isinstance(p, LinearSystem)
        assert p.symmetric is True and p.positive_definite is True
        assert isinstance(p.A, sp.csr_array)
        assert p.A.indices.dtype == p.A.indptr.dtype == np.int32
        assert p.A.data.dtype == p.b.dtype == np.float64
        fresh = sp.csr_array((p.A.data, p.A.indices, p.A.indptr), shape=p.A.shape)
        fresh.check_format(full_check=True)
        assert fresh.has_canonical_format
        assert (p.A != p.A.T).nnz == 0
        assert np.isfinite(p.A.data).all() and np.isfinite(p.b).all()
        assert p.A.indices is problems[0].A.indices and p.A.indptr is problems[0].A.indptr
    for p in (problems[0], problems[-1]):
        np.linalg.cholesky(p.A.toarray())  # raises unless positive definite


@pytest.mark.parametrize("name", NAMES)
def test_a_second_sequence_gives_the_same_bits(name):
    first, second = (walk(gallery.sequence(name, **SMALL[name])) for _ in range(2))
    assert all(same(p, q) for p, q in zip(first, second))
    assert not same(first[0], first[-1])


@pytest.mark.parametrize("name", [n for n in NAMES if not gallery.SEQUENCES[n].coupled])
def test_any_order_gives_the_same_bits(name):
    ordered = list(gallery.sequence(name, **SMALL[name]))
    steps = gallery.sequence(name, **SMALL[name])
    for i in np.random.default_rng(0).permutation(len(steps)).tolist():
        assert same(steps[i], ordered[i])
        assert steps[i].context == ordered[i].context
        f = steps.features(i)
        assert f is None or (f.ndim == 1 and np.isfinite(f).all())
    assert same(steps[-1], ordered[-1])
    steps.feed(0, None)  # nothing to learn, nothing to complain about
    assert not steps.done


@pytest.mark.parametrize("name", NAMES)
def test_indices_outside_end_the_sequence(name):
    steps = gallery.sequence(name, **SMALL[name])
    with pytest.raises(IndexError, match="there is no problem"):
        steps[len(steps)]
    with pytest.raises(TypeError, match="whole number"):
        steps[0.5]
    with pytest.raises(TypeError, match="slice"):
        steps[0:2]
    with pytest.raises(ValueError, match="index"):
        steps[-len(steps) - 1]


def test_heat_shift_is_its_formula():
    m, t = 9, 3
    steps = gallery.sequence("heat-shift", count=5, size=m)
    x = y = np.arange(1, m + 1) / (m + 1)
    X, Y = np.meshgrid(x, y, indexing="ij")
    u = np.exp(-((X - 0.3) ** 2 + (Y - 0.3) ** 2) / 0.02).ravel()
    for i in range(t + 1):
        c = 0.02 * (100 / m) ** 2 * 10 ** (0.75 * math.sin(2 * math.pi * i / 100))
        A = c * sp.eye_array(m * m) + laplacian(m)
        cx = 0.5 + 0.25 * math.cos(2 * math.pi * i / 100)
        cy = 0.5 + 0.25 * math.sin(2 * math.pi * i / 100)
        f = 100 * np.exp(-((X - cx) ** 2 + (Y - cy) ** 2) / 0.01).ravel()
        b = c * u + f / (m + 1) ** 2
        p = steps[i]
        np.testing.assert_allclose(p.A.toarray(), A.toarray(), rtol=1e-14)
        np.testing.assert_allclose(p.b, b, rtol=1e-11, atol=1e-14)
        assert p.context == pytest.approx(c, rel=1e-14)
        assert steps.features(i) == pytest.approx(math.log10(c))
        u = solve(p)
        steps.feed(i, u)


def test_heat_conductivity_is_its_formula():
    m = 6
    steps = gallery.sequence("heat-conductivity", count=50, size=m)
    X, Y = np.meshgrid(*[np.arange(1, m + 1) / (m + 1)] * 2, indexing="ij")
    p = 2 * math.pi * 30 / 200
    g1 = np.sin(2 * np.pi * X) * np.sin(3 * np.pi * Y)
    g2 = np.cos(3 * np.pi * X) * np.cos(2 * np.pi * Y)
    a = np.exp(1.5 * (g1 * math.cos(p) + g2 * math.sin(p)))
    np.testing.assert_allclose(steps.conductivity(30), a, rtol=1e-13)
    np.testing.assert_allclose(steps.features(30), [math.cos(p), math.sin(p)])
    from resolvent.gallery.fields import GridStencil

    first = GridStencil((m, m)).darcy(steps.conductivity(0)).toarray() + 0.02 * (100 / m) ** 2 * np.eye(m * m)
    np.testing.assert_allclose(steps[0].A.toarray(), first, rtol=1e-13)


def test_darcy_fields_follow_the_one_stream():
    m = 8
    from resolvent.gallery.fields import RandomField

    rng, field = np.random.default_rng(20240), RandomField(m)
    g = [field(rng.standard_normal((m, m))) for _ in range(5)]
    log = gallery.sequence("darcy-log", count=5, size=m)
    threshold = gallery.sequence("darcy-threshold", count=5, size=m)
    path = gallery.sequence("darcy-path", count=5, size=m)
    at = g[0]
    for i in range(5):
        np.testing.assert_allclose(log.conductivity(i), np.exp(1.5 * g[i]), rtol=1e-13)
        assert np.array_equal(threshold.conductivity(i), np.where(g[i] >= 0, 12.0, 3.0))
        at = at if i == 0 else 0.99 * at + math.sqrt(1 - 0.99**2) * g[i]
        np.testing.assert_allclose(path.field(i), at, rtol=1e-12, atol=1e-13)
    assert np.array_equal(log[2].b, np.full(m * m, 1 / (m + 1) ** 2))
    low = log.features(1)
    assert low.shape == (64,)
    assert abs(low[0]) < 1e-12  # fields have zero mean


def test_jumps_jump_and_returning_returns():
    def step(steps, i, j):
        return np.linalg.norm(steps.field(i) - steps.field(j)) / 12  # fields of unit variance

    jumps = gallery.sequence("jumps", count=30, size=12, every=5)
    inside = [step(jumps, i, i + 1) for i in range(29) if (i + 1) % 5]
    across = [step(jumps, i, i + 1) for i in range(29) if not (i + 1) % 5]
    assert max(inside) < 0.4 < 0.6 < min(across)
    back = gallery.sequence("returning", count=40, size=12, fields=3, dwell=4, rho=0.999)
    assert step(back, 3, 12) < 0.2 < 0.6 < step(back, 3, 4)
    assert step(back, 3, 8) > 0.6


def test_poisson3d_is_its_formula():
    m, K = 5, 3
    steps = gallery.sequence("poisson3d-drift", count=3, size=m, modes=K, sigma=0.7, rho=0.8)
    rng = np.random.default_rng(20240)
    z0 = rng.standard_normal((K, K, K))
    z1 = 0.8 * z0 + 0.6 * rng.standard_normal((K, K, K))
    g, total = np.zeros((m, m, m)), 0.0
    x = (np.arange(m) + 0.5) / m
    for k in np.ndindex(K, K, K):
        if any(k):
            w = 1 / (np.pi**2 * sum(v * v for v in k) + 9)
            total += w * w
            c = [np.cos(np.pi * v * x) * (math.sqrt(2) if v else 1) for v in k]
            g += w * z1[k] * c[0][:, None, None] * c[1][None, :, None] * c[2][None, None, :]
    np.testing.assert_allclose(steps.conductivity(1), np.exp(0.7 * g / math.sqrt(total)), rtol=1e-12)
    assert np.array_equal(steps[1].b, np.random.default_rng(3).standard_normal(m**3))
    assert steps.features(1).shape == (27,)


def test_synthetic_shift_has_its_distribution():
    K = laplacian(10).toarray()
    for variance, (alpha, beta) in (("low", (2, 6)), ("high", (0.5, 1.5))):
        steps = gallery.sequence("synthetic-shift", count=2000, variance=variance)
        p = steps[17]
        np.testing.assert_allclose(p.A.toarray(), K + p.context * np.eye(100), rtol=1e-14)
        shifts = np.array([steps.features(i)[0] for i in range(2000)])
        assert steps.features(17)[0] == p.context
        assert shifts.min() > -0.15 and shifts.max() < 0.45
        sd = 0.6 * math.sqrt(alpha * beta / (alpha + beta) ** 2 / (alpha + beta + 1))
        assert abs(shifts.mean() - (-0.15 + 0.6 * alpha / (alpha + beta))) < 5 * sd / math.sqrt(2000)
    norms = [np.linalg.norm(steps[i].b) for i in range(100)]
    assert max(norms) <= 10


def test_heat_equation_is_crank_nicolson():
    n_x, dt = 8, 1e-3
    steps = gallery.sequence("heat-equation", count=5, size=n_x, low=0.01)
    m = n_x - 1
    L = -laplacian(m).toarray() * n_x**2
    X, Y = np.meshgrid(*[np.arange(1, n_x) / n_x] * 2, indexing="ij")

    def bump(cx, cy, r):
        s = np.minimum(1, ((X - cx) ** 2 + (Y - cy) ** 2) / r**2)
        out = np.zeros_like(s)
        out[s < 1] = np.exp(1 - 1 / (1 - s[s < 1]))
        return out.ravel()

    u = bump(0.5, 0.5, 0.25)
    for i in range(3):
        t = (i + 0.5) * dt
        kappa = max(0.01 * math.sin(2 * math.pi * t), -10 * math.sin(2 * math.pi * t))
        C = kappa * dt / 2 * L
        f = 32 * bump(0.5 + math.cos(16 * math.pi * t) / 4, 0.5 + math.sin(16 * math.pi * t) / 4, 1 / 8)
        p = steps[i]
        np.testing.assert_allclose(p.A.toarray(), np.eye(m * m) - C, rtol=1e-13, atol=1e-16)
        np.testing.assert_allclose(p.b, (np.eye(m * m) + C) @ u + dt * f, rtol=1e-12, atol=1e-15)
        assert p.context == pytest.approx(kappa)
        assert steps.features(i)[0] == p.context
        u = solve(p)
        steps.feed(i, u)
    assert steps.kappa(0.75) == pytest.approx(10.0)


def test_unknown_names_and_options_are_refused_with_the_list():
    with pytest.raises(ValueError, match=r"no sequence 'nothing'.*darcy-log.*topology3d"):
        gallery.sequence("nothing")
    with pytest.raises(ValueError, match=r"no option 'sed'.*seed"):
        gallery.sequence("darcy-log", sed=1)
    with pytest.raises(ValueError, match=r"no option 'seed'; it has no options"):
        gallery.sequence("heat-shift", seed=1)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("darcy-log", {"count": 0}, "count must be at least 1"),
        ("darcy-log", {"size": 1}, "size must be between 2"),
        ("darcy-path", {"rho": 1.5}, "rho must be"),
        ("darcy-path", {"rho": float("nan")}, "rho must be"),
        ("jumps", {"every": 0}, "every must be"),
        ("returning", {"fields": 0}, "fields must be"),
        ("topology", {"filter": "none"}, "filter must be"),
        ("topology", {"radius": 0.5}, "radius must be"),
        ("synthetic-shift", {"variance": "middle"}, "variance must be"),
        ("synthetic-shift", {"size": 11}, "positive definite"),
        ("heat-equation", {"dt": -1.0}, "dt must be"),
    ],
)
def test_bad_parameters_get_one_sentence(name, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        gallery.sequence(name, **options)


@pytest.mark.parametrize(("key", "value"), [("count", 2.0), ("count", True), ("size", "8"), ("rho", "0.9")])
def test_parameters_of_the_wrong_type_are_refused(key, value):
    with pytest.raises(TypeError, match=f"{key} must be a"):
        gallery.sequence("darcy-path", **{key: value})


def test_the_default_sizes_are_those_of_the_workloads():
    for name in ("heat-shift", "heat-conductivity", "darcy-log", "darcy-threshold", "darcy-path"):
        steps = gallery.sequence(name)
        assert (len(steps), steps.size, steps[0].A.shape) == (200, 100, (10_000, 10_000))


def test_the_base_class_asks_for_a_builder():
    bare = gallery.Sequence(1)
    with pytest.raises(TypeError, match="_problem"):
        bare[0]
    with pytest.raises(TypeError, match="takes no solutions"):
        _ = bare.unknowns
    assert bare.features(0) is None
    with pytest.raises(AttributeError, match="nothing_here"):
        _ = gallery.nothing_here


def test_convection_diffusion_is_the_sum_over_faces():
    steps = gallery.sequence("convection-diffusion", count=2, size=6)
    m, problem = 6, steps[1]
    assert problem.symmetric is False and problem.A.has_canonical_format
    flow = sp.dok_array((m * m, m * m))
    for axis, flux in enumerate(steps.fluxes):
        for (i, j), f in np.ndenumerate(flux):
            one = i * m + j
            other = one + (m if axis == 0 else 1)
            source = one if f > 0 else other  # what is blown leaves the cell upwind and enters the other
            flow[one, source] += f
            flow[other, source] -= f
    rest = problem.A - sp.csr_array(flow)
    assert abs(rest - rest.T).max() <= 1e-12
    assert np.allclose(rest.toarray(), steps._stencil.darcy(steps.conductivity(1)).toarray(), rtol=1e-12, atol=1e-12)
    assert np.abs(flow.sum(axis=0)).max() <= 1e-12  # nothing is lost
    assert problem.A.diagonal().min() > 0 and (problem.A - sp.diags_array(problem.A.diagonal())).max() <= 0
    twin = steps.fluxes[0][1:, :]  # inside, what flows in flows out
    inner = (
        steps.fluxes[0][1:, 1:-1] - steps.fluxes[0][:-1, 1:-1] + steps.fluxes[1][1:-1, 1:] - steps.fluxes[1][1:-1, :-1]
    )
    assert twin.size and np.abs(inner).max() <= 1e-12


def test_helmholtz_is_the_damped_operator():
    steps = gallery.sequence("helmholtz", count=2, size=30)
    problem = steps[1]
    k = steps.wavenumber(1).ravel()
    wanted = laplacian(30) - sp.diags_array((k / 31) ** 2 * (1 - 0.1j))
    assert abs(problem.A - wanted).max() <= 1e-14
    assert problem.dtype == np.complex128 and problem.b[15 * 30 + 15] == 1 and np.count_nonzero(problem.b) == 1
    real = np.linalg.eigvalsh(problem.A.real.toarray())
    assert real[0] < 0 < real[-1]  # indefinite, where a Helmholtz problem is one


@pytest.mark.parametrize("name", sorted(DRIFTING))
def test_general_sequences_drift_on_request(name):
    far = gallery.sequence(name, count=3, size=7)
    near = gallery.sequence(name, count=3, size=7, rho=0.999)
    assert same(far[0], near[0])
    step = [sp.linalg.norm(s[2].A - s[1].A) for s in (far, near)]
    assert step[1] < 0.2 * step[0]
