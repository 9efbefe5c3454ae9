"""The cactus plot: how many instances are certified, and confirmed by the replay, within how many seconds each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bounds.pictures.style import on_axes, points


def draw_cactus(rows: Sequence[dict[str, Any]], ax: Any = None) -> Any:
    """Draw the seconds of each solved instance in increasing order; returns the axes.

    rows: of results.csv, with verdict, method, seconds, replay and replay_seconds.
    """
    certified = [row for row in rows if row["verdict"] == "CERTIFIED"]
    lines = {
        "certified (formula, else path)": sorted(float(r["seconds"]) for r in certified),
        "certified by a formula": sorted(float(r["seconds"]) for r in certified if r["method"] != "shadowing"),
        "confirmed by the independent replay": sorted(
            float(r["replay_seconds"]) for r in rows if r.get("replay") == "CONFIRMED"
        ),
    }
    with on_axes(ax) as axes:
        for k, (label, seconds) in enumerate(lines.items()):
            axes.plot(range(1, len(seconds) + 1), seconds, label=f"{label}: {len(seconds)}", **points(k))
        axes.set_yscale("log")
        axes.set_xlim(0, len(rows) + 1)
        axes.axvline(len(rows), color="black", lw=0.8)
        axes.set_xlabel(f"instances solved, of {len(rows)}")
        axes.set_ylabel("seconds for the instance")
        axes.legend()
    return axes
