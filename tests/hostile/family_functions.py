"""Hostile functions: values, gradients and Hessians, what they say, and what is true of them."""

import sys

import numpy as np

import resolvent as rv

families = sys.modules["resolvent_hostile_families"]
judge, enter, Case = families.judge, families.enter, families.Case
maps = families.sibling("family_maps")
N, NANS, After, bad_guess, fail = maps.N, maps.NANS, maps.After, maps.bad_guess, maps.fail
linear_part, nan, vanishing = maps.linear_part, maps.nan, maps.vanishing


def quadratic(b=1.0, true=None, answers=True, reference=None, H=None, **lies):
    """x'Hx / 2 - b'x, with any of value, gradient, hessian, hvp replaced by what ``lies`` make of the true ones."""

    def make(rng, dtype):
        A = linear_part(rng, 1.0)
        Q = (A @ A.T + np.eye(N) if H is None else H).astype(dtype)
        Q = (Q + Q.T) / 2
        c = (b * rng.standard_normal(N)).astype(dtype)
        honest = {
            "value": lambda x: float(x @ (Q @ x) / 2 - c @ x),
            "gradient": lambda x: Q @ x - c,
            "hessian": lambda x: Q.copy(),
            "hvp": lambda x, v: Q @ v,
        }
        given = honest | {name: lie(honest[name]) for name, lie in lies.items()}
        wideQ, widec = judge.wide(Q), judge.wide(c)
        residual = (lambda x: wideQ @ x - widec) if true is None else (lambda x: true(x, wideQ, widec))
        judged = vanishing(residual, lambda x: N * judge.norm(Q) * judge.norm(x) + judge.norm(c))
        return Case(lambda: rv.Smooth(**given), judged if answers else None, (Q, c), np.zeros(N, dtype))

    return make


def formula(value, gradient, hessian, start=1.0, answers=True, size=lambda x: 9 * judge.norm(x) + 10, reference=False):
    """A function by its formulas, diagonal Hessian, which also work in extended precision."""

    def make(rng, dtype):
        x0 = (start * np.ones(N)).astype(dtype)
        options = {"reference": x0} if reference else {}
        judged = vanishing(gradient, size, reference=x0 if reference else None)
        build = lambda: rv.Smooth(lambda x: float(value(x)), gradient, hessian, **options)
        return Case(build, judged if answers else None, (), x0)

    return make


def _skewed(f):
    return lambda x: f(x) + 5 * np.triu(np.ones((N, N), x.dtype), 1)


def _later(bad):
    return lambda f: After(f, bad, 4)


def _noise(f):
    stream = np.random.default_rng(5)
    return lambda x: f(x) + (0.1 * stream.standard_normal(N)).astype(x.dtype)


def _wipe(f):
    def call(x, *v):
        y = f(x, *v)
        x[:] = np.nan
        return y

    return call


def smooth_sized(exponent):
    return lambda rng, dtype: quadratic(10.0 ** (exponent if dtype == np.float64 else exponent / 5))(rng, dtype)


enter(
    "smooth",
    quadratic=quadratic(),
    mutating=quadratic(value=_wipe, gradient=_wipe, hessian=_wipe, hvp=_wipe),
    hessian_not_symmetric=quadratic(hessian=_skewed),
    hessian_negative=quadratic(hessian=lambda f: lambda x: -f(x), hvp=lambda f: lambda x, v: -f(x, v)),
    hessian_zero=quadratic(hessian=lambda f: lambda x: 0 * f(x), hvp=lambda f: lambda x, v: 0 * v),
    hessian_nan=quadratic(hessian=lambda f: lambda x: f(x) * np.nan, hvp=lambda f: nan),
    hessian_wrong_shape=quadratic(hessian=lambda f: lambda x: f(x)[:2], hvp=lambda f: lambda x, v: v[:2]),
    hessian_integers=quadratic(hessian=lambda f: lambda x: np.eye(N, dtype=int)),
    gradient_wrong_sign=quadratic(gradient=lambda f: lambda x: -f(x)),
    gradient_of_another=quadratic(gradient=lambda f: lambda x: 2 * x - 1, true=lambda x, Q, c: 2 * x - 1),
    gradient_nan=quadratic(gradient=lambda f: nan),
    gradient_nan_later=quadratic(gradient=_later(nan)),
    gradient_raises_later=quadratic(gradient=_later(fail)),
    gradient_wrong_shape=quadratic(gradient=lambda f: lambda x: f(x)[:2]),
    value_nan=quadratic(value=lambda f: lambda x: np.nan),
    value_array=quadratic(value=lambda f: lambda x: x),
    value_constant=quadratic(value=lambda f: lambda x: 1.0),
    unbounded=formula(lambda x: -np.sum(x), lambda x: -np.ones_like(x), lambda x: np.zeros_like(x), answers=False),
    saddle=quadratic(H=np.diag([1.0, -1.0, 2.0, -2.0, 1.0, -1.0])),
    nonconvex=formula(
        lambda x: np.sum(x**4 / 4 - x**2 / 2 + x / 8), lambda x: x**3 - x + x.dtype.type(0.125), lambda x: 3 * x**2 - 1
    ),
    exponential=formula(
        lambda x: np.sum(np.exp(x) - 2 * x), lambda x: np.exp(x) - 2, np.exp, size=lambda x: 9 * judge.norm(np.exp(x))
    ),
    noisy=quadratic(gradient=_noise, answers=False),
    huge=smooth_sized(150),
    tiny=smooth_sized(-150),
    tinier=smooth_sized(-215),
    huger=smooth_sized(185),
    guess_nan=bad_guess(quadratic(), NANS),
    guess_shape=bad_guess(quadratic(), lambda dtype: np.zeros((2, 3), dtype)),
    stationary_reference=formula(lambda x: np.sum(x**2), lambda x: 2 * x, lambda x: 2 * np.ones_like(x)),
)
