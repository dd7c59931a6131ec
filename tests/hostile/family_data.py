"""Hostile losses and penalties, masses and costs, entries of matrices."""

import sys

import numpy as np
import scipy.sparse as sp

import resolvent as rv

families = sys.modules["resolvent_hostile_families"]
judge, enter, Case = families.judge, families.enter, families.Case
ROWS, COLS = 20, 12
GROUPS = [[0, 1, 2], [3, 4], [5, 6, 7, 8], [9], [10, 11]]


# ---- loss and penalty ----------------------------------------------------------------------------------------------


def fitted(
    kind="squares", penalty="l1", lam=0.05, x=lambda X: X, y=lambda y: y, bounds=(0.0, np.inf), make=None, x0=None
):
    """A loss under a penalty; ``x`` and ``y`` spoil the data, ``make`` the penalty."""

    def built(rng, dtype):
        X, w = rng.standard_normal((ROWS, COLS)), np.where(np.arange(COLS) < 4, 1.0, 0.0)
        t = X @ w + 0.5 * rng.standard_normal(ROWS)
        t = np.where(t > 0, 1.0, -1.0) if kind == "logistic" else t
        X, t = np.asfortranarray(x(X).astype(dtype)), y(t).astype(dtype)
        eps = np.finfo(dtype).eps
        weight = lam(X, t) if callable(lam) else lam
        made = {
            "l1": lambda: rv.L1(weight),
            "group": lambda: rv.GroupL1(weight, GROUPS),
            "elastic": lambda: rv.ElasticNet(weight, 0.5),
            "bounds": lambda: rv.NonNegative() if bounds[1] == np.inf else rv.Box(*bounds),
        }[penalty]
        loss = rv.LeastSquares if kind == "squares" else rv.Logistic

        def judged(result, rtol, atol):
            w = np.asarray(result.x)
            if penalty == "bounds" and np.isfinite(bounds).all():
                return judge.box(X, t, *bounds, w, rtol, atol, eps)
            if penalty == "bounds" or weight == 0:
                lo, hi = bounds if penalty == "bounds" else (-np.inf, np.inf)
                return judge.mapping(kind, X, t, lo, hi, w, rtol, atol, eps)
            one, two = (weight / 2, weight / 2) if penalty == "elastic" else (weight, 0.0)
            return judge.gap(kind, X, t, one, two, GROUPS if penalty == "group" else None, w, rtol, atol, eps)

        guess = None if x0 is None else x0(dtype)
        return Case(lambda: rv.Composite(loss(X, t), (make or made)()), judged, (X, t), guess)

    return built


def power(exponent):
    """A factor that is smaller in size in single precision."""
    return lambda v: v * 10.0**exponent


def single(wide, narrow):
    """One case for double, another for single precision."""
    return lambda rng, dtype: (wide if dtype == np.float64 else narrow)(rng, dtype)


def relative(share):
    """lam as a share of the largest that does not give zero."""
    return lambda X, t: float(share * np.abs(judge.wide(X).T @ judge.wide(t)).max() / len(t))


def sized(x=0, y=0, **options):
    """Data of those sizes; in single precision a fifth of the exponent."""
    lam = options.pop("lam", relative(0.1))
    return single(
        fitted(x=power(x), y=power(y), lam=lam, **options),
        fitted(x=power(x / 5), y=power(y / 5), lam=lam, **options),
    )


def poke(value):
    def spoil(v):
        v = v.copy()
        v.flat[3] = value
        return v

    return spoil


def twice(X):
    X = X.copy()
    X[:, 6:] = X[:, :6]
    return X


def holes(X):
    X = X.copy()
    X[:, ::3] = 0.0
    return X


def mixed(X):
    return X * 10.0 ** np.linspace(-15, 15, COLS)


def tiny_quadratic(rng, dtype):
    """w'Hw / 2 - b'w over w >= 0, with a b whose squares underflow: measured by |w - max(w - s, 0)| at H with unit diagonal."""
    H = np.eye(COLS) + 0.5 * np.diag(np.ones(COLS - 1), 1) + 0.5 * np.diag(np.ones(COLS - 1), -1)
    H, b = H.astype(dtype), (rng.standard_normal(COLS) * (1e-170 if dtype == np.float64 else 1e-34)).astype(dtype)

    def judged(result, rtol, atol):
        w = judge.wide(result.x)
        found = judge.norm(w - np.maximum(w - (judge.wide(H) @ w - judge.wide(b)), 0))
        return found, judge.asked(rtol, atol, judge.norm(b)) + 64 * np.finfo(dtype).eps * judge.norm(b)

    return Case(lambda: rv.Composite(rv.Quadratic(H, b), rv.NonNegative()), judged, (H, b))


