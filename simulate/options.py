"""The options of gradient_flow and gradient_descent: their types, and their checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from bounds.activation.base import Interval
from bounds.checks import (
    as_float_array,
    boolean,
    check_init,
    check_interval,
    check_scale,
    check_seed,
    check_width,
    choice,
    instance,
    real,
    sequence,
)
from bounds.errors import ArgumentError, require
from simulate.device import DTYPES
from simulate.network import SCALINGS, Network
from simulate.solve.outcome import Progress
from simulate.solve.step_rules import STEP_RULES, StepRule


class FlowOptions(TypedDict, total=False):
    """Types of the keyword arguments of `gradient_flow`; see its docstring for what they mean."""

    width: int
    scale: float
    seed: int
    t_max: float
    loss_ratio: float
    rtol: float | None
    init: str
    scaling: str
    dtype: str
    device: str
    save_at: Sequence[float] | np.ndarray | None
    X_test: Any
    network: Network | None
    interval: Interval | None
    loss: str
    integrator: str
    low_memory: bool
    checkpoint: str | Path | None
    resume: bool
    max_steps: int
    progress: Progress | None


class DescentRunOptions(TypedDict, total=False):
    """Types of the keyword arguments of `gradient_descent`; see its docstring for what they mean."""

    width: int
    scale: float
    seed: int
    step: float | str | StepRule
    steps: int
    loss_ratio: float
    init: str
    scaling: str
    dtype: str
    device: str
    save_every: int
    save_at: Sequence[float] | np.ndarray | None
    X_test: Any
    network: Network | None
    interval: Interval | None
    loss: str
    low_memory: bool
    checkpoint: str | Path | None
    resume: bool
    progress: Progress | None


@dataclass(frozen=True)
class Options:
    """The arguments that gradient_flow and gradient_descent share; see gradient_flow."""

    width: int
    scale: float
    init: str
    scaling: str
    dtype: str
    device: str
    network: Network | None
    interval: Interval | None
    X_test: Any
    loss: str
    low_memory: bool

    def __post_init__(self) -> None:
        """Check every argument and keep it as a plain value. Raises ArgumentError."""
        checked = {
            "init": check_init(self.init),
            "width": check_width(self.width, self.init),
            "scale": check_scale(self.scale),
            "scaling": self._checked_scaling(),
            "dtype": choice("dtype", self.dtype, DTYPES),
            "loss": choice("loss", self.loss, ("sum", "mean")),
            "low_memory": boolean("low_memory", self.low_memory),
            "interval": None if self.interval is None else check_interval("interval", self.interval),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def _checked_scaling(self) -> str:
        """The scaling: the one that is asked for, that of the network, or "ours"."""
        known = None
        if self.network is not None:
            known = instance("network", self.network, Network, "Use simulate.Network(H, signs).").scaling
        chosen = choice("scaling", self.scaling, ("auto", *SCALINGS))
        if chosen == "auto":
            return known or "ours"
        if known not in (None, chosen):
            raise ArgumentError(
                f"scaling must be that of the network, {known!r}. Found {chosen!r}. Leave scaling out to go on with it,"
                " or pass Network(H, signs), of which no scaling is known."
            )
        return chosen


def check_ratio(value: Any) -> float:
    """loss_ratio, in [0, 1)."""
    return real("loss_ratio", value, "in [0, 1)", lambda ratio: 0 <= ratio < 1)


def check_step(value: Any) -> float | StepRule:
    """The step of descent: a number whose square is a float, or the rule of that name, or the function itself."""
    if isinstance(value, str):
        return STEP_RULES[choice("step", value, STEP_RULES)]
    if callable(value) and not isinstance(value, type):
        return value
    return real("step", value, "in [1e-150, 1e150], a rule's name or a function", lambda s: 1e-150 <= s <= 1e150)


def check_saves(save_at: Any, t_max: float) -> np.ndarray | None:
    """The save points, (T,): increasing, in [0, t_max]."""
    if save_at is None:
        return None
    times = as_float_array("save_at", save_at, 1)
    ok = len(times) > 0 and bool(np.all(np.diff(times) > 0)) and times[0] >= 0
    within = "at least 0" if t_max == np.inf else f"in [0, t_max = {t_max:g}]"
    require(ok and times[-1] <= t_max, "save_at", f"increasing times {within}", save_at)
    return times


def check_seeds(seeds: Any, others: dict[str, Any]) -> list[int]:
    """The seeds of several runs, all different. others: the arguments that only a single run takes, by name."""
    rule = "a sequence of different seeds, at least one"
    found = [check_seed(seed, f"seeds[{k}]") for k, seed in enumerate(sequence("seeds", seeds, rule))]
    require(len(found) > 0 and len(set(found)) == len(found), "seeds", rule, seeds)
    for name, value in others.items():
        if value is not None:
            raise ArgumentError(f"{name} goes with one run, not with seeds. Call once for each seed.")
    return found
