"""What each family may end in, written before anything was run. Not in the table: no silent wrong answer anywhere.

``ends``: the names of statuses allowed (None: any; a positive one is judged as always). ``raises``: the exceptions allowed, and
they must come before any work. ``counted``: whether failures on good systems count as false alarms.
"""

from dataclasses import dataclass

POSITIVE = frozenset({"RESIDUAL"})
REFUSAL = (ValueError, TypeError)
FAILURES = frozenset(
    {"BUDGET", "BREAKDOWN", "NONFINITE", "STAGNATED", "DIVERGED", "CHANGE", "INDEFINITE", "SETUP", "ERROR", "NOISY"}
)


@dataclass(frozen=True)
class Allowed:
    """What may happen to a family."""

    ends: frozenset | None = None
    raises: tuple = ()
    counted: bool = True
    note: str = ""


def only(*names, raises=(), counted=False, note=""):
    """These statuses; where iterates may stagnate they may also stop changing."""
    ends = {*names, "CHANGE"} if "STAGNATED" in names or "INDEFINITE" in names else set(names)
    return Allowed(frozenset(ends), raises, counted, note)


ANY = Allowed()
UNCOUNTED = Allowed(counted=False)
NOT_FINITE = only("NONFINITE")
REFUSED = only(raises=REFUSAL, note="refused before any work")
NO_MATRIX = only("ERROR", "INDEFINITE", "NONFINITE", "BREAKDOWN", "DIVERGED", "BUDGET", "STAGNATED")
LYING = only("RESIDUAL", "INDEFINITE", "STAGNATED", "DIVERGED", "BUDGET", "BREAKDOWN", "NONFINITE", "SETUP")

# CG refuses what is not Hermitian and sweeps refuse operators: ``lacks`` in one sentence, a ValueError. The grid knows that and
# allows it for every family where the pair lacks something.
TABLE = {
    "benign": Allowed(POSITIVE | {"BUDGET", "DIVERGED", "NONFINITE", "SETUP", "CHANGE"}),
    "solution_overflows": Allowed(FAILURES, counted=False, note="x does not fit the dtype"),
    "solution_underflows": Allowed(FAILURES | POSITIVE, counted=False, note="x is zero in the dtype"),
    "solution_denormal": UNCOUNTED,
    "denormal_rhs": UNCOUNTED,
    "near_overflow": UNCOUNTED,
    "tolerance_zero": UNCOUNTED,
    "tolerance_of_rounding": UNCOUNTED,
    "budget_of_one": Allowed(counted=False),
    "one_by_one_zero": only("STAGNATED", "SETUP", "BREAKDOWN", "INDEFINITE"),
    "zero_matrix": only("STAGNATED", "SETUP", "BREAKDOWN", "INDEFINITE"),
    "nothing_stored": only("STAGNATED", "SETUP", "BREAKDOWN", "INDEFINITE"),
    "zero_rhs": only("RESIDUAL", "EXACT", "SETUP", counted=True),
    "singular_inconsistent": Allowed(FAILURES),
    "rank_one": UNCOUNTED,
    "matrix_with_nan": NOT_FINITE,
    "matrix_with_inf": NOT_FINITE,
    "rhs_with_nan": NOT_FINITE,
    "columns_one_nan": Allowed(FAILURES, counted=False, note="the worst of its columns"),
    "guess_of_nan": only("RESIDUAL", "NONFINITE"),
    "guess_with_one_nan": only("RESIDUAL", "NONFINITE"),
    "wrong_input": REFUSED,
    "wrong_guess": REFUSED,
    "wrong_nullspace": REFUSED,
    "wrong_near_nullspace": REFUSED,
    "says_symmetric": Allowed(LYING.ends, counted=False),
    "says_positive_definite": Allowed(LYING.ends, counted=False),
    "false_nullspace": UNCOUNTED,
    "nullspace_nearly": UNCOUNTED,
    "false_near_nullspace": UNCOUNTED,
    # operators
    "operator_overflows": UNCOUNTED,
    "operator_noisy": Allowed(
        FAILURES | POSITIVE, counted=False, note="positive only where the noise is below the tolerance"
    ),
    "operator_noisy_later": Allowed(FAILURES | POSITIVE, counted=False),
    "operator_never_the_same": Allowed(FAILURES, counted=False),
    "operator_affine": only(
        "ERROR", "BUDGET", "DIVERGED", "NONFINITE", note="not seen where iterates have grown beyond it, or overflowed"
    ),
    "operator_constant": only("ERROR"),
    "operator_nonlinear": only("ERROR", "NONFINITE", "INDEFINITE", note="seen as indefinite where x is still zero"),
    "operator_homogeneous_not_additive": NO_MATRIX,
    "operator_not_homogeneous_in_i": NO_MATRIX,
    "operator_wrong_shape": only("ERROR"),
    "operator_half_precision": only("ERROR", "RESIDUAL", "STAGNATED"),
    "operator_single_with_double_rhs": Allowed(counted=False),
    "operator_integers": only("ERROR"),
    "operator_complex_answer": only("ERROR"),
    "operator_drops_imaginary": only("ERROR", "STAGNATED", "INDEFINITE", "DIVERGED", "BUDGET", "NONFINITE"),
    "operator_nan": only("NONFINITE", "NOISY", "ERROR", "RESIDUAL"),
    "operator_nan_once": only("NONFINITE", "NOISY", "ERROR", "RESIDUAL"),
    "operator_raises": only("ERROR", "RESIDUAL"),
    "operator_raises_once": only("ERROR", "RESIDUAL"),
    "operator_changes": Allowed(counted=False, note="judged only if it did not change before the end"),
    "operator_not_symmetric": UNCOUNTED,
    "operator_indefinite": UNCOUNTED,
    "operator_zero": Allowed(FAILURES, counted=False),
    "operator_without_dtype": ANY,
}
_PRECONDITIONER = Allowed(counted=False)
TABLE.update(
    {
        "preconditioner_good": ANY,
        "preconditioner_returns_input": ANY,
        "preconditioner_same_buffer": ANY,
        "preconditioner_in_place": ANY,
        "preconditioner_nan": only("NONFINITE", "INDEFINITE", "SETUP", "ERROR"),
        "preconditioner_inf": only("NONFINITE", "INDEFINITE", "SETUP", "ERROR"),
        "preconditioner_zero": only("BREAKDOWN", "INDEFINITE", "SETUP", "ERROR", "STAGNATED"),
        "preconditioner_negative": only(
            "INDEFINITE", "SETUP", "ERROR", "RESIDUAL", note="its sign cancels in flexible CG"
        ),
        "preconditioner_raises": only("ERROR", "SETUP"),
        "preconditioner_bind_fails": only("ERROR", "SETUP"),
        "preconditioner_wrong_shape": only("ERROR", "SETUP"),
        "preconditioner_complex": only("ERROR", "SETUP", "RESIDUAL", "INDEFINITE", "STAGNATED"),
    }
)


def allowed(name, hermitian=True):
    """The row of a family; what is not named may end in anything that is true.

    A preconditioner that is not definite is an error for methods that need symmetry, and any matrix for the others.
    """
    if name.startswith("preconditioner_") and not hermitian:
        return _PRECONDITIONER
    if name in TABLE:
        return TABLE[name]
    return _PRECONDITIONER if name.startswith("preconditioner_") else ANY
