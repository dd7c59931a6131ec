"""Rubbish in the place of what a session carries: guess vectors, factors, hierarchies, records of cost."""

import numpy as np

import resolvent as rv

KINDS = ("nan", "huge", "random", "zero", "foreign", "raises", "shape", "books", "inf", "stale")


class Spoiled:
    """Stands in for a carried set-up: says that it fits, and gives rubbish."""

    def __init__(self, bound, kind, rng, claim=None):
        self.bound, self.kind, self.rng = bound, kind, rng
        self.recipe = bound.recipe
        self.counts = bound.counts
        self.matrix_version = bound.matrix_version if claim is None else claim
        self.source = getattr(bound, "source", None)

    def fits(self, recipe):
        return True

    def apply(self, r):
        kind = self.kind
        if kind == "raises":
            raise ValueError("the factor is damaged")
        if kind == "shape":
            return np.ones(len(r) + 1, dtype=r.dtype)
        if kind in ("nan", "inf"):
            return np.full_like(r, np.nan if kind == "nan" else np.inf)
        if kind == "huge":
            return np.full_like(r, 1e30)
        if kind == "zero":
            return np.zeros_like(r)
        return self.rng.standard_normal(len(r)).astype(r.dtype)


def _vectors(kind, v, rng):
    if kind in ("nan", "inf"):
        return np.full_like(v, np.nan if kind == "nan" else np.inf)
    if kind == "huge":
        return np.full_like(v, 1e30)
    if kind == "zero":
        return np.zeros_like(v)
    if kind == "shape":
        return np.ones(len(v) + 1, dtype=v.dtype)
    return rng.standard_normal(v.shape).astype(v.dtype)


def _learners(session):
    for learner in session.learners:
        yield learner
        for arm in getattr(learner, "arms", []):
            yield from arm.learners
        if getattr(learner, "guess", None) is not None:
            yield learner.guess


def spoil(session, kind, rng, base, dtype):
    """Replace what the session carries."""
    other = np.diag(rng.uniform(1, 100, len(base))).astype(dtype) + (base * 0.01).astype(dtype)
    for learner in _learners(session):
        if getattr(learner, "_space", None) is not None and kind not in ("books", "stale", "shape"):
            learner._space = _space(learner._space, kind, rng)
        elif hasattr(learner, "_ax") and kind not in ("books", "stale"):
            learner._x = [_vectors(kind, v, rng) for v in learner._x]
            learner._ax = [_vectors(kind, v, rng) for v in learner._ax]
        for cycle in getattr(learner, "_cycles", []):
            cycle.bound = _rubbish(cycle.bound, kind, rng, other)
            if kind == "books":
                costs = [float(v) for v in rng.choice([np.nan, np.inf, -1.0, 0.0], 4)]
                cycle.setup, cycle.spent, cycle.last, cycle.fresh = costs
        if kind == "books":
            _books(learner, rng)
    if kind == "stale":
        session.memory["version"] = max(0, session.memory.get("version", 1) - 1)


def _space(space, kind, rng):
    """A recycled space whose vectors, and what it says are their images, have nothing to do with the matrix."""
    if space.U is None:
        return space
    C = None if space.C is None else _vectors(kind, space.C.T, rng).T
    if C is not None and kind in ("random", "foreign", "raises"):
        C = np.linalg.qr(rng.standard_normal(C.T.shape))[0].T.astype(C.dtype)
    return type(space)(_vectors(kind, space.U.T, rng).T, space.matrix_version, space.epoch, C)


def _rubbish(bound, kind, rng, other):
    if kind == "foreign":
        made = bound.recipe.bind(_problem(other), {})
        made.matrix_version = bound.matrix_version
        return made
    if kind == "stale":
        return Spoiled(bound, "random", rng, bound.matrix_version + 1)
    return bound if kind == "books" else Spoiled(bound, kind, rng)


def _problem(M):
    problem = rv.LinearSystem(M, np.ones(len(M), dtype=M.dtype))
    problem.compare({})
    return problem


def _books(learner, rng):
    for arm in getattr(learner, "arms", []):
        arm.cost, arm.steps = (float(v) for v in rng.choice([np.nan, np.inf, -1.0, 0.0], 2))
    for name in ("_slope", "_far", "_refresh_pays", "level"):
        if hasattr(learner, name):
            setattr(learner, name, float(rng.choice([np.nan, np.inf, 0.0])))
    for book in getattr(learner, "_books", {}).values():
        one, two = (float(v) for v in rng.choice([np.nan, np.inf, -1.0, 0.0], 2))
        if hasattr(book, "without"):
            book.without, book.carried = one, two
        else:
            book.cold.value, book.warm.value = one, two
