"""A name that nobody has: which one was perhaps meant."""

from collections.abc import Iterable

__all__ = ["meant"]


def meant(name: str, known: Iterable[str]) -> str:
    """Words to put behind an unknown name: the nearest of the known ones, or nothing when none is near.

    Parameters
    ----------
    name : str
    known : iterable of str

    Returns
    -------
    str

    Examples
    --------
    >>> meant("darcy-pth", ["darcy-log", "darcy-path"]), meant("tea", ["darcy-path"])
    (" (did you mean 'darcy-path'?)", '')
    """
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
