"""Preconditioners (frozen recipes, and what their set-up gives for one matrix); losses and penalties."""

from .amg import AMG, AMGBound
from .base import Bound, Stored
from .block import BlockJacobi, BlockJacobiBound
from .curvature import Curvature
from .definite import Definite, DefiniteBound
from .factor import DenseFactorBound, FactorBound
from .ic import IC, ICBound
from .ilu import ILU0, ILUT, ILU0Bound, ILUTBound
from .losses import LeastSquares, Logistic, Quadratic, SigmoidSquares
from .penalties import L1, Box, ElasticNet, GroupL1, NonNegative
from .polynomial import (
    ChebyshevPolynomial,
    ChebyshevPolynomialBound,
    SymmetricPolynomial,
    SymmetricPolynomialBound,
)
from .space import Space
from .tridiagonal import TridiagonalCurvature

__all__ = [
    "AMG",
    "IC",
    "ILU0",
    "ILUT",
    "L1",
    "AMGBound",
    "BlockJacobi",
    "BlockJacobiBound",
    "Bound",
    "Box",
    "ChebyshevPolynomial",
    "ChebyshevPolynomialBound",
    "Curvature",
    "Definite",
    "DefiniteBound",
    "DenseFactorBound",
    "ElasticNet",
    "FactorBound",
    "GroupL1",
    "ICBound",
    "ILU0Bound",
    "ILUTBound",
    "LeastSquares",
    "Logistic",
    "NonNegative",
    "Quadratic",
    "SigmoidSquares",
    "Space",
    "Stored",
    "SymmetricPolynomial",
    "SymmetricPolynomialBound",
    "TridiagonalCurvature",
]
