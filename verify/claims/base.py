"""Claims as data: what is said, where, and how far a run is from violating it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
    at: the time of each entry, (T,), or (T,) for (T, n) arrays. open: why it decides nothing, where that is known.
    """

    quantity: str
    side: str
    theory: np.ndarray
    measured: np.ndarray
    error: np.ndarray
    at: np.ndarray
    method: str = ""
    vacuous: bool = False
    open: str = ""

    @property
    def margin(self) -> np.ndarray:
        """At least 0 where the claim holds."""
        with np.errstate(invalid="ignore", over="ignore"):
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
    def slack(self) -> float:
        """The worst margin as a part of the sizes compared: how much room is left, negative where the claim fails."""
        margin = float(self.margin[self.worst])
        size = max(abs(float(self.theory[self.worst])), abs(float(self.measured[self.worst])))
        return margin / size if size > 0 else margin

    @property
    def gap(self) -> float:
        """theory / measured at the worst point: 1 where the theory is tight."""
        theory, measured = float(self.theory[self.worst]), float(self.measured[self.worst])
        return theory / measured if measured else (1.0 if theory == measured else float("nan"))


KINDS = ("every run", "with probability 1 - delta", "constants")
WHOSE = ("paper, as printed", "paper, repaired", "paper", "ours", "paper, one reading", "remark on the paper")
UNSETTLED = ("paper, one reading", "remark on the paper")  # a counterexample to these refutes no certain statement


def needs_no_run(run: Run) -> list[Comparison]:
    """The compare of a claim about constants or draws: it is tested by its check."""
    raise NotApplicable("no statement about a run")


@dataclass(frozen=True)
class Claim:
    """A statement with its source and the comparisons that test it.

    kind: "every run", "with probability 1 - delta" or "constants" (of constants or draws, without a run).
    compare(run) tests it on a run and raises NotApplicable where the hypotheses fail; check() tests it on examples of
    its own, where it has any. whose: one of WHOSE. proved: whether a proof is known, None where nobody has said (a
    user's conjecture). delta: the share of draws on which a run may violate it; None: none may.
    statistical: how many comparisons of its check may err, each with the probability of draws.LEVEL.
    """

    id: str
    title: str
    latex: str
    source: str
    kind: str
    compare: Callable[[Run], list[Comparison]] = needs_no_run
    hypotheses: str = ""
    whose: str = ""
    proved: bool | None = None
    check: Callable[[], list[Comparison]] | None = None
    delta: float | None = None
    statistical: int = 0

    def comparisons(self, run: Run) -> list[Comparison]:
        """What the claim says of the run. NotApplicable where that is nothing: the run ended where it began."""
        with np.errstate(all="ignore"):  # what is not a number decides nothing, and is no reason to warn
            found = [comparison for comparison in self.compare(run) if comparison.margin.size]
        if not found:
            raise NotApplicable("the run ended where it began")
        return found

    def verdict(self, run: Run) -> Verdict:
        """The verdict on one run."""
        with np.errstate(all="ignore"):
            return combine(comparison.verdict for comparison in self.compare(run))

    def swept(self, found: Iterable[Verdict]) -> Verdict:
        """The verdict of a sweep. A clean one over a claim that nobody has proved decides nothing: UNDECIDED. Nor does
        a counterexample to what is only one reading of a text, or a remark."""
        verdict = combine(found)
        if verdict is Verdict.REFUTED and self.whose in UNSETTLED:
            return Verdict.UNDECIDED
        return Verdict.UNDECIDED if verdict is Verdict.HOLDS and self.proved is False else verdict


def require_scaling(run: Run) -> None:
    """NotApplicable unless the run has the paper's own scaling."""
    if run.scaling != "ours":
        raise NotApplicable("stated for the scaling of (2)")


def require_flow(run: Run) -> None:
    """NotApplicable unless the run is gradient flow in the paper's own scaling."""
    require_scaling(run)
    if run.integrator == "descent":
        raise NotApplicable("stated for gradient flow")


def require_smooth(run: Run) -> None:
    """NotApplicable where sigma' has a jump."""
    if not run.problem.activation.smooth:
        raise NotApplicable("needs sigma in C^(1,1)")


def require_positive_gram(run: Run) -> None:
    """NotApplicable unless lambda_min(G) > 0 is certified."""
    if not run.problem.spectrum.lmin[0] > 0:
        raise NotApplicable("lambda_min(G) > 0 is not certified")


def relative(size: np.ndarray, digits: float = 1e-11) -> np.ndarray:
    """The rounding of a quantity evaluated at one state: a few hundred ulps of its size."""
    return digits * np.abs(size)
