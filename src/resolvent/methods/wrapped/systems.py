"""SciPy's solvers for A x = b: BiCG, CGS, QMR, TFQMR, LGMRES, GCROTMK."""

from dataclasses import dataclass
from typing import Any, ClassVar

from .calling import Wrapped, operator

__all__ = ["CGS", "GCROTMK", "LGMRES", "QMR", "TFQMR", "BiCG"]


@dataclass(frozen=True)
class BiCG(Wrapped):
    """SciPy's ``bicg``: bi-conjugate gradients (Fletcher 1976); one product with A and one with its adjoint.

    Parameters
    ----------
    preconditioner : recipe or LinearOperator, optional
        One that can be applied transposed.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearSystem(np.array([[2.0, 1.0], [0.0, 3.0]]), np.ones(2)), "bicg").ok
    True
    """

    preconditioner: Any = None
    cycle: ClassVar[int] = 2
    adjoint: ClassVar[bool] = True


@dataclass(frozen=True)
class CGS(Wrapped):
    """SciPy's ``cgs``: conjugate gradients squared (Sonneveld 1989); two products an iteration, ragged.

    Parameters
    ----------
    preconditioner : recipe or LinearOperator, optional

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearSystem(np.array([[2.0, 1.0], [0.0, 3.0]]), np.ones(2)), "cgs").ok
    True
    """

    preconditioner: Any = None
    cycle: ClassVar[int] = 2


@dataclass(frozen=True)
class QMR(Wrapped):
    """SciPy's ``qmr``: quasi-minimal residuals (Freund and Nachtigal 1991); a product with A and one with its adjoint.

    Parameters
    ----------
    preconditioner : recipe or LinearOperator, optional
        On the left; one that can be applied transposed.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearSystem(np.array([[2.0, 1.0], [0.0, 3.0]]), np.ones(2)), "qmr").ok
    True
    """

    preconditioner: Any = None
    cycle: ClassVar[int] = 2
    adjoint: ClassVar[bool] = True

    def _given(self, problem: Any, M: Any) -> dict[str, Any]:
        return {"M1": M, "M2": operator(problem, _same, _same)}


def _same(v: Any) -> Any:
    return v


@dataclass(frozen=True)
class TFQMR(Wrapped):
    """SciPy's ``tfqmr``: transpose-free QMR (Freund 1993); a product an iteration.

    Parameters
    ----------
    preconditioner : recipe or LinearOperator, optional

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearSystem(np.array([[2.0, 1.0], [0.0, 3.0]]), np.ones(2)), "tfqmr").ok
    True
    """

    preconditioner: Any = None


@dataclass(frozen=True)
class LGMRES(Wrapped):
    """SciPy's ``lgmres``: GMRES augmented with error approximations (Baker, Jessup and Manteuffel 2005).

    Parameters
    ----------
    inner_m : int, default 30
        Inner iterations of a cycle; a step is a cycle.
    outer_k : int, default 3
        Vectors carried from cycle to cycle.
    preconditioner : recipe or LinearOperator, optional

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearSystem(np.array([[2.0, 1.0], [0.0, 3.0]]), np.ones(2)), "lgmres").ok
    True
    """

    inner_m: int = 30
    outer_k: int = 3
    preconditioner: Any = None
    cycle: ClassVar[int] = 30

    def _options(self) -> dict[str, Any]:
        return {"inner_m": self.inner_m, "outer_k": self.outer_k}


@dataclass(frozen=True)
class GCROTMK(Wrapped):
    """SciPy's ``gcrotmk``: GCROT(m, k) (Hicken and Zingg 2010), nothing carried between systems.

    Parameters
    ----------
    m : int, default 20
        Inner iterations of a cycle; a step is a cycle.
    k : int, default 20
        Vectors kept from cycle to cycle.
    preconditioner : recipe or LinearOperator, optional

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearSystem(np.array([[2.0, 1.0], [0.0, 3.0]]), np.ones(2)), "gcrotmk").ok
    True
    """

    m: int = 20
    k: int = 20
    preconditioner: Any = None
    cycle: ClassVar[int] = 20

    def _options(self) -> dict[str, Any]:
        return {"m": self.m, "k": self.k}