enter(
    "composite",
    quadratic_tiny=tiny_quadratic,
    lasso=fitted(),
    logistic=fitted("logistic"),
    groups=fitted(penalty="group"),
    elastic=fitted(penalty="elastic"),
    nonnegative=fitted(penalty="bounds"),
    box=fitted(penalty="bounds", bounds=(-0.5, 0.5)),
    weight_zero=fitted(lam=0.0),
    weight_zero_logistic_separable=fitted("logistic", lam=0.0, x=lambda X: np.abs(X)),
    weight_huge=fitted(lam=1e150),
    weight_tiny=fitted(lam=1e-12),
    weight_negative=fitted(make=lambda: rv.L1(-1.0)),
    weight_nan=fitted(make=lambda: rv.L1(np.nan)),
    groups_overlap=fitted(make=lambda: rv.GroupL1(0.1, [[0, 1], [1, 2]])),
    groups_empty=fitted(make=lambda: rv.GroupL1(0.1, [[0, 1], []])),
    groups_left_out=fitted(make=lambda: rv.GroupL1(0.1, [[0, 1], [2, 3]])),
    one_class=fitted("logistic", y=np.abs),
    labels_zero_one=fitted("logistic", y=lambda y: (y + 1) / 2),
    x_nan=fitted(x=poke(np.nan)),
    y_nan=fitted(y=poke(np.nan)),
    y_shape=fitted(y=lambda y: y[:-1]),
    duplicate_columns=fitted(x=twice),
    zero_columns=fitted(x=holes),
    zero_matrix=fitted(x=lambda X: 0 * X),
    y_zero=fitted(y=lambda y: 0 * y),
    x_huge=sized(x=150, lam=relative(0.1)),
    x_tiny=sized(x=-150),
    x_mixed=fitted(x=mixed, lam=relative(0.1)),
    y_huge=sized(y=150),
    y_huger=sized(y=160),
    y_tiny=sized(y=-150),
    y_tinier=sized(y=-170),
    y_tiny_nonnegative=sized(y=-170, penalty="bounds"),
    box_of_a_point=fitted(penalty="bounds", bounds=(0.25, 0.25)),
    box_upside_down=fitted(make=lambda: rv.Box(1.0, 0.0)),
    guess_nan=fitted(x0=lambda dtype: np.full(COLS, np.nan, dtype)),
    guess_shape=fitted(x0=lambda dtype: np.zeros(COLS + 1, dtype)),
)


# ---- masses and costs ----------------------------------------------------------------------------------------------


def moved(
    reg=0.1, mass=lambda a: a, cost=lambda C: C, b=lambda b: b, call=None, x0=None, answers=True, shape=(8, 10), **opts
):
    """Transport between random points; ``mass`` spoils both masses, ``b`` the second alone."""

    def built(rng, dtype):
        n, m = shape
        here, there = mass(rng.random(n) + 0.1), mass(rng.random(m) + 0.1)
        with np.errstate(all="ignore"):
            there = there * (here.sum() / there.sum())
        here, there = here.astype(dtype), b(there).astype(dtype)
        C = np.asarray(cost(rng.random((n, m))), dtype=dtype)
        eps = np.finfo(dtype).eps
        given = C if call is None else call(C)

        def judged(result, rtol, atol):
            P = result.x.toarray() if sp.issparse(result.x) else np.asarray(result.x)
            found, most = judge.marginals(P, here, there, rtol, atol, eps, opts.get("max_nonzeros"))
            if opts.get("regularizer") == "l2":
                return found, most
            f, g = result.potentials
            off, size = judge.entropic(P, f, g, C, reg)
            spare = 8 * eps * (size + 10)  # of each entry, relative
            return max(found, off * here.sum()), max(most, spare * here.sum()) if off > 0 else most

        options = {"reg": reg} | opts
        guess = None if x0 is None else x0(n + m)
        return Case(
            lambda: rv.Transport(given, here, there, **options), judged if answers else None, (C, here, there), guess
        )

    return built


def some(value, k=2):
    """A mass or cost of that value at place k."""

    def spoil(v):
        v = v.copy()
        v.flat[k] = value
        return v

    return spoil


def gaps(a):
    a = a.copy()
    a[::3] = 0.0
    return a


def nan_rows(C):
    return lambda start, stop: C[start:stop] * np.nan


def broken_rows(C):
    def rows(start, stop):
        raise RuntimeError("the file is gone")

    return rows


def heavy(a):
    """Nearly all mass in one point."""
    out = np.full(len(a), 1e-3 / len(a))
    out[0] = 1.0
    return out


