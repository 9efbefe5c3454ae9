"""A user's conjecture: a function of a run that returns its margin, at least 0 where the conjecture holds."""

from __future__ import annotations

import hashlib
import inspect
import math
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np

from bounds import Guarantee, Problem, guarantee
from bounds.checks import LARGEST_SCALE, check_init, check_probability
from bounds.errors import ArgumentError, DataError, LinrateError, require, shown
from verify.afterwards import at_every_time, at_the_end
from verify.claims.base import Claim, Comparison, relative
from verify.run import Run

REGIMES = ("theorem-1",)  # values of `given`
ENDS = ("every time", "end")  # values of `at`
INIT = "antisymmetric"  # of trials, unless the conjecture names another: it requires the smallest width
ROUNDING = 1e-12  # relative error of evaluating a margin in float64
Margin = Callable[[Run], Any]
Law = float | Callable[[Problem], float]  # a number, or a function of the problem


class FaultyConjecture(LinrateError):
    """The conjecture itself raised, or returned something that is no margin, which decides nothing."""


@dataclass(frozen=True)
class Conjecture:
    """A statement of the user about runs, as `conjecture` makes it.

    margin: function of a run that returns (T,) numbers, at least 0 at the times at which the statement holds.
    delta: the probability with which it may fail; None if it must hold for every run.
    given: "theorem-1" if it is claimed only for networks drawn at the width and scale of Theorem 1.
    width, scale, t_max: laws of its own in place of Theorem 1's, a number or a function of the problem.
    init, loss_ratio: how its networks are drawn, and the relative loss at which its runs are stopped.
    at: "every time", or "end" for a claim about where the flow ends.
    where: file and line of the function, for messages.
    """

    name: str
    statement: str
    margin: Margin
    delta: float | None
    given: str | None
    where: str
    width: Law | None = None
    scale: Law | None = None
    init: str | None = None
    t_max: Law | None = None
    loss_ratio: float | None = None
    at: str = "every time"

    def regime(self, problem: Problem) -> Guarantee:
        """Width, scale and rate of its trials: the best guarantee for its delta and init, with its own laws applied.

        Raises AssumptionError if no method applies, FaultyConjecture if a law gives no positive number.
        """
        found = guarantee(problem, 0.05 if self.delta is None else self.delta, init=self.init or INIT)
        return self.applied(found, problem)

    def applied(self, g: Guarantee, problem: Problem) -> Guarantee:
        """The guarantee g at the conjecture's own width and scale, if it has any.

        Rates are proportional to scale^2, so that of g is converted to the conjecture's scale. Below the width or the
        scale of g it is not proved: `proved` is False, `caveats` says so, and no path length is bounded. Raises
        FaultyConjecture if a law gives no positive number.
        """
        width = g.width if self.width is None else math.ceil(self._law("width", self.width, problem))
        scale = g.scale if self.scale is None else self._law("scale", self.scale, problem)
        if not scale <= LARGEST_SCALE:
            raise FaultyConjecture(f"{self.where}: the scale of {self.name} must be at most {LARGEST_SCALE:g}."
                                   f" Found {scale!r}.")  # fmt: skip
        width += width % 2 if g.init == "antisymmetric" else 0
        if (width, scale) == (g.width, g.scale):
            return g
        own = replace(g, width=width, scale=scale, rate=g.rate * (scale / g.scale) ** 2)
        if width >= g.width and scale >= g.scale and g.init == "antisymmetric":
            return replace(own, rate=own.rate * (1 - 1e-12))  # for antisymmetric pairs the theorem covers larger ones
        caveat = f"the width and scale are those of {self.name}: at these no theorem promises the rate"
        return replace(own, proved=False, beta=math.inf, path_length=math.inf, caveats=(*g.caveats, caveat))

    def options(self, problem: Problem) -> dict[str, float]:
        """t_max and loss_ratio of its runs on the problem, as far as it has its own."""
        own: dict[str, float] = {}
        if self.t_max is not None:
            own["t_max"] = self._law("t_max", self.t_max, problem)
        if self.loss_ratio is not None:
            own["loss_ratio"] = float(self.loss_ratio)
        return own

    def _law(self, name: str, law: Law, problem: Problem) -> float:
        """The value of the law called `name` for a problem."""
        try:
            value = float(law(problem) if callable(law) else law)
        except Exception as error:
            raise FaultyConjecture(f"{self.where}: the {name} of {self.name} raised {error!r}") from error
        if not 0 < value < math.inf:
            raise FaultyConjecture(f"{self.where}: the {name} of {self.name} must be positive. Found {shown(value)}.")
        return value

    def as_claim(self) -> Claim:
        """The conjecture as a claim, whose numerical error is propagated from that of the run."""
        return Claim(
            id=self.name,
            title=self.statement,
            latex="",
            source=self.where,
            kind="every run" if self.delta is None else "with probability 1 - delta",
            compare=self.compare,
        )

    def compare(self, run: Run) -> list[Comparison]:
        """The comparison "margin >= 0", at every save point or at the end. Raises FaultyConjecture."""
        margin = self.evaluate(run)
        error = relative(margin, ROUNDING)
        # First-order propagation: each observable in turn is moved by its own numerical error.
        for name, size in run.errors.items():
            changed: dict[str, Any] = {name: getattr(run, name) + size}
            shifted = self.evaluate(replace(run, **changed), numbers_only=False)
            error = error + np.abs(shifted - margin)
        # An error that is not a number leaves the entry undecided.
        error = np.where(np.isnan(error), np.inf, error)
        zero = np.zeros_like(margin)
        if self.at == "end":
            last, why = at_the_end(run, self._imagined, margin[-1:], error[-1:])
            return [Comparison("margin at the end", "upper", margin[-1:], zero[-1:], last, run.time[-1:], open=why)]
        error, why = at_every_time(run, self._imagined, margin, error)
        return [Comparison("margin", "upper", margin, zero, error, run.time, open=why)]

    def _imagined(self, after: Run) -> np.ndarray | None:
        """The margins of an imagined run (afterwards.py); None if the function cannot be evaluated on it."""
        try:
            return self.evaluate(after, numbers_only=False)
        except FaultyConjecture:
            return None

    def evaluate(self, run: Run, *, numbers_only: bool = True) -> np.ndarray:
        """margin(run) as a (T,) array. numbers_only: refuse NaN. Raises FaultyConjecture with the conjecture's line."""
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
    *,
    delta: float | None = None,
    given: str | None = None,
    width: Law | None = None,
    scale: Law | None = None,
    init: str | None = None,
    t_max: Law | None = None,
    loss_ratio: float | None = None,
    at: str = "every time",
) -> Callable[[Margin], Conjecture]: ...
def conjecture(
    function: Any = None,
    /,
    *,
    delta: float | None = None,
    given: str | None = None,
    width: Law | None = None,
    scale: Law | None = None,
    init: str | None = None,
    t_max: Law | None = None,
    loss_ratio: float | None = None,
    at: str = "every time",
) -> Any:
    """Make a conjecture of margin(run); its docstring is its statement.

    delta: the probability with which it may fail; leave it out for a claim about every run. given: "theorem-1" for
    runs at the width and scale of Theorem 1; width, scale: instead of these, a number or a function of the problem (a
    conjecture with delta only). init: "independent" or "antisymmetric" networks; t_max, a number or a function of the
    problem, and loss_ratio in [0, 1): when runs on the data are stopped. at: "end" for a claim about where the flow
    ends: only the last margin counts, and a stopped run refutes it only if no continuation of the flow could make it
    hold. Raises ArgumentError for an argument out of its range, and for a law of width or scale without delta.
    """
    if delta is not None:
        check_probability(delta)
    require(given is None or given in REGIMES, "given", f"one of {REGIMES}", given)
    lawless = width is None and scale is None
    require(lawless or delta is not None, "delta", "given with a width or a scale, which are tested in trials", delta)
    for name, law in (("width", width), ("scale", scale), ("t_max", t_max)):
        require(law is None or callable(law) or _is_positive(law), name, "a positive number or a function", law)
    if init is not None:
        check_init(init)
    if loss_ratio is not None:
        require(_is_number(loss_ratio) and 0 <= loss_ratio < 1, "loss_ratio", "in [0, 1)", loss_ratio)
    require(at in ENDS, "at", f"one of {ENDS}", at)

    def wrap(margin: Margin) -> Conjecture:
        if not callable(margin):
            raise ArgumentError(f"@conjecture decorates a function of a run. Found {shown(margin)}.")
        name = str(getattr(margin, "__name__", type(margin).__name__))
        return Conjecture(
            name=name,
            statement=inspect.getdoc(margin) or name,
            margin=margin,
            delta=delta,
            given=given,
            where=_where(margin),
            width=width,
            scale=scale,
            init=init,
            t_max=t_max,
            loss_ratio=loss_ratio,
            at=at,
        )

    return wrap if function is None else wrap(function)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _is_positive(value: Any) -> bool:
    return _is_number(value) and 0 < value < math.inf


def _where(margin: Margin) -> str:
    """file:line of the function, from its code object, since its source need not be a file (python -c, a notebook)."""
    code = getattr(inspect.unwrap(margin), "__code__", None)
    return "unknown:0" if code is None else f"{Path(code.co_filename).name}:{code.co_firstlineno}"


def fingerprint(path: str | Path) -> str:
    """The SHA-256 of a file in hexadecimal digits. Raises DataError if the file cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"file {str(path)!r} cannot be read: {error.strerror}.") from None


def load_conjectures(path: str | Path) -> list[Conjecture]:
    """The conjectures of a Python file, which is run. Raises DataError if that fails, ArgumentError if it has none."""
    file = Path(path)
    if not file.is_file():
        raise DataError(f"conjectures file {str(file)!r} does not exist.")
    module = types.ModuleType(f"linrate_conjectures_{file.stem}")
    module.__file__ = str(file)
    try:
        # Compiled from the file itself, not loaded from bytecode beside it, which may be older.
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
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
