"""Hostile maps and operators: what is called, what it says, and what is true of it."""

import sys

import numpy as np

import resolvent as rv

families = sys.modules["resolvent_hostile_families"]
judge, case, enter, Case = families.judge, families.case, families.enter, families.Case
N = 6


def vanishing(residual, size, noise=0.0, reference=None):
    """The judge of a residual that is to vanish."""

    def judged(result, rtol, atol):
        x = np.asarray(result.x)
        ref = np.zeros(x.shape) if reference is None else reference
        return judge.vanishing(residual, size, x, ref, rtol, atol, x.dtype, noise)

    return judged


class After:
    """A callable that does something else from its k-th call on."""

    def __init__(self, good, bad, k):
        self.good, self.bad, self.k, self.calls = good, bad, k, 0

    def __call__(self, *args):
        self.calls += 1
        return (self.good if self.calls <= self.k else self.bad)(*args)


def fail(*args):
    raise RuntimeError("the device is gone")


def nan(x, *args):
    return np.full_like(x, np.nan)


def linear_part(rng, radius, symmetric=False):
    """A matrix with that spectral radius (2-norm where symmetric)."""
    A = rng.standard_normal((N, N))
    A = A + A.T if symmetric else A
    return radius * A / np.abs(np.linalg.eigvals(A)).max()


def affine(rng, dtype, A, b=None, **options):
    """x -> A x + b."""
    A = np.asarray(A).astype(dtype)
    b = (rng.standard_normal(N) if b is None else b).astype(dtype)
    wideA, wideb = judge.wide(A), judge.wide(b)
    norms = judge.norm(A)
    return (
        lambda x: A @ x + b,
        vanishing(lambda x: x - wideA @ x - wideb, lambda x: (1 + N * norms) * judge.norm(x) + judge.norm(b)),
        (A, b),
    )


def mapped(make):
    """A case from (rng, dtype) -> (map, judge, inputs[, options[, x0]])."""

    def built(rng, dtype):
        map_, judged, inputs, *rest = make(rng, dtype)
        options = rest[0] if rest else {}
        x0 = rest[1] if len(rest) > 1 else np.zeros(N, dtype)
        return Case(lambda: rv.FixedPoint(map_, **options), judged, inputs, x0)

    return built


def spoilt(bad, after=None):
    """The contraction, replaced by ``bad(good)`` from some call on (from the first by default)."""

    def make(rng, dtype):
        good, judged, inputs = affine(rng, dtype, linear_part(rng, 0.5, True))
        wrong = bad(good)
        return (wrong if after is None else After(good, wrong, after)), judged, inputs

    return mapped(make)


def simple(f, true=None, size=lambda x: 4 * judge.norm(x) + 10, answers=True, **options):
    """A map given by one formula that also works in extended precision."""
    true = f if true is None else true
    return mapped(lambda rng, dtype: (f, vanishing(lambda x: x - true(x), size) if answers else None, (), options))


def radius(value, symmetric=False, **options):
    return mapped(lambda rng, dtype: (*affine(rng, dtype, linear_part(rng, value, symmetric)), options))


def _write(good):
    def call(x):
        y = good(x)
        x[:] = y
        return x

    return call


def _buffer(good):
    kept = []

    def call(x):
        y = good(x)
        kept.append(y) if not kept else None
        kept[0][:] = y
        return kept[0]

    return call


def _lying(**lies):
    """The contraction with what it offers beside the map replaced."""

    def make(rng, dtype):
        A = linear_part(rng, 0.5, True)
        good, judged, inputs = affine(rng, dtype, A)
        eye = np.eye(N, dtype=dtype)
        offers = {name: lie(inputs, eye) for name, lie in lies.items()}
        return good, judged, inputs, offers

    return mapped(make)


def noisy(size):
    def make(rng, dtype):
        good, _, inputs = affine(rng, dtype, linear_part(rng, 0.5, True))
        A, b = (judge.wide(v) for v in inputs)
        stream = np.random.default_rng(3)
        judged = vanishing(lambda x: x - A @ x - b, lambda x: 9 * judge.norm(x) + judge.norm(b), 3 * N * size)
        return (lambda x: good(x) + (size * stream.standard_normal(N)).astype(dtype)), judged, inputs

    return make


