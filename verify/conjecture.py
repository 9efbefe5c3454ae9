"""A user's conjecture: a function of a run that returns its margin, at least 0 where the conjecture holds."""

from __future__ import annotations

import importlib.util
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np

from bounds import Guarantee, Problem
from bounds.checks import check_probability
from bounds.errors import ArgumentError, DataError, LinrateError, require
from verify.claims.base import Claim, Comparison, relative
from verify.run import Run

REGIMES = ("theorem-1",)
Margin = Callable[[Run], Any]
Law = float | Callable[[Problem], float]


class FaultyConjecture(LinrateError):
    """The conjecture itself raised, or returned something that is no margin; it is neither held nor refuted."""


@dataclass(frozen=True)
class Conjecture:
    """margin(run) -> (T,) numbers, >= 0 where it holds. delta: it may fail with this probability (None: never).

    given: "theorem-1" if it is claimed for networks drawn at the width and scale of Theorem 1 only. width, scale: a
    law of its own, a number or a function of the problem, in place of Theorem 1's.
    """

    name: str
    statement: str
    margin: Margin
    delta: float | None
    given: str | None
    where: str
    width: Law | None = None
    scale: Law | None = None

    def applied(self, g: Guarantee, problem: Problem) -> Guarantee:
        """The guarantee whose regime the trials use, with the conjecture's delta and its own laws, if it has any.

        Raises FaultyConjecture where a law gives no positive number.
        """
        width = g.width if self.width is None else math.ceil(self._law("width", self.width, problem))
        scale = g.scale if self.scale is None else self._law("scale", self.scale, problem)
        width += width % 2 if g.init == "antisymmetric" else 0
        return replace(g, delta=self.delta or g.delta, width=width, scale=scale)

    def _law(self, name: str, law: Law, problem: Problem) -> float:
        try:
            value = float(law(problem) if callable(law) else law)
        except Exception as error:
            raise FaultyConjecture(f"{self.where}: the {name} of {self.name} raised {error!r}") from error
        if not 0 < value < math.inf:
            raise FaultyConjecture(f"{self.where}: the {name} of {self.name} must be positive. Found {value!r}.")
        return value

    def as_claim(self) -> Claim:
        """The conjecture as a claim, its numerical error propagated from the run's."""
        return Claim(
            id=self.name,
            title=self.statement,
            latex="",
            source=self.where,
            kind="every run" if self.delta is None else "with probability 1 - delta",
            compare=self.compare,
        )

    def compare(self, run: Run) -> list[Comparison]:
        """margin >= 0 as a comparison. Raises FaultyConjecture."""
        margin = self.evaluate(run)
        error = relative(margin, 1e-12)
        # First-order propagation: each observable in turn is moved by its own numerical error.
        for name, size in run.trajectory.errors.items():
            moved = replace(run.trajectory, **{name: getattr(run.trajectory, name) + size})
            shifted = self.evaluate(Run(moved, run.guarantee), numbers_only=False)
            error = error + np.abs(shifted - margin)
        # An error that is not a number leaves the entry undecided.
        error = np.where(np.isnan(error), np.inf, error)
        return [Comparison("margin", "upper", margin, np.zeros_like(margin), error, run.time)]

    def evaluate(self, run: Run, *, numbers_only: bool = True) -> np.ndarray:
        """margin(run) as a (T,) array of numbers. Raises FaultyConjecture naming the conjecture's line."""
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(self.margin(run))
        except Exception as error:
            raise FaultyConjecture(f"{self.where}: {self.name} raised {type(error).__name__}: {error}") from error
        shape = (len(run.time),)
        if value.shape == ():
            value = np.broadcast_to(value, shape)
        if value.shape != shape:
            raise FaultyConjecture(f"{self.where}: {self.name} must return shape {shape}, one margin per save point."
                                   f" Found {value.shape}.")  # fmt: skip
        if value.dtype.kind not in "fiu":
            raise FaultyConjecture(f"{self.where}: {self.name} must return real numbers. Found dtype {value.dtype}.")
        if numbers_only and np.any(np.isnan(value)):
            first = int(np.argmax(np.isnan(value)))
            raise FaultyConjecture(f"{self.where}: {self.name} returned NaN at time {run.time[first]:.4g}.")
        return np.array(value, dtype=np.float64)


@overload
def conjecture(function: Margin, /) -> Conjecture: ...
@overload
def conjecture(
    *, delta: float | None = None, given: str | None = None, width: Law | None = None, scale: Law | None = None
) -> Callable[[Margin], Conjecture]: ...
def conjecture(
    function: Any = None,
    /,
    *,
    delta: float | None = None,
    given: str | None = None,
    width: Law | None = None,
    scale: Law | None = None,
) -> Any:
    """Make a conjecture of margin(run); its docstring is its statement.

    delta: the probability with which it may fail; leave it out for a claim about every run. given: "theorem-1" for
    runs at the width and scale of Theorem 1; width, scale: instead of these, a number or a function of the problem (a
    conjecture with delta only). Raises ArgumentError for delta outside (0, 1), an unknown regime, a law without delta.
    """
    if delta is not None:
        check_probability(delta)
    require(given is None or given in REGIMES, "given", f"one of {REGIMES}", given)
    lawless = width is None and scale is None
    require(lawless or delta is not None, "delta", "given with a width or a scale, which are tested in trials", delta)

    def wrap(margin: Margin) -> Conjecture:
        line = inspect.getsourcelines(margin)[1]
        where = f"{Path(inspect.getfile(margin)).name}:{line}"
        return Conjecture(
            margin.__name__, inspect.getdoc(margin) or margin.__name__, margin, delta, given, where, width, scale
        )

    return wrap if function is None else wrap(function)


def load_conjectures(path: str | Path) -> list[Conjecture]:
    """The conjectures of a Python file. Raises DataError where it cannot be run, ArgumentError where it has none."""
    file = Path(path)
    if not file.is_file():
        raise DataError(f"conjectures file {str(file)!r} does not exist.")
    spec = importlib.util.spec_from_file_location(f"linrate_conjectures_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise DataError(f"conjectures file {str(file)!r} must be a .py file.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except LinrateError:
        raise
    except Exception as error:
        raise DataError(f"conjectures file {str(file)!r} raised {type(error).__name__}: {error}") from error
    found = [value for value in vars(module).values() if isinstance(value, Conjecture)]
    if not found:
        raise ArgumentError(
            f"{str(file)!r} holds no function decorated with @conjecture (from verify import conjecture)."
        )
    return found
