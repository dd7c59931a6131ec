"""Methods: frozen records of parameters, one file each. A new method is entered here and in the battery."""

from ..core.registry import register
from .direct import Direct
from .krylov.bicgstab import BiCGStab
from .krylov.block_cg import BlockCG
from .krylov.cg import CG
from .krylov.cocg import COCG
from .krylov.deflated import DeflatedCG
from .krylov.flexible import FlexibleCG
from .krylov.gcrodr import GCRODR
from .krylov.gmres import FGMRES, GMRES
from .krylov.idr import IDR
from .krylov.krylov_gradient import KrylovGradient
from .krylov.minres import MINRES
from .krylov.rminres import RMINRES
from .least_squares.cgls import CGLS
from .least_squares.qr import QR
from .lowrank.alternating import AlternatingMinimization
from .newton import FOSI, OASIS, GradientDescent, HeavyBall, LazyNewton, Newton, SaddleFreeNewton
from .newton.damping import Armijo, Cubic, GradientNormalized, GradientRegularized, StepSized
from .stationary.chebyshev import Chebyshev
from .stationary.gauss_seidel import GaussSeidel
from .stationary.jacobi import Jacobi
from .stationary.sketch import SketchProject
from .stationary.sor import SOR
from .stationary.ssor import SSOR
from .transport.newton import SinkhornNewton
from .transport.sinkhorn import Sinkhorn
from .transport.sparse import SinkhornNewtonSparse
from .transport.sparse_plan import SparseTransport
from .wrapped import CGS, GCROTMK, LGMRES, LSMR, LSQR, QMR, TFQMR, BiCG

__all__ = [
    "CG",
    "CGLS",
    "CGS",
    "COCG",
    "FGMRES",
    "FOSI",
    "GCRODR",
    "GCROTMK",
    "GMRES",
    "IDR",
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
    "BiCG",
    "BiCGStab",
    "BlockCG",
    "Chebyshev",
    "DeflatedCG",
    "Direct",
    "FlexibleCG",
    "GaussSeidel",
    "GradientDescent",
    "HeavyBall",
    "Jacobi",
    "KrylovGradient",
    "LazyNewton",
    "Newton",
    "SaddleFreeNewton",
    "Sinkhorn",
    "SinkhornNewton",
    "SinkhornNewtonSparse",
    "SketchProject",
    "SparseTransport",
]

register(
    "method",
    (
        BlockCG,
        SketchProject,
        TFQMR,
        QMR,
        LSQR,
        LSMR,
        LGMRES,
        GCROTMK,
        CGS,
        AlternatingMinimization,
        BiCG,
        QR,
        CGLS,
        IDR,
        FlexibleCG,
        KrylovGradient,
        DeflatedCG,
        COCG,
        GMRES,
        GCRODR,
        FGMRES,
        CG,
        FOSI,
        MINRES,
        RMINRES,
        OASIS,
        SOR,
        SSOR,
        BiCGStab,
        Chebyshev,
        Direct,
        GaussSeidel,
        GradientDescent,
        HeavyBall,
        Jacobi,
        LazyNewton,
        Newton,
        SaddleFreeNewton,
        Sinkhorn,
        SinkhornNewton,
        SparseTransport,
        SinkhornNewtonSparse,
    ),
)
register("recipe", (Armijo, Cubic, GradientNormalized, GradientRegularized, StepSized))