@case("fixedpoint")
def drifting(rng, dtype):
    good, _, inputs = affine(rng, dtype, linear_part(rng, 0.5, True))
    count = [0]

    def call(x):
        count[0] += 1
        return good(x) + dtype.type(0.5 * count[0])

    return Case(lambda: rv.FixedPoint(call), None, inputs, np.zeros(N, dtype))


def scaled(exponent):
    """The contraction with b of that size; less in single precision."""

    def make(rng, dtype):
        b = rng.standard_normal(N) * 10.0 ** (exponent if dtype == np.float64 else exponent / 5)
        return affine(rng, dtype, linear_part(rng, 0.5, True), b)

    return mapped(make)


def turn(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.kron(np.eye(N // 2), np.array([[c, -s], [s, c]]))


def given_x0(x0, **options):
    def make(rng, dtype):
        good, judged, inputs = affine(rng, dtype, linear_part(rng, 0.5, True))
        return good, judged, inputs, {k: v(dtype) for k, v in options.items()}, x0(dtype)

    return mapped(make)


def tolerance_zero(rng, dtype):
    made = radius(0.5, True)(rng, dtype)
    made.rtol = 0.0
    return made


one = lambda x: x + x.dtype.type(1)
enter(
    "fixedpoint",
    contraction=radius(0.5, True),
    mutating=spoilt(_write),
    same_buffer=spoilt(_buffer),
    constant=simple(lambda x: np.ones_like(x)),
    identity=simple(lambda x: x),
    expanding=simple(lambda x: 3 * x + 1),
    radius_above_one=radius(1.2),
    cubic=simple(lambda x: x**3 + 2, size=lambda x: 9 * judge.norm(x**3) + 10),
    exponential=simple(lambda x: np.exp(x) - 2, size=lambda x: 9 * judge.norm(x * np.exp(x)) + 10),
    translation=simple(one, answers=False),
    certified_translation=simple(one, answers=False, certificate=lambda v: bool(np.abs(v).min() > 0.5)),
    false_certificate=radius(0.5, True, certificate=lambda v: True),
    rotation=mapped(lambda rng, dtype: affine(rng, dtype, turn(np.pi / 2))),
    half_turn=mapped(lambda rng, dtype: affine(rng, dtype, -np.eye(N))),
    jump=simple(lambda x: np.where(x >= 0, -1, 1).astype(x.dtype), answers=False),
    wrong_shape=spoilt(lambda good: lambda x: good(x)[:3]),
    wrong_shape_later=spoilt(lambda good: lambda x: good(x)[:3], 5),
    wrong_dtype=spoilt(lambda good: lambda x: good(x).astype("f4" if x.dtype == "f8" else "f8")),
    integers=spoilt(lambda good: lambda x: np.zeros(N, int)),
    complex=spoilt(lambda good: lambda x: good(x) + 0j),
    none=spoilt(lambda good: lambda x: None),
    raises=spoilt(lambda good: fail),
    raises_later=spoilt(lambda good: fail, 5),
    nan=spoilt(lambda good: nan),
    nan_later=spoilt(lambda good: nan, 5),
    nan_outside=simple(lambda x: np.sqrt(1 - x) - 1 / x.dtype.type(3), size=lambda x: judge.norm(x / (1 - x)) + 10),
    noisy=mapped(lambda rng, dtype: (noisy(1e-2)(rng, dtype)[0], None, ())),
    noise_below=mapped(noisy(1e-12)),
    jvp_lies=_lying(jvp=lambda inputs, eye: lambda x, v: -3 * v),
    jvp_nan=_lying(jvp=lambda inputs, eye: nan),
    linearization_lies=_lying(linearization=lambda inputs, eye: lambda x: (2 * eye, np.ones_like(x))),
    linearization_nan=_lying(linearization=lambda inputs, eye: lambda x: (eye * np.nan, x)),
    huge=scaled(150),
    tiny=scaled(-150),
    tinier=scaled(-215),
    huger=scaled(185),
    guess_nan=given_x0(lambda dtype: np.full(N, np.nan, dtype)),
    guess_shape=given_x0(lambda dtype: np.zeros(N + 1, dtype), reference=lambda dtype: np.zeros(N, dtype)),
    guess_integers=given_x0(lambda dtype: np.zeros(N, int)),
    reference_nan=given_x0(lambda dtype: np.zeros(N, dtype), reference=lambda dtype: np.full(N, np.nan, dtype)),
    empty=given_x0(lambda dtype: np.zeros(0, dtype)),
    not_callable=lambda rng, dtype: Case(lambda: rv.FixedPoint(np.eye(N)), x0=np.zeros(N, dtype)),
    tolerance_zero=tolerance_zero,
)


# ---- operators -----------------------------------------------------------------------------------------------------


def operator(M, wrap=lambda F: F, b=1.0, answers=True, true_box=None, **options):
    """F(x) = M x - b; with terms it is the mean of two that differ by a skew matrix."""

    def make(rng, dtype):
        A = (M(rng) if callable(M) else M).astype(dtype)
        c = (b * rng.standard_normal(N)).astype(dtype)
        other = (turn(np.pi / 2) * 0.3).astype(dtype)

        def F(x, idx=None):
            if idx is None:
                return A @ x - c
            sign = np.mean(1.0 - 2.0 * (np.asarray(idx) % 2))
            return (A @ x - c + dtype.type(sign) * (other @ x)).astype(dtype)

        wideA, widec = judge.wide(A), judge.wide(c)
        natural = lambda x: wideA @ x - widec
        if true_box is not None:
            natural = lambda x: x - true_box(x - (wideA @ x - widec))
        judged = vanishing(natural, lambda x: (1 + N * judge.norm(A)) * judge.norm(x) + judge.norm(c))
        told = {"lipschitz": 2.0 * float(np.linalg.norm(A, 2)) + 1, "n_terms": 2} | options
        G = wrap(F)
        return Case(lambda: rv.Inclusion(G, **told), judged if answers else None, (A, c), np.zeros(N, dtype))

    return make


def monotone(rng):
    A = linear_part(rng, 1.0)
    return A @ A.T / N + np.eye(N) + 0.5 * (A - A.T)


def lies(F):
    return lambda x, idx=None: F(x) if idx is None else -2 * F(x)


def noise(F):
    stream = np.random.default_rng(4)
    return lambda x, *idx: F(x, *idx) + (0.1 * stream.standard_normal(N)).astype(x.dtype)


def overwriting(F):
    def call(x, *idx):
        y = F(x, *idx)
        x[:] = np.nan
        return y

    return call


def bad_guess(make, x0):
    def built(rng, dtype):
        made = make(rng, dtype)
        made.x0 = x0(dtype)
        return made

    return built


def sized(exponent):
    return lambda rng, dtype: operator(monotone, b=10.0 ** (exponent if dtype == np.float64 else exponent / 5))(
        rng, dtype
    )


clip = lambda v, *eta: np.clip(v, -0.1, 0.1)
NANS = lambda dtype: np.full(N, np.nan, dtype)
enter(
    "inclusion",
    monotone=operator(monotone),
    mutating=operator(monotone, overwriting),
    skew=operator(turn(np.pi / 2)),
    box=operator(monotone, true_box=lambda v: np.clip(v, -1, 1), resolvent=lambda v, eta: np.clip(v, -1, 1)),
    not_monotone=operator(-np.eye(N)),
    indefinite=operator(np.diag([1.0, -1.0, 2.0, -2.0, 1.0, -1.0])),
    no_zero=operator(np.zeros((N, N)), answers=False),
    lipschitz_small=operator(monotone, lipschitz=1e-6),
    lipschitz_large=operator(monotone, lipschitz=1e6),
    terms_lie=operator(monotone, lies),
    nan=operator(monotone, lambda F: nan),
    nan_later=operator(monotone, lambda F: After(F, nan, 6)),
    resolvent_nan=operator(monotone, resolvent=nan),
    resolvent_expands=operator(monotone, true_box=lambda v: 3 * v, resolvent=lambda v, eta: 3 * v),
    raises_later=operator(monotone, lambda F: After(F, fail, 6)),
    wrong_shape=operator(monotone, lambda F: lambda x, *idx: F(x)[:2]),
    noisy=operator(monotone, noise, answers=False),
    huge=sized(150),
    tiny=sized(-150),
    tinier=sized(-215),
    huger=sized(185),
    lipschitz_negative=operator(monotone, lipschitz=-1.0),
    no_terms=operator(monotone, n_terms=0),
    guess_nan=bad_guess(operator(monotone), NANS),
)