enter(
    "transport",
    benign=moved(),
    l2=moved(regularizer="l2"),
    sparse=moved(regularizer="l2", max_nonzeros=3),
    sparsest=moved(regularizer="l2", max_nonzeros=1),
    zero_masses=moved(mass=gaps),
    one_point=moved(shape=(1, 1)),
    tiny_masses=moved(mass=some(1e-30)),
    tiny_mass=moved(mass=lambda a: a * 1e-30),
    huge_mass=single(moved(mass=lambda a: a * 1e150), moved(mass=lambda a: a * 1e30)),
    **{"reg_1e-6": moved(1e-6), "reg_1e-3": moved(1e-3), "reg_1e3": moved(1e3)},
    **{"reg_1e-6_l2": moved(1e-6, regularizer="l2"), "reg_1e3_l2": moved(1e3, regularizer="l2")},
    reg_subnormal=moved(1e-310),
    cost_huge=single(moved(cost=lambda C: C * 1e150), moved(cost=lambda C: C * 1e30)),
    cost_tiny=single(moved(cost=lambda C: C * 1e-150), moved(cost=lambda C: C * 1e-30)),
    cost_zero=moved(cost=lambda C: 0 * C),
    negative_mass=moved(b=some(-0.1)),
    nan_mass=moved(b=some(np.nan)),
    negative_cost=moved(cost=some(-1.0)),
    nan_cost=moved(cost=some(np.nan)),
    inf_cost=moved(cost=some(np.inf)),
    mismatch=moved(b=lambda b: 1.1 * b),
    no_mass=moved(mass=lambda a: 0 * a, b=lambda b: 0 * np.ones(10)),
    reg_zero=moved(0.0),
    reg_nan=moved(np.nan),
    infeasible_nonzeros=moved(regularizer="l2", max_nonzeros=1, shape=(12, 5)),
    hidden_infeasible_nonzeros=moved(
        regularizer="l2", max_nonzeros=1, shape=(8, 8), mass=lambda a: a + 0.3 * np.arange(len(a)), answers=False
    ),
    block_raises=moved(call=broken_rows),
    block_nan=moved(call=nan_rows),
    guess_nan=moved(x0=lambda n: np.full(n, np.nan)),
    guess_wild=moved(x0=lambda n: 1e12 * np.cos(np.arange(n))),
)


# ---- entries of a matrix -------------------------------------------------------------------------------------------


def observed(rank=2, share=0.6, truth=2, size=1.0, spoil=lambda *e: e, shape=(14, 12), x0=None, **options):
    """Some entries of a product of two factors; ``spoil(rows, cols, values)`` breaks them."""

    def built(rng, dtype):
        M = size * rng.standard_normal((shape[0], truth)) @ rng.standard_normal((truth, shape[1]))
        rows, cols = np.nonzero(rng.random(shape) < share)
        rows, cols, values = spoil(rows, cols, M[rows, cols])

        def judged(result, rtol, atol):
            U, V = result.x
            found, spare = judge.factors(rows, cols, values, options.get("ridge", 0.0), U, V, np.finfo(float).eps)
            first = judge.WIDE(result.digest["scale"])
            top = judge.norm(values) * shape[0] * shape[1] / len(values) + options.get("ridge", 0.0)
            honest = first <= 100 * top ** judge.WIDE(1.5) + judge.WIDE(1e-300)
            return (found, judge.asked(rtol, atol, first) + spare) if honest else (first, judge.WIDE(0))

        more = {"held_out": 0.0} | options
        guess = None if x0 is None else np.full(sum(shape) * rank, x0)
        return Case(lambda: rv.Completion(rows, cols, values, shape, rank, **more), judged, (rows, cols, values), guess)

    return built


def change(where, at, value):
    """Entry ``at`` of rows, cols or values replaced."""

    def spoil(*entries):
        entries = [e.copy() for e in entries]
        entries[where][at] = value
        return tuple(entries)

    return spoil


def without(rows, cols, values):
    keep = (rows > 2) & (cols != 4)
    return rows[keep], cols[keep], values[keep]


def first(count):
    return lambda *entries: tuple(e[:count].copy() for e in entries)


def doubled(*entries):
    return tuple(np.concatenate([e, e[:1]]) for e in entries)


enter(
    "completion",
    benign=observed(),
    ridge=observed(ridge=0.1),
    rows_without_entries=observed(spoil=without),
    one_entry=observed(rank=1, spoil=first(1)),
    zeros=observed(size=0.0),
    rank_above_data=observed(rank=6, share=0.3),
    not_of_low_rank=observed(truth=12),
    full_rank_asked=observed(rank=12),
    huge=observed(size=1e100),
    tiny=observed(size=1e-100),
    negative_index=observed(spoil=change(0, 3, -1)),
    index_too_large=observed(spoil=change(1, 3, 12)),
    duplicates=observed(spoil=doubled),
    rank_too_large=observed(rank=13),
    rank_zero=observed(rank=0),
    nan=observed(spoil=change(2, 0, np.nan)),
    no_entries=observed(spoil=first(0)),
    lengths=observed(spoil=lambda r, c, v: (r, c, v[:-1])),
    weights_negative=observed(entry_weights=np.array([-1.0])),
    guess_nan=observed(x0=np.nan),
)
