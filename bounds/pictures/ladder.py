"""The ladder: what each method of proof asks for in width, scale and rate, beside what is necessary and enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bounds.pictures.style import points

PANELS = {  # column -> title of its panel
    "width": "width m asked for (neurons)",
    "scale": "scale asked for",
    "rate_over_scale_squared": "rate / scale² promised",
}
SIZE = (9.5, 3.8)
LARGEST = 300  # decimal exponent of what a logarithmic axis shows
IMPOSSIBLE: dict[str, Any] = {"facecolor": "#eeeeee", "edgecolor": "#bbbbbb", "hatch": "///", "lw": 0, "zorder": 0}
ENOUGH: dict[str, Any] = {"color": "#009E73", "linewidth": 1.6, "linestyle": "-."}

Row = Mapping[str, Any]


def draw_rungs(
    axes: Any,
    rows: Sequence[Row],
    names: Sequence[str],
    *,
    necessary: Mapping[str, float] | None = None,
    enough: Mapping[str, float] | None = None,
) -> None:
    """One dot for each row in each of the three panels, one line for each name; hollow dots are not proved.

    rows: each with method, init, proved and the columns of PANELS; names: of the methods, from top to bottom.
    necessary: column -> the value below which (for the rate: above which) nothing works; enough: column -> what was
    enough in simulation. Values that are None or not above 0 are left out.
    """
    inits = list(dict.fromkeys(row["init"] for row in rows))
    for axis, (column, title) in zip(axes, PANELS.items(), strict=True):
        for k, init in enumerate(inits):
            for proved in (True, False):
                mine = [r for r in rows if (r["init"], bool(r["proved"])) == (init, proved) and _shown(r[column]) > 0]
                if not mine:
                    continue
                look = {**points(k), "linestyle": "", "markersize": 7} | ({} if proved else {"fillstyle": "none"})
                heights = [names.index(row["method"]) for row in mine]
                label = init if proved else f"{init}, not proved"
                axis.plot([_shown(row[column]) for row in mine], heights, label=label, **look)
        axis.set_xscale("log")
        axis.set_title(title)
        axis.grid(axis="y", visible=False)
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.5, -0.5)
        _limits(axis, column, necessary or {}, enough or {})


def _shown(value: Any) -> float:
    """The value as a float that a logarithmic axis shows, 0 if there is none."""
    if value is None or value != value:
        return 0.0
    return 10.0**LARGEST if value >= 10**LARGEST else float(value)


def _limits(axis: Any, column: str, necessary: Mapping[str, float], enough: Mapping[str, float]) -> None:
    """The hatched region of what is impossible, and the line of what was enough."""
    faster = column.startswith("rate")
    limit, plenty = _shown(necessary.get(column)), _shown(enough.get(column))
    low, high = axis.get_xlim()
    inside = [value for value in (limit, plenty) if value > 0]
    low, high = min([low, *(v / 2 for v in inside)]), max([high, *(2 * v for v in inside)])
    if high / low < 1e3:
        low, high = low / 3, high * 3
    axis.set_xlim(low, high)
    if math.log10(high) - math.log10(low) > 7:
        axis.locator_params(axis="x", numticks=6)
    if limit > 0:
        axis.axvspan(*((limit, high) if faster else (low, limit)), label="impossible, whatever the proof", **IMPOSSIBLE)
    if plenty > 0:
        axis.axvline(plenty, label="found in simulation" if faster else "enough in simulation", **ENOUGH)


def labels(axes: Any) -> tuple[list[Any], list[str]]:
    """Handles and labels of the legends of several axes, each label once."""
    found: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)
