"""Least squares: QR for what is small, else CGLS with the columns' norms, then SciPy's two; priced by the table."""

from ..learners.select import Arm
from ..methods import CGLS, LSMR, LSQR, QR, Jacobi

__all__ = ["arms"]

_SMALL = 250_000  # entries below which a dense factorization takes milliseconds
_DENSE = 4_000_000


def arms(kind: str) -> list[Arm]:
    """The methods for ``least_squares/how/m/n/dtype``, the first one to begin with."""
    _, how, m, n, _ = kind.split("/")
    entries = int(m) * int(n)
    plain = Arm("cgls", CGLS(), least_steps=4.0)
    if how == "foreign":
        return [plain]
    scipys = [Arm("lsmr", LSMR(), least_steps=4.0), Arm("lsqr", LSQR(), least_steps=4.0)]
    if how == "operator":
        return [plain, *scipys]
    found = [Arm("cgls+jacobi", CGLS(Jacobi()), least_steps=4.0), plain, *scipys]
    direct = [Arm("qr", QR(), guessing=False, sure=True)] if entries <= _DENSE else []
    return direct + found if entries <= _SMALL else found + direct
