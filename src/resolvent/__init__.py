"""Iterative solvers that learn from one solve to the next, and certify every answer."""

from typing import Any

from . import auto as _auto  # noqa: F401 - lends the Session its "auto"
from .api import solve
from .core import ConvergenceWarning, NotConverged, Result, Session, StateFileError, Status
from .core.registry import HOOKS, register
from .learners import (
    Bandit,
    Carried,
    Guess,
    Lifetime,
    Path,
    Potentials,
    Recycle,
    Schedule,
    Warm,
)
from .methods import (
    CG,
    CGLS,
    CGS,
    COCG,
    FGMRES,
    FOSI,
    GCRODR,
    GCROTMK,
    GMRES,
    IDR,
    LGMRES,
    LSMR,
    LSQR,
    MINRES,
    OASIS,
    QMR,
    QR,
    RMINRES,
    SOR,
    SSOR,
    TFQMR,
    AlternatingMinimization,
    BiCG,
    BiCGStab,
    BlockCG,
    Chebyshev,
    DeflatedCG,
    Direct,
    FlexibleCG,
    GaussSeidel,
    GradientDescent,
    HeavyBall,
    Jacobi,
    KrylovGradient,
    LazyNewton,
    Newton,
    SaddleFreeNewton,
    Sinkhorn,
    SinkhornNewton,
    SinkhornNewtonSparse,
    SketchProject,
    SparseTransport,
)
from .methods.coordinate import (
    BlockDescent,
    CoordinateDescent,
    ForestDescent,
    ProximalCyclic,
    TwoMetric,
    VRProximalCyclic,
)
from .methods.fixedpoint import (
    AnchoredExtragradient,
    Anderson,
    Displacement,
    Extragradient,
    Halpern,
    KrasnoselskiiMann,
    Linearized,
    NewtonKrylov,
    Picard,
    RestartedHalpern,
    VRHalpern,
    VRHalpernMonotone,
)
from .methods.separation import NormalizedLogistic
from .operators import (
    AMG,
    IC,
    ILU0,
    ILUT,
    L1,
    AMGBound,
    BlockJacobi,
    BlockJacobiBound,
    Box,
    ChebyshevPolynomial,
    ChebyshevPolynomialBound,
    Curvature,
    Definite,
    DefiniteBound,
    DenseFactorBound,
    ElasticNet,
    FactorBound,
    GroupL1,
    ICBound,
    ILU0Bound,
    ILUTBound,
    LeastSquares,
    Logistic,
    NonNegative,
    Quadratic,
    SigmoidSquares,
    Space,
    SymmetricPolynomial,
    SymmetricPolynomialBound,
    TridiagonalCurvature,
)
from .problems import (
    Completion,
    Composite,
    FixedPoint,
    Inclusion,
    LinearLeastSquares,
    LinearSystem,
    Separation,
    Smooth,
    Transport,
    recalled,
)

__version__ = "0.1.0"
__all__ = [
    "AMG",
    "CG",
    "CGLS",
    "CGS",
    "COCG",
    "FGMRES",
    "FOSI",
    "GCRODR",
    "GCROTMK",
    "GMRES",
    "IC",
    "IDR",
    "ILU0",
    "ILUT",
    "L1",
    "LGMRES",
    "LSMR",
    "LSQR",
    "MINRES",
    "OASIS",
    "QMR",
    "QR",
    "RMINRES",
    "SOR",
    "SSOR",
    "TFQMR",
    "AlternatingMinimization",
    "AnchoredExtragradient",
    "Anderson",
    "Bandit",
    "BiCG",
    "BiCGStab",
    "BlockCG",
    "BlockDescent",
    "BlockJacobi",
    "Box",
    "Carried",
    "Chebyshev",
    "ChebyshevPolynomial",
    "Completion",
    "Composite",
    "ConvergenceWarning",
    "CoordinateDescent",
    "Definite",
    "DeflatedCG",
    "Direct",
    "Displacement",
    "ElasticNet",
    "Extragradient",
    "FixedPoint",
    "FlexibleCG",
    "ForestDescent",
    "GaussSeidel",
    "GradientDescent",
    "GroupL1",
    "Guess",
    "Halpern",
    "HeavyBall",
    "Inclusion",
    "Jacobi",
    "KrasnoselskiiMann",
    "KrylovGradient",
    "LazyNewton",
    "LeastSquares",
    "Lifetime",
    "LinearLeastSquares",
    "LinearSystem",
    "Linearized",
    "Logistic",
    "Newton",
    "NewtonKrylov",
    "NonNegative",
    "NormalizedLogistic",
    "NotConverged",
    "Path",
    "Picard",
    "Potentials",
    "ProximalCyclic",
    "Quadratic",
    "Recycle",
    "RestartedHalpern",
    "Result",
    "SaddleFreeNewton",
    "Schedule",
    "Separation",
    "Session",
    "SigmoidSquares",
    "Sinkhorn",
    "SinkhornNewton",
    "SinkhornNewtonSparse",
    "SketchProject",
    "Smooth",
    "SparseTransport",
    "StateFileError",
    "Status",
    "SymmetricPolynomial",
    "Transport",
    "TwoMetric",
    "VRHalpern",
    "VRHalpernMonotone",
    "VRProximalCyclic",
    "Warm",
    "load_sequence",
    "load_system",
    "solve",
]

register("recipe", (AMG, IC, ILU0, ILUT, BlockJacobi, ChebyshevPolynomial, Definite, SymmetricPolynomial))
register("bound", (AMGBound, BlockJacobiBound, ChebyshevPolynomialBound, DenseFactorBound, FactorBound, ICBound))
register("bound", (DefiniteBound, ILU0Bound, ILUTBound, SymmetricPolynomialBound, Space))
register("bound", (Curvature, TridiagonalCurvature, ILU0Bound, ILUTBound, SymmetricPolynomialBound))


def _report(session: Any, path: Any) -> None:
    from .report import write_session

    write_session(session, path)


def _page(folder: Any) -> None:
    from .report import write_run

    write_run(folder)


def _progress(problems: Any) -> Any:
    from .recorders import ProgressBar

    return ProgressBar(problems)


HOOKS.update(problem=LinearSystem, memory=recalled, report=_report, page=_page, progress=_progress)


def __getattr__(name: str) -> Any:
    if name in ("load_sequence", "load_system"):
        from . import gallery

        return getattr(gallery, name)
    raise AttributeError(f"module 'resolvent' has no attribute {name!r}")
