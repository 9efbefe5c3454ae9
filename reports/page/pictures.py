"""Pictures of the report as inline SVG: curves over time on a log scale, and gaps as dots; no library draws them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from markupsafe import Markup, escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 12, 12, 44
MOST_POINTS = 400  # of a curve; more are not to be seen, and would only make the page larger
LEAST_LOSS = 1e-300  # the smallest loss that a log scale shows
DECADES = 14  # below the largest value, the most that are shown


@dataclass(frozen=True)
class Curve:
    """One curve: name, times and values (T,); kind "measured", "certified" or "lazy"; note: what it says, in words."""

    name: str
    time: np.ndarray
    value: np.ndarray
    kind: str
    note: str
    band: np.ndarray | None = field(default=None)


@dataclass(frozen=True)
class Axes:
    """From data to the pixels of the picture: linear in time, logarithmic in the loss."""

    t_max: float
    low: float
    high: float

    def x(self, time: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * time / self.t_max

    def y(self, value: float) -> float:
        share = (math.log10(max(value, LEAST_LOSS)) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share


def thinned(count: int) -> np.ndarray:
    """The numbers of at most MOST_POINTS points, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int))


def axes_of(curves: list[Curve]) -> Axes:
    """Axes that show every curve, but no more than DECADES below the largest value."""
    positive = np.concatenate([c.value[c.value > 0] for c in curves])
    high = math.ceil(math.log10(float(np.max(positive))) + 0.05)
    measured = [float(np.min(c.value[c.value > 0])) for c in curves if c.kind == "measured" and np.any(c.value > 0)]
    low = math.floor(math.log10(min(measured, default=float(np.min(positive)))))
    return Axes(max(float(np.max(c.time)) for c in curves), float(max(low, high - DECADES)), float(max(high, low + 1)))


def curve_data(curves: list[Curve], axes: Axes) -> dict[str, Any]:
    """What the script needs to draw the picture again after zooming, and to read values at the pointer."""
    return {
        "axes": {"tMax": axes.t_max, "low": axes.low, "high": axes.high},
        "size": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
        "curves": [
            {
                "name": c.name,
                "kind": c.kind,
                "time": [float(f"{t:.6g}") for t in c.time[thinned(len(c.time))]],
                "value": [float(f"{max(v, LEAST_LOSS):.6g}") for v in c.value[thinned(len(c.time))]],
            }
            for c in curves
        ],
    }


def loss_picture(curves: list[Curve], axes: Axes, title: str, identifier: str) -> Markup:
    """The curves as they are before any zoom: shown without a script, and in print."""
    parts = [
        f'<svg id="{identifier}" class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" tabindex="0"'
        f' aria-labelledby="{identifier}-title {identifier}-desc">',
        f'<title id="{identifier}-title">{escape(title)}</title>',
        f'<desc id="{identifier}-desc">{escape(" ".join(c.note for c in curves))}</desc>',
        f'<clipPath id="{identifier}-clip"><rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}"'
        f' height="{HEIGHT - TOP - BOTTOM}"/></clipPath>',
        f'<g class="ticks">{_ticks(axes)}</g>',
        f'<text class="label" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">time t'
        " (of the flow)</text>",
        f'<text class="label" transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"'
        ' text-anchor="middle">loss L</text>',
        f'<g clip-path="url(#{identifier}-clip)">',
    ]
    for k, c in enumerate(curves):
        keep = thinned(len(c.time))
        if c.band is not None:
            around = [*_points(axes, c.time[keep], (c.value + c.band)[keep])]
            around += _points(axes, c.time[keep], (c.value - c.band)[keep])[::-1]
            parts.append(f'<path class="band curve-{k % 6}" data-curve="{k}" d="{_path(around)}Z"/>')
        points = _points(axes, c.time[keep], c.value[keep])
        parts.append(f'<path class="curve curve-{k % 6} {c.kind}" data-curve="{k}" d="{_path(points)}"/>')
    parts.append('</g><g class="pointer"></g></svg>')
    return Markup("".join(parts))  # every text in it is escaped above


def _points(axes: Axes, time: np.ndarray, value: np.ndarray) -> list[tuple[float, float]]:
    return [(axes.x(t), axes.y(v)) for t, v in zip(time.tolist(), value.tolist(), strict=True)]


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {min(max(y, -9999.0), 9999.0):.1f}" for x, y in points)


def _ticks(axes: Axes) -> str:
    parts = []
    step = max(1, math.ceil((axes.high - axes.low) / 7))
    for power in range(int(axes.high), int(axes.low) - 1, -step):
        y = axes.y(10.0**power)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">1e{power}</text>')
    for time in nice_ticks(axes.t_max):
        x = axes.x(time)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{time:.4g}</text>')
    return "".join(parts)


def nice_ticks(top: float) -> list[float]:
    """About five round numbers from 0 to `top`."""
    raw = top / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(m * size for m in (1, 2, 5, 10) if m * size >= raw)
    return [k * step for k in range(int(top / step) + 1)]


ROW, NAME = 22, 300  # height of a line and width of the names in the picture of gaps


def gap_picture(rows: list[dict[str, Any]]) -> Markup:
    """theory / measured of each tested quantity as a dot on a log scale around 1, where the theory is tight.

    rows: with claim, quantity, gap, verdict and vacuous; those without a positive gap are left out.
    """
    shown = [row for row in rows if not row["vacuous"] and row["gap"] and row["gap"] > 0 and math.isfinite(row["gap"])]
    if not shown:
        return Markup("")
    reach = max(1.0, *(abs(math.log10(row["gap"])) for row in shown))
    reach = math.ceil(reach * 2) / 2
    height = TOP + ROW * len(shown) + 40

    def x(gap: float) -> float:
        return NAME + (WIDTH - NAME - 20) * (math.log10(gap) + reach) / (2 * reach)

    parts = [
        f'<svg id="gaps" class="plot" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="gaps-title">',
        '<title id="gaps-title">Theory divided by measurement for each tested quantity: at 1 the theory is tight.'
        " The table of verdicts has the same numbers.</title>",
        f'<line class="one" x1="{x(1):.1f}" x2="{x(1):.1f}" y1="{TOP}" y2="{height - 34}"/>',
    ]
    for power in range(-math.floor(reach), math.floor(reach) + 1):
        at = f"{x(10.0**power):.1f}"
        parts.append(
            f'<g class="ticks"><line x1="{at}" x2="{at}" y1="{TOP}" y2="{height - 34}"/>'
            f'<text x="{at}" y="{height - 18}" text-anchor="middle">{10.0**power:g}</text></g>'
        )
    for k, row in enumerate(shown):
        y = TOP + ROW * (k + 0.5)
        where = x(row["gap"])
        parts.append(
            f'<text class="name" x="{NAME - 12}" y="{y + 4:.1f}" text-anchor="end">'
            f"{escape(row['claim'])}: {escape(row['quantity'])}</text>"
            f'<line class="stem {row["verdict"].lower()}" x1="{x(1):.1f}" x2="{where:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f"{_mark(row['verdict'], where, y)}"
        )
    label = f'<text class="label" x="{x(1):.1f}" y="{height - 2}" text-anchor="middle">theory / measured</text>'
    return Markup("".join([*parts, label, "</svg>"]))  # every text in it is escaped above


def _mark(verdict: str, x: float, y: float) -> str:
    """A dot for HOLDS, a cross for REFUTED, a ring for UNDECIDED: shape and colour say the same."""
    if verdict == "REFUTED":
        return f'<path class="mark refuted" d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10"/>'
    return f'<circle class="mark {verdict.lower()}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
