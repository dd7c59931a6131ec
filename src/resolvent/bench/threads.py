"""One thread for everybody: BLAS and OpenMP pools by threadpoolctl, Numba's by its own switch."""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[bool]:
    """Within it every library that can be told runs one thread.

    Yields
    ------
    bool
        False when threadpoolctl is not installed, so that BLAS was not told.

    Examples
    --------
    >>> with one_thread() as told:
    ...     isinstance(told, bool)
    True
    """
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield False
    else:
        with threadpool_limits(limits=1):
            yield True
    finally:
        numba.set_num_threads(before)
