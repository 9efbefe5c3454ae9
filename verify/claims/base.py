"""Claims as data: a statement, its source, and the comparisons that say how far a run is from violating it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from bounds.presented import Facts, Presented
from bounds.rounding import rounded
from verify.run import Run
from verify.verdict import Verdict, combine, judge

SIDES = ("upper", "lower", "equal")  # values of Comparison.side
EQUAL_WITHIN = 1e-3  # an equality is tested to this part of its size


class NotApplicable(Exception):
    """The claim says nothing about this run, which does not meet its hypotheses."""


@dataclass(frozen=True, repr=False)
class Comparison(Presented):
    """A quantity that the theory bounds, next to its measured values over a run.

    theory, measured, error: arrays of one shape; error: numerical error of theory and measured together.
    side "upper": measured <= theory; "lower": measured >= theory; "equal": they agree within 0.1%.
    at: (T,), the time of each entry, or of each row of (T, n) arrays. method: of proof, in the words of the report.
    vacuous: whether the theory says nothing at this width or scale. open: why nothing is decided, "" if not known.
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

    def _facts(self) -> Facts:
        """Where the claim is nearest to failing."""
        if not self.margin.size:
            return {"quantity": self.quantity, "verdict": "UNDECIDED: nothing was compared"}
        relation = {"upper": "at most", "lower": "at least", "equal": "equal to"}[self.side]
        theory, measured = float(self.theory[self.worst]), float(self.measured[self.worst])
        return {
            "quantity": self.quantity,
            "verdict": self.verdict.name + (", vacuous" if self.vacuous else ""),
            "theory": f"{relation} {rounded(theory)}",
            "measured": rounded(measured),
            "gap": rounded(self.gap),
        }

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
        """The index at which (margin - error)/size is least: there the claim is nearest to failing. Where the theory
        is 0 throughout, as for a plain margin, every violation would be 100% of its size: then margin - error counts.
        """
        size = np.maximum(np.abs(self.theory), np.abs(self.measured))
        with np.errstate(all="ignore"):
            unit = size if np.any(self.theory) else 1.0
            slack = np.where(size > 0, (self.margin - self.error) / unit, np.inf)
        slack = np.where(np.isnan(slack), -np.inf, slack)
        return tuple(int(k) for k in np.unravel_index(int(np.argmin(slack)), slack.shape))

    @property
    def slack(self) -> float:
        """The margin at `worst` as a part of the sizes compared; negative if the claim fails there."""
        margin = float(self.margin[self.worst])
        size = max(abs(float(self.theory[self.worst])), abs(float(self.measured[self.worst])))
        return margin / size if size > 0 else margin

    @property
    def gap(self) -> float:
        """theory / measured at `worst`; 1 if the theory is tight."""
        theory, measured = float(self.theory[self.worst]), float(self.measured[self.worst])
        return theory / measured if measured else (1.0 if theory == measured else float("nan"))


KINDS = ("every run", "with probability 1 - delta", "constants")
WHOSE = ("paper, as printed", "paper, repaired", "paper", "ours", "paper, one reading", "remark on the paper")
UNSETTLED = ("paper, one reading", "remark on the paper")  # a counterexample to these refutes no certain statement


def needs_no_run(run: Run) -> list[Comparison]:
    """The `compare` of a claim about constants or draws, which is tested by its `check` instead."""
    raise NotApplicable("no statement about a run")


@dataclass(frozen=True)
class Claim:
    """A statement with its source and the comparisons that test it.

    kind: "every run", "with probability 1 - delta" or "constants" (of constants or draws, without a run).
    compare(run) tests it on a run, and raises NotApplicable if the run does not meet the hypotheses.
    check() tests it on examples of its own; None if it has none. whose: one of WHOSE.
    proved: whether a proof is known; None for a conjecture of a user, about which that is not known.
    delta: the share of draws on which a run may violate it; None if no run may.
    statistical: how many comparisons of its check may err, each with the probability draws.LEVEL.
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
        """The comparisons of the claim with the run. Raises NotApplicable if there are none (a run of one state)."""
        with np.errstate(all="ignore"):  # NaN makes the verdict UNDECIDED, so numpy's warnings say nothing new
            found = [comparison for comparison in self.compare(run) if comparison.margin.size]
        if not found:
            raise NotApplicable("the run ended where it began")
        return found

    def verdict(self, run: Run) -> Verdict:
        """The verdict on one run."""
        with np.errstate(all="ignore"):
            return combine(comparison.verdict for comparison in self.compare(run))

    def swept(self, found: Iterable[Verdict]) -> Verdict:
        """The verdict of a sweep, from the verdicts on its runs and examples.

        A sweep without a refutation is UNDECIDED if the claim is known to have no proof. A counterexample to one
        reading of a text, or to a remark, refutes no certain statement: UNDECIDED, too.
        """
        verdict = combine(found)
        if verdict is Verdict.REFUTED and self.whose in UNSETTLED:
            return Verdict.UNDECIDED
        return Verdict.UNDECIDED if verdict is Verdict.HOLDS and self.proved is False else verdict


def require_scaling(run: Run, *, last_layer: bool = False) -> None:
    """NotApplicable unless the run has the paper's own scaling and, but for statements that hold for a trained
    `last_layer` too, a fixed one."""
    if run.scaling != "ours":
        raise NotApplicable("stated for the scaling of (2)")
    if not last_layer:
        require_fixed_last_layer(run)


def require_fixed_last_layer(run: Run) -> None:
    """NotApplicable if the last layer is trained."""
    if run.problem.last_layer:
        raise NotApplicable("stated for a fixed last layer")


def require_flow(run: Run) -> None:
    """NotApplicable unless the run is gradient flow in the paper's own scaling."""
    require_scaling(run)
    if run.integrator == "descent":
        raise NotApplicable("stated for gradient flow")


def require_smooth(run: Run) -> None:
    """NotApplicable if sigma' has a jump."""
    if not run.problem.activation.smooth:
        raise NotApplicable("needs sigma in C^(1,1)")


def require_positive_gram(run: Run) -> None:
    """NotApplicable unless lambda_min(G) > 0 is certified."""
    if not run.problem.spectrum.lmin[0] > 0:
        raise NotApplicable("lambda_min(G) > 0 is not certified")


def relative(size: np.ndarray, digits: float = 1e-11) -> np.ndarray:
    """A bound of the rounding of a quantity evaluated at one state: by default some ten thousand ulps of its size."""
    return digits * np.abs(size)
