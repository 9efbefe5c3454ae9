"""Claims as data: what is said, where, and how far a run is from violating it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from verify.run import Run
from verify.verdict import Verdict, combine, judge

SIDES = ("upper", "lower", "equal")
EQUAL_WITHIN = 1e-3  # an equality is tested to this part of its size


class NotApplicable(Exception):
    """The claim's hypotheses are not met by this run, so it says nothing about it."""


@dataclass(frozen=True)
class Comparison:
    """A quantity that the theory bounds, next to its measured values over a run.

    theory, measured, error: arrays of one shape; error: of theory and measured together.
    side "upper": measured <= theory; "lower": measured >= theory; "equal": they agree within 0.1%.
    at: the time of each entry, (T,), or (T,) for (T, n) arrays.
    """

    quantity: str
    side: str
    theory: np.ndarray
    measured: np.ndarray
    error: np.ndarray
    at: np.ndarray
    method: str = ""
    vacuous: bool = False

    @property
    def margin(self) -> np.ndarray:
        """At least 0 where the claim holds."""
        if self.side == "equal":
            size = np.maximum(np.abs(self.theory), np.abs(self.measured))
            margin: np.ndarray = EQUAL_WITHIN * size - np.abs(self.theory - self.measured)
            return margin
        return self.theory - self.measured if self.side == "upper" else self.measured - self.theory

    @property
    def verdict(self) -> Verdict:
        """HOLDS, REFUTED or UNDECIDED, the numerical error inside."""
        return judge(self.margin, self.error)

    @property
    def worst(self) -> tuple[int, ...]:
        """The index at which the claim is nearest to failing, relative to its size."""
        size = np.maximum(np.abs(self.theory), np.abs(self.measured))
        with np.errstate(all="ignore"):
            slack = np.where(size > 0, (self.margin - self.error) / size, np.inf)
        slack = np.where(np.isnan(slack), -np.inf, slack)
        return tuple(int(k) for k in np.unravel_index(int(np.argmin(slack)), slack.shape))

    @property
    def gap(self) -> float:
        """theory / measured at the worst point: 1 where the theory is tight."""
        theory, measured = float(self.theory[self.worst]), float(self.measured[self.worst])
        return theory / measured if measured else (1.0 if theory == measured else float("nan"))


@dataclass(frozen=True)
class Claim:
    """A statement with its source and the comparisons that test it on a run.

    kind: "every run" or "with probability 1 - delta". compare(run) raises NotApplicable where the hypotheses fail.
    """

    id: str
    title: str
    latex: str
    source: str
    kind: str
    compare: Callable[[Run], list[Comparison]]

    def verdict(self, run: Run) -> Verdict:
        """The verdict on one run."""
        return combine(comparison.verdict for comparison in self.compare(run))


def relative(size: np.ndarray, digits: float = 1e-11) -> np.ndarray:
    """The rounding of a quantity evaluated at one state: a few hundred ulps of its size."""
    return digits * np.abs(size)
