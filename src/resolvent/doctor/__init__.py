"""What a matrix is like, which method suits it, and what was tried: the second look before a thousand solves.

    structure -> spectrum (Lanczos or Arnoldi, a factor where one is cheap) -> short real solves, counted

Every statement says how it is known: `found` by looking at all entries, `estimated` from Krylov steps, `measured` by a
solve that was made. Takes some five seconds for 1e5 unknowns; every part has a limit.
"""

from .diagnosis import Diagnosis, examine

__all__ = ["Diagnosis", "examine"]
