"""Losses over time on a log scale: measured, with an error band; certified or promised; of the lazy flow."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from bounds.certificates.certificate import SwitchOn, first_certified
from bounds.errors import LinrateError
from bounds.pictures.style import CERTIFIED, NOTES, series
from bounds.problem import Problem
from bounds.rounding import rounded

State = tuple[float, np.ndarray, np.ndarray]  # time, H (m, n), signs (m,)

DECADES = 16  # below the largest loss, the most that are shown
POINTS = 200  # of a curve that is a formula


def draw_measured(ax: Any, time: np.ndarray, loss: np.ndarray, error: np.ndarray, label: str = "measured loss") -> None:
    """The loss (T,) with a band of its numerical error (T,); values that are not above 0 are left out."""
    shown = np.isfinite(loss) & (loss > 0)
    t, values = time[shown], loss[shown]
    wide = np.nan_to_num(error[shown], posinf=1e300)
    ax.set_yscale("log")
    ax.plot(t, values, label=label, zorder=3, **series(0))
    ax.fill_between(
        t, np.maximum(values - wide, 1e-3 * values), values + wide, color=series(0)["color"], alpha=0.25, lw=0,
        label="its numerical error, estimated",
    )  # fmt: skip
    if len(values):
        ax.set_ylim(max(float(values.min()) / 3, float(values.max()) / 10**DECADES), 3 * float(values.max()))
    ax.set_xlabel("time t of the flow (dimensionless)")
    ax.set_ylabel("training loss  L = ½ Σ (f − y)²")


def draw_bound(ax: Any, start: float, end: float, loss: float, rate: float, label: str, **look: Any) -> None:
    """loss exp(-rate (t - start)) from t = start to t = end."""
    times = np.linspace(start, end, POINTS)
    with np.errstate(under="ignore"):
        ax.plot(times, loss * np.exp(-rate * (times - start)), label=label, **{**CERTIFIED, **look})


def draw_nothing_certified(ax: Any, why: str) -> None:
    """An entry of the legend that says why there is no certified curve."""
    ax.plot([], [], " ", label=f"nothing is certified: {why}")


def draw_certified(
    ax: Any, problem: Problem, states: Iterable[State], end: float, clock: float = 1.0
) -> SwitchOn | None:
    """The certified curve from the first of the states on that a formula certifies, and a line at its time.

    states: along a flow in the paper's scaling; end: the last time of the picture; clock: the time of the picture over
    that of the states, n for the mean loss. Where nothing is certified the picture says so. Returns what was found.
    """
    last: list[float] = []

    def watched() -> Iterator[State]:
        for time, H, signs in states:
            last[:] = [float(np.sum(np.square(problem.residual(H, signs))) / 2)]
            yield time, H, signs

    try:
        found = first_certified(problem, watched())
    except LinrateError as error:
        draw_nothing_certified(ax, textwrap.shorten(str(error), 60, placeholder=" ..."))
        return None
    if found is None:
        draw_nothing_certified(ax, "no formula holds")
        return None
    start, rate = clock * found.time, found.certificate.rate / clock
    when = "from the start" if start == 0 else f"from t = {rounded(start)}"
    draw_bound(ax, start, max(end, start), last[0], rate, f"certified {when}, rate {rounded(rate, 'down')}")
    if start > 0:
        ax.axvline(start, color="black", lw=0.8, ls=":")
        ax.annotate("certified", (start, 0.98), xycoords=("data", "axes fraction"), xytext=(3, 0), va="top",
                    textcoords="offset points", **NOTES)  # fmt: skip
    return found
