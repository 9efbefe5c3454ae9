"""The slack of a comparison over time, as a picture: where it is below zero by more than its error, the claim fails."""

from __future__ import annotations

from typing import Any

import numpy as np

from bounds.checks import instance
from bounds.pictures.style import COLOURS, NOTES, on_axes, series
from bounds.text import printable
from verify.claims.base import Comparison

SMALLEST = 1e-300  # where both numbers are 0, so is the slack


def draw_margin(comparison: Comparison, ax: Any = None, *, title: str = "") -> Any:
    """Draw the margin over time, as a part of the sizes compared, with a band of its numerical error; returns the axes.

    A quantity of n values at each time, such as the active fractions, is drawn as n thin lines. ax: axes of matplotlib;
    None for those of a new figure.

        comparison = verify.CLAIMS["pl"].comparisons(verify.Run.of(run))[0]
        verify.draw_margin(comparison)

    Raises ArgumentError for what is no Comparison or no axes, AssumptionError where matplotlib is not installed.
    """
    instance("comparison", comparison, Comparison, "Use what verify.Claim.comparisons returns.")
    size = np.maximum(np.maximum(np.abs(comparison.theory), np.abs(comparison.measured)), SMALLEST)
    slacks = np.atleast_2d((comparison.margin / size).T)
    errors = np.atleast_2d((np.broadcast_to(comparison.error, size.shape) / size).T)
    with on_axes(ax) as axes:
        for slack, error in zip(slacks, errors, strict=True):
            known = np.isfinite(slack) & np.isfinite(error)
            t, s, e = comparison.at[known], slack[known], np.minimum(error[known], 1.0)
            style = {**series(0), "lw": 1.5 if len(slacks) == 1 else 0.8}
            axes.plot(t, s, marker="o" if len(t) < 60 else "", markersize=2.5, **style)
            axes.fill_between(t, s - e, s + e, color=COLOURS[0], alpha=0.25, lw=0)
        low, high = axes.get_ylim()
        high = max(high, 0.0) + 0.05 * (high - low)
        low = min(low, -0.12 * (high - min(low, 0.0)))
        axes.axhspan(low, 0.0, facecolor="#f7e3d7", zorder=0)
        axes.axhline(0.0, color="black", lw=1.0)
        axes.annotate("below 0 the claim fails", (0.99, 0.0), xycoords=("axes fraction", "data"), xytext=(0, -3),
                      ha="right", va="top", textcoords="offset points", **NOTES)  # fmt: skip
        if comparison.margin.size:
            worst = comparison.worst
            at = (float(comparison.at[worst[0]]), float(comparison.margin[worst] / size[worst]))
            if np.isfinite(at).all():
                axes.plot(*at, "D", color=COLOURS[1], markersize=5, label="nearest to failing")
                axes.legend()
        axes.set_ylim(low, high)
        axes.set_xlabel("time t of the flow (dimensionless)")
        axes.set_ylabel(f"slack of {printable(comparison.quantity)}\n(margin / size compared, no unit)")
        axes.set_title(printable(title))
    return axes
