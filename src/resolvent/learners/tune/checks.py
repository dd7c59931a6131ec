"""Reading learned state back: finite float64 arrays of the shape expected, and the state of a random generator."""

from typing import Any

import numpy as np

__all__ = ["dealt", "dealt_state", "taken"]


def taken(state: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """Copies of the named float64 arrays.

    Raises
    ------
    ValueError
        When one is missing, of another shape, or not finite.
    """
    out = {}
    for name, shape in shapes.items():
        array = state.get(name)
        if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != np.float64:
            raise ValueError(f"the learned state has no float64 array {name!r} of shape {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"the array {name!r} of the learned state has values that are not finite")
        out[name] = array.copy()
    return out


def dealt_state(rng: np.random.Generator) -> list[str]:
    """The state of a PCG64 generator as decimal strings: 128 bits do not fit into a JSON number."""
    state = rng.bit_generator.state
    numbers = (state["state"]["state"], state["state"]["inc"], state["has_uint32"], state["uinteger"])
    return [str(int(number)) for number in numbers]


def dealt(numbers: Any) -> np.random.Generator:
    """The inverse of ``dealt_state``.

    Raises
    ------
    ValueError
        When these are not four whole numbers of the right size.
    """
    limits = (1 << 128, 1 << 128, 2, 1 << 32)
    fine = (
        isinstance(numbers, list) and len(numbers) == 4 and all(isinstance(n, str) and n.isdecimal() for n in numbers)
    )
    if not fine or any(len(n) > 40 or int(n) >= limit for n, limit in zip(numbers, limits, strict=True)):
        raise ValueError("the learned state has no state of a random generator")
    state, inc, has, left = (int(n) for n in numbers)
    bits = np.random.PCG64(0)
    bits.state = {"bit_generator": "PCG64", "state": {"state": state, "inc": inc}, "has_uint32": has, "uinteger": left}
    return np.random.Generator(bits)
