"""Compute a share of a whole from the decimal number as written: 0.07 of 100 is 7, not 7.000000000000001."""

from __future__ import annotations

import math
from fractions import Fraction


def exact(share: float) -> Fraction:
    """Return the share as the decimal number that people wrote: 0.07 is 7/100, not the float nearest to it."""
    return Fraction(repr(float(share)))


def ceil_of(share: float, whole: int) -> int:
    """Return the least whole number that is no less than a share of `whole`."""
    return math.ceil(exact(share) * int(whole))


def round_of(share: float, whole: int) -> int:
    """Return the whole number nearest to a share of `whole`; of two, the even one."""
    return round(exact(share) * int(whole))
