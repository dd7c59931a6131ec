"""What each case of the other families may end in, written before anything was run: ``"family/case"``, see ``families``.

A positive status is judged always, and so are the inputs afterwards; ``raises`` allows a refusal before any work (ValueError
or TypeError of one line). ``must`` names the methods that have to succeed.
"""

from dataclasses import dataclass

POSITIVE = frozenset({"RESIDUAL", "GAP", "EXACT"})
GIVES_UP = frozenset(
    {"BUDGET", "BREAKDOWN", "NONFINITE", "STAGNATED", "DIVERGED", "CHANGE", "INDEFINITE", "SETUP", "NOISY"}
)
FAILURES = GIVES_UP | {"ERROR"}


@dataclass(frozen=True)
class Allowed:
    """What may happen to a case."""

    ends: frozenset = frozenset()
    raises: bool = False
    must: tuple = ()


def only(*names, raises=False, must=()):
    """These statuses."""
    return Allowed(frozenset(names), raises, must)


SOLVED = {method: Allowed(POSITIVE | {"BUDGET"}, must=must) for method, must in {
    "fixedpoint": ("auto", "picard", "anderson", "newtonkrylov"),
    "inclusion": ("auto", "extragradient"),
    "smooth": ("auto", "newton", "lazynewton"),
    "composite": ("auto", "coordinate"),
    "transport": ("auto", "sinkhorn", "newton"),
    "completion": ("auto", "alternating"),
}.items()}  # fmt: skip
ANY = Allowed(POSITIVE | GIVES_UP)  # whatever is true
HONEST = Allowed(POSITIVE | FAILURES)  # the same, where what is called may also fail later on
NEVER = Allowed(GIVES_UP)  # there is nothing to find
NEVER_LATER = Allowed(FAILURES)
NOT_FINITE = only("NONFINITE")
REFUSED = only(raises=True)
ANY_OR_REFUSED = Allowed(POSITIVE | GIVES_UP, True)
BROKEN = only("ERROR")

