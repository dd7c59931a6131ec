"""Preconditioners: frozen recipes, and what their set-up gives for one matrix."""

from .amg import AMG, AMGBound
from .base import Bound, Stored
from .block import BlockJacobi, BlockJacobiBound
from .factor import DenseFactorBound, FactorBound
from .ic import IC, ICBound
from .ilu import ILU0, ILUT, ILU0Bound, ILUTBound
from .polynomial import (
    ChebyshevPolynomial,
    ChebyshevPolynomialBound,
    SymmetricPolynomial,
    SymmetricPolynomialBound,
)
from .space import Space

__all__ = [
    "AMG",
    "IC",
    "ILU0",
    "ILUT",
    "AMGBound",
    "BlockJacobi",
    "BlockJacobiBound",
    "Bound",
    "ChebyshevPolynomial",
    "ChebyshevPolynomialBound",
    "DenseFactorBound",
    "FactorBound",
    "ICBound",
    "ILU0Bound",
    "ILUTBound",
    "Space",
    "Stored",
    "SymmetricPolynomial",
    "SymmetricPolynomialBound",
]
