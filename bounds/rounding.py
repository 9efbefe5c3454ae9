"""Numbers as text with few digits, rounded to the side on which a guarantee stays true."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Literal

Side = Literal["up", "down", "nearest"]

DIGITS = 4  # that tables show
WHOLE = 10**7  # integers below are shown in full
ROUNDING = {"up": ROUND_CEILING, "down": ROUND_FLOOR, "nearest": ROUND_HALF_EVEN}


def rounded(value: Any, side: Side = "nearest", digits: int = DIGITS) -> str:
    """The number with so many digits, never below its value for side "up", never above for "down".

    Integers below 10^7 are shown in full, infinite values as "inf", and what is no number as "nan".

    >>> rounded(12.466610725924559, "up"), rounded(17.714982596889868, "down"), rounded(996, "up")
    ('12.47', '17.71', '996')
    """
    if isinstance(value, int) and abs(value) < WHOLE:
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    # A float or an integer of any size is a finite decimal fraction, so only this one line rounds.
    short = Context(prec=digits, rounding=ROUNDING[side], Emax=10**9, Emin=-(10**9)).create_decimal(Decimal(value))
    exponent = short.adjusted() if short else 0
    if -5 <= exponent < digits + 2:
        plain = f"{short:f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    mantissa = f"{short.scaleb(-exponent):f}"
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
