"""What is asked of `bounds.guarantee` and what it answers: Request and Guarantee."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bounds.methods.base import Method
from bounds.presented import Facts, Portable, Presented
from bounds.problem import Problem
from bounds.rounding import rounded

SIMULABLE_WIDTH = 10**7  # neurons: about what one machine simulates


@dataclass(frozen=True, repr=False)
class Guarantee(Presented, Portable):
    """With probability at least 1 - delta over the draw of a network of `width` neurons at this `scale`,
    L^t <= L^0 exp(-rate t) for all t >= 0. Valid for every larger width too (every larger even one for pairs).

    method, source: the method of proof, and the place of its proof; width: an exact int, rounded up; scale: c hat,
    rounded up; rate: 1/time, rounded down; beta: the share of the certified path that is used, rounded up;
    critical_scale: the scale above which the method holds for a residual as large as the one guaranteed, rounded up;
    path_length: a bound on the whole path, rounded up, infinite if the method gives none; embedding_dim: D for a random
    embedding, else None; budget: the width beyond which the guarantee is called vacuous; constants: what the proof
    computed and chose, by name; proved: False for the printed constants; caveats: what is wrong with them, and what is
    taken on trust (Problem.caveats).
    """

    method: str
    source: str
    proved: bool
    width: int
    scale: float
    rate: float
    delta: float
    init: str
    beta: float
    critical_scale: float
    path_length: float
    embedding_dim: int | None = None
    budget: int = SIMULABLE_WIDTH
    constants: dict[str, Any] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()

    def _facts(self) -> Facts:
        """Numbers rounded once more to the side on which they stay true."""
        dim = {} if self.embedding_dim is None else {"embedding_dim": rounded(self.embedding_dim, "up")}
        return {
            "method": self.method,
            "width": rounded(self.width, "up") + (" (vacuous)" if self.vacuous else ""),
            **dim,
            "scale": rounded(self.scale, "up"),
            "rate": rounded(self.rate, "down"),
            "delta": f"{self.delta:g}",
            "init": self.init,
            "proved": "yes" if self.proved else "no",
        }

    @property
    def vacuous(self) -> bool:
        """The width is beyond the budget, by default 10^7 neurons, what one machine simulates."""
        return self.width > self.budget

    @property
    def dominant(self) -> str:
        """Which requirement sets the width: "concentration" or "initial output"."""
        return str(self.constants["dominant"])


@dataclass(frozen=True)
class Request:
    """The checked arguments of `guarantee`; see its docstring for what they mean.

    scale: None for the default of the method; tau: a number in (0, 1) or "optimal".
    """

    problem: Problem
    delta: float
    method: str
    init: str
    scale: float | None
    beta: float
    tau: float | str

    @property
    def pairs(self) -> bool:
        """The network is drawn as antisymmetric pairs, so that f^0 = 0 exactly."""
        return self.init == "antisymmetric"

    def share_of_failure(self, method: Method) -> float:
        """The probability with which the profile may fail: half of delta, or all of it where f^0 = 0 for certain; the
        printed constants spend it twice (E14)."""
        return self.delta if self.pairs or not method.proved else self.delta / 2
