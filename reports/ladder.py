"""The ladder: what each method of proof asks for on one problem, from the constants as printed to a certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bounds import Problem, guarantee
from bounds.csv_file import write_csv
from bounds.errors import LinrateError
from bounds.versions import versions
from reports.figures.style import COLOURS, drawing, save

METHODS = ("printed", "printed-style", "repaired", "markov", "chebyshev", "envelope", "slopes", "kernel")
COLUMNS = ("method", "init", "proved", "width", "scale", "rate_over_scale_squared", "n", "activation", "delta")


def ladder_rows(problem: Problem, delta: float = 0.05) -> list[dict[str, Any]]:
    """One row for each method and initialisation that applies: width, scale, and rate/scale^2."""
    rows = []
    for init in ("independent", "antisymmetric"):
        for method in METHODS:
            try:
                g = guarantee(problem, delta, method=method, init=init)
            except LinrateError:
                continue
            row = {"method": method, "init": init, "proved": g.proved, "width": g.width, "scale": g.scale}
            row |= {"rate_over_scale_squared": g.rate / g.scale**2, "n": problem.n}
            rows.append({**row, "activation": problem.activation.name, "delta": delta, **versions()})
    return rows


def draw_ladder(problem: Problem, stem: Path, delta: float = 0.05) -> list[Path]:
    """Write stem.csv, stem.png and stem.svg."""
    rows = ladder_rows(problem, delta)
    write_csv(stem.with_name(f"{stem.name}.csv"), rows, (*COLUMNS, *versions()))
    panels = (
        ("width", "width m asked for"),
        ("scale", "scale asked for"),
        ("rate_over_scale_squared", "rate / scale²"),
    )
    names = [m for m in METHODS if any(row["method"] == m for row in rows)]
    with drawing(1, 3, (9.5, 3.6), sharey=True) as (picture, axes):
        for axis, (column, title) in zip(axes[0], panels, strict=True):
            for k, init in enumerate(("independent", "antisymmetric")):
                mine = [row for row in rows if row["init"] == init]
                heights = [names.index(row["method"]) + 0.36 * (k - 0.5) for row in mine]
                hatch = [None if row["proved"] else "///" for row in mine]
                bars = axis.barh(
                    heights, [row[column] for row in mine], 0.34, color=COLOURS[k], edgecolor="white", label=init
                )
                for bar, pattern in zip(bars, hatch, strict=True):
                    bar.set_hatch(pattern)
            axis.set_xscale("log")
            axis.set_title(title)
        axes[0, 0].set_yticks(range(len(names)), names)
        axes[0, 0].invert_yaxis()
        picture.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
        picture.suptitle(
            f"What each method asks for: {problem.name}, n = {problem.n}, {problem.activation.name};"
            " hatched where it is not proved",
            fontsize=10,
        )
        return [stem.with_name(f"{stem.name}.csv"), *save(picture, stem)]
