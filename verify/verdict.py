"""Verdicts have three values: HOLDS, REFUTED, UNDECIDED. NaN never holds, and no evidence is UNDECIDED."""

from __future__ import annotations

import enum
from collections.abc import Iterable

import numpy as np

from bounds.checks import instance, real_array
from bounds.errors import ArgumentError, require, shown


class Verdict(enum.Enum):
    """HOLDS in every run that was tested, REFUTED by a run, or UNDECIDED by numerical error or too few trials."""

    HOLDS = "HOLDS"
    REFUTED = "REFUTED"
    UNDECIDED = "UNDECIDED"

    @property
    def exit_code(self) -> int:
        """0 holds, 1 refuted, 3 undecided (2 is bad input)."""
        return {Verdict.HOLDS: 0, Verdict.REFUTED: 1, Verdict.UNDECIDED: 3}[self]


def judge(margin: np.ndarray, error: np.ndarray) -> Verdict:
    """The verdict on "margin >= 0 everywhere", each entry being known within +-error.

    A violation by more than its error refutes. A NaN or an infinite error is UNDECIDED, and so are empty arrays. A
    margin of minus infinity is an overflow or a logarithm of 0, not a measurement: it does not refute.
    """
    margin, error = real_array("margin", margin), real_array("error", error)
    fits = error.shape in ((), margin.shape)
    require(fits, "error", f"one number, or of the shape {margin.shape} of margin", error.shape)
    if margin.size == 0:
        return Verdict.UNDECIDED
    with np.errstate(all="ignore"):  # infinite and NaN entries have their meaning here
        if np.any(np.isfinite(margin) & (margin + error < 0)):
            return Verdict.REFUTED
        return Verdict.HOLDS if np.all(margin - error >= 0) else Verdict.UNDECIDED


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """REFUTED if any is, else UNDECIDED if any is or there is none, else HOLDS."""
    try:
        found = list(verdicts)
    except TypeError:
        raise ArgumentError(f"verdicts must be a sequence of verdicts. Found {shown(verdicts)}.") from None
    for verdict in found:
        instance("verdicts", verdict, Verdict, "Use verify.Verdict.HOLDS and the like.")
    for verdict in (Verdict.REFUTED, Verdict.UNDECIDED):
        if verdict in found:
            return verdict
    return Verdict.HOLDS if found else Verdict.UNDECIDED
