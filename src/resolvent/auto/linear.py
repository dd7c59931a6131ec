"""Linear systems: the pairs of method and preconditioner that fit, each with its learners.

What is expected of a pair before anything is known (``usual_steps``) are rules of thumb from the gallery: a wrong one costs
a capped attempt, once.
"""

from importlib.util import find_spec

from ..learners.recycle import Lifetime, Recycle
from ..learners.select import Arm
from ..learners.tune.climb import Climb
from ..methods import CG, COCG, GCRODR, GMRES, IDR, MINRES, SSOR, BiCGStab, DeflatedCG, Direct, Jacobi
from ..operators import AMG, IC, ILU0, ILUT, Definite

__all__ = ["arms"]


def arms(kind: str) -> list[Arm]:
    """The pairs for ``how/shape/size/dtype``, the first one to begin with unless another is expected to cost less."""
    how, shape, size, dtype = kind.split("/")
    n = int(size)
    if how == "operator":
        return _operators(shape)
    direct = Arm("direct", Direct(), [Lifetime("factor", memory=1, same=True)], guessing=False, sure=True)
    if shape == "spd":
        return _definite(n, dtype, direct)
    if shape == "hermitian":
        return [direct, *_indefinite(n), *_any_shape(n, 60.0)]
    if shape == "symmetric":
        return [
            direct,
            Arm("cocg+ilu0", COCG(ILU0()), least_steps=n**0.5, usual_steps=80.0 * n**0.25),
            *_any_shape(n, 60.0),
        ]
    return [direct, *_any_shape(n, 5.0 if shape == "dominant" else 60.0)]


def _operators(shape: str) -> list[Arm]:
    """Nothing but products."""
    general = [Arm("gmres", GMRES(30), least_steps=8.0), Arm("bicgstab", BiCGStab(), least_steps=8.0)]
    recycled = Arm("gcrodr", GCRODR(30, 10), [Recycle()], carries=True, least_steps=4.0)
    if shape == "general":
        return [*general, recycled]
    minres = Arm("minres", MINRES())
    return [minres, *general] if shape == "hermitian" else [Arm("cg", CG()), minres, *general]


def _definite(n: int, dtype: str, direct: Arm) -> list[Arm]:
    """Symmetric positive definite, stored."""
    start = 1.5 if n < 3000 else 1.7
    found = [
        Arm("cg+ssor", CG(SSOR(start)), [Climb("preconditioner.omega", start=start)], least_steps=4.0),
        Arm("cg+jacobi", CG(Jacobi()), least_steps=8.0, relative=1.6),
        direct,
        Arm("cg+kept factor", CG(Direct()), [Lifetime("preconditioner", memory=2)], carries=True, exact=True),
        Arm("cg+ic", CG(IC()), [Lifetime("preconditioner", memory=1)], carries=True, least_steps=6.0, relative=0.9),
    ]
    if n >= 1000:
        # SSOR-CG takes some 5 n^1/4 steps where no eigenvalues stand out: only far above that may this cost less
        found.append(Arm("deflated cg", DeflatedCG(), least_steps=3.2 * n**0.25))
    if find_spec("pyamg") is not None and n >= 1000:
        for name in ("sa",) if dtype.startswith("complex") else ("rs", "sa"):  # PyAMG's Ruge-Stueben is for real ones
            lifetime = [Lifetime("preconditioner", memory=1)]
            found.append(Arm(f"cg+amg {name}", CG(AMG(name)), lifetime, carries=True, least_steps=5.0))
    return found


def _indefinite(n: int) -> list[Arm]:
    """Hermitian and not definite: MINRES alone, or with a preconditioner of the definite matrix beside A."""
    kept = [Lifetime("preconditioner", memory=1)]
    return [
        Arm("minres", MINRES(), least_steps=16.0, usual_steps=8.0 * n**0.5),
        Arm("minres+jacobi", MINRES(Definite(Jacobi())), least_steps=16.0),
        Arm("minres+ic", MINRES(Definite(IC())), kept, carries=True, least_steps=12.0, usual_steps=2.0 * n**0.5),
    ]


def _any_shape(n: int, factor: float) -> list[Arm]:
    """What needs no symmetry; ``factor`` times the fourth root of n are the iterations expected with ILU(0)."""
    usual = factor * n**0.25
    least = max(4.0, usual / (4 if factor < 10 else 20))
    kept, dropped = Lifetime("preconditioner", memory=2), Lifetime("preconditioner", memory=1)
    return [
        Arm("bicgstab+ilu0", BiCGStab(ILU0()), least_steps=least, usual_steps=usual),
        Arm("bicgstab+jacobi", BiCGStab(Jacobi()), least_steps=1.5 * usual),
        Arm("gmres+kept factor", GMRES(30, Direct()), [kept], carries=True, guessing=False, exact=True),
        Arm("gmres+ilut", GMRES(30, ILUT()), [dropped], carries=True, least_steps=2.0),
        Arm("gcrodr+ilu0", GCRODR(30, 10, ILU0()), [Recycle()], carries=True, least_steps=2.0 * least),
        Arm("idr+ilu0", IDR(4, ILU0()), least_steps=2.0 * least),
    ]