TABLE = {
    # maps
    "fixedpoint/contraction": SOLVED["fixedpoint"],
    "fixedpoint/mutating": SOLVED["fixedpoint"],
    "fixedpoint/same_buffer": SOLVED["fixedpoint"],
    "fixedpoint/constant": SOLVED["fixedpoint"],
    "fixedpoint/identity": ANY,
    "fixedpoint/expanding": ANY,
    "fixedpoint/radius_above_one": ANY,
    "fixedpoint/cubic": ANY,
    "fixedpoint/exponential": ANY,
    "fixedpoint/translation": NEVER,
    "fixedpoint/certified_translation": Allowed(GIVES_UP | {"INFEASIBLE"}),
    "fixedpoint/false_certificate": Allowed(POSITIVE | {"BUDGET", "INFEASIBLE"}),
    "fixedpoint/rotation": ANY,
    "fixedpoint/half_turn": ANY,
    "fixedpoint/jump": NEVER,
    "fixedpoint/wrong_shape": BROKEN,
    "fixedpoint/wrong_shape_later": HONEST,
    "fixedpoint/wrong_dtype": BROKEN,
    "fixedpoint/integers": BROKEN,
    "fixedpoint/complex": BROKEN,
    "fixedpoint/none": BROKEN,
    "fixedpoint/raises": BROKEN,
    "fixedpoint/raises_later": HONEST,
    "fixedpoint/nan": NOT_FINITE,
    "fixedpoint/nan_later": HONEST,
    "fixedpoint/nan_outside": ANY,
    "fixedpoint/noisy": NEVER_LATER,
    "fixedpoint/noise_below": ANY,
    "fixedpoint/drifting": NEVER_LATER,
    "fixedpoint/jvp_lies": ANY,
    "fixedpoint/jvp_nan": HONEST,
    "fixedpoint/linearization_lies": ANY,
    "fixedpoint/linearization_nan": HONEST,
    "fixedpoint/huge": ANY,
    "fixedpoint/tiny": ANY,
    "fixedpoint/tinier": ANY,
    "fixedpoint/huger": ANY,
    "fixedpoint/guess_nan": NOT_FINITE,
    "fixedpoint/guess_shape": REFUSED,
    "fixedpoint/guess_integers": REFUSED,
    "fixedpoint/reference_nan": NOT_FINITE,
    "fixedpoint/empty": REFUSED,
    "fixedpoint/not_callable": REFUSED,
    "fixedpoint/tolerance_zero": ANY,
    # operators
    "inclusion/monotone": SOLVED["inclusion"],
    "inclusion/mutating": SOLVED["inclusion"],
    "inclusion/skew": ANY,
    "inclusion/box": ANY,
    "inclusion/not_monotone": ANY,
    "inclusion/indefinite": ANY,
    "inclusion/no_zero": NEVER,
    "inclusion/lipschitz_small": ANY,
    "inclusion/lipschitz_large": ANY,
    "inclusion/terms_lie": ANY,
    "inclusion/nan": NOT_FINITE,
    "inclusion/nan_later": HONEST,
    "inclusion/resolvent_nan": NOT_FINITE,
    "inclusion/resolvent_expands": ANY,
    "inclusion/raises_later": HONEST,
    "inclusion/wrong_shape": BROKEN,
    "inclusion/noisy": NEVER_LATER,
    "inclusion/huge": ANY,
    "inclusion/tiny": ANY,
    "inclusion/tinier": ANY,
    "inclusion/huger": ANY,
    "inclusion/lipschitz_negative": REFUSED,
    "inclusion/no_terms": REFUSED,
    "inclusion/guess_nan": NOT_FINITE,
    # functions; a gradient that belongs to another function is judged as it was given: it is the problem
    "smooth/quadratic": SOLVED["smooth"],
    "smooth/mutating": SOLVED["smooth"],
    "smooth/hessian_not_symmetric": HONEST,
    "smooth/hessian_negative": ANY,
    "smooth/hessian_zero": ANY,
    "smooth/hessian_nan": HONEST,
    "smooth/hessian_wrong_shape": HONEST,
    "smooth/hessian_integers": HONEST,
    "smooth/gradient_wrong_sign": ANY,
    "smooth/gradient_of_another": ANY,
    "smooth/gradient_nan": NOT_FINITE,
    "smooth/gradient_nan_later": HONEST,
    "smooth/gradient_raises_later": HONEST,
    "smooth/gradient_wrong_shape": BROKEN,
    "smooth/value_nan": HONEST,
    "smooth/value_array": BROKEN,
    "smooth/value_constant": ANY,
    "smooth/unbounded": NEVER,
    "smooth/saddle": ANY,
    "smooth/nonconvex": ANY,
    "smooth/exponential": ANY,
    "smooth/noisy": NEVER_LATER,
    "smooth/huge": ANY,
    "smooth/tiny": ANY,
    "smooth/tinier": ANY,
    "smooth/huger": ANY,
    "smooth/guess_nan": NOT_FINITE,
    "smooth/guess_shape": REFUSED,
    "smooth/stationary_reference": ANY,
    # losses and penalties
    "composite/lasso": SOLVED["composite"],
    "composite/logistic": SOLVED["composite"],
    "composite/groups": SOLVED["composite"],
    "composite/elastic": SOLVED["composite"],
    "composite/nonnegative": SOLVED["composite"],
    "composite/box": SOLVED["composite"],
    "composite/weight_zero": ANY,
    "composite/weight_zero_logistic_separable": ANY,
    "composite/weight_huge": SOLVED["composite"],
    "composite/weight_tiny": ANY,
    "composite/weight_negative": REFUSED,
    "composite/weight_nan": REFUSED,
    "composite/groups_overlap": REFUSED,
    "composite/groups_empty": REFUSED,
    "composite/groups_left_out": REFUSED,
    "composite/one_class": REFUSED,
    "composite/labels_zero_one": REFUSED,
    "composite/x_nan": REFUSED,
    "composite/y_nan": REFUSED,
    "composite/y_shape": REFUSED,
    "composite/duplicate_columns": ANY,
    "composite/zero_columns": ANY,
    "composite/zero_matrix": ANY,
    "composite/y_zero": ANY,
    "composite/x_huge": ANY_OR_REFUSED,
    "composite/x_tiny": ANY_OR_REFUSED,
    "composite/x_mixed": ANY_OR_REFUSED,
    "composite/y_huge": ANY_OR_REFUSED,
    "composite/y_huger": ANY_OR_REFUSED,
    "composite/y_tiny": ANY_OR_REFUSED,
    "composite/y_tinier": ANY_OR_REFUSED,
    "composite/y_tiny_nonnegative": ANY_OR_REFUSED,
    "composite/quadratic_tiny": ANY_OR_REFUSED,
    "composite/box_of_a_point": ANY,
    "composite/box_upside_down": REFUSED,
    "composite/guess_nan": Allowed(POSITIVE | {"NONFINITE"}),
    "composite/guess_shape": REFUSED,
    # masses and costs
    "transport/benign": SOLVED["transport"],
    "transport/l2": ANY,
    "transport/sparse": ANY,
    "transport/sparsest": ANY,
    "transport/zero_masses": SOLVED["transport"],
    "transport/one_point": ANY,
    "transport/tiny_masses": ANY,
    "transport/tiny_mass": ANY_OR_REFUSED,
    "transport/huge_mass": ANY_OR_REFUSED,
    "transport/reg_1e-6": ANY,
    "transport/reg_1e-3": ANY,
    "transport/reg_1e3": ANY,
    "transport/reg_1e-6_l2": ANY,
    "transport/reg_1e3_l2": ANY,
    "transport/reg_subnormal": ANY_OR_REFUSED,
    "transport/cost_huge": ANY_OR_REFUSED,
    "transport/cost_tiny": ANY,
    "transport/cost_zero": ANY,
    "transport/negative_mass": REFUSED,
    "transport/nan_mass": REFUSED,
    "transport/negative_cost": REFUSED,
    "transport/nan_cost": REFUSED,
    "transport/inf_cost": REFUSED,
    "transport/mismatch": REFUSED,
    "transport/no_mass": REFUSED,
    "transport/reg_zero": REFUSED,
    "transport/reg_nan": REFUSED,
    "transport/infeasible_nonzeros": REFUSED,
    "transport/hidden_infeasible_nonzeros": NEVER,
    "transport/block_raises": BROKEN,
    "transport/block_nan": only("ERROR", "NONFINITE"),
    "transport/guess_nan": NOT_FINITE,
    "transport/guess_wild": ANY,
    # entries of a matrix
    "completion/benign": SOLVED["completion"],
    "completion/ridge": ANY,
    "completion/rows_without_entries": ANY,
    "completion/one_entry": ANY,
    "completion/zeros": ANY,
    "completion/rank_above_data": ANY,
    "completion/not_of_low_rank": ANY,
    "completion/full_rank_asked": ANY,
    "completion/huge": ANY_OR_REFUSED,
    "completion/tiny": ANY_OR_REFUSED,
    "completion/negative_index": REFUSED,
    "completion/index_too_large": REFUSED,
    "completion/duplicates": REFUSED,
    "completion/rank_too_large": REFUSED,
    "completion/rank_zero": REFUSED,
    "completion/nan": REFUSED,
    "completion/no_entries": REFUSED,
    "completion/lengths": REFUSED,
    "completion/weights_negative": REFUSED,
    "completion/guess_nan": NOT_FINITE,
}
