"""The ladder: what each method of proof asks for on one problem, from the constants as printed to a certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bounds import Problem, certify, guarantee
from bounds.csv_file import write_csv
from bounds.errors import LinrateError
from bounds.versions import versions
from reports.figures.style import drawing, points, save
from simulate import sample_network

METHODS = ("printed", "printed-style", "repaired", "markov", "chebyshev", "envelope", "slopes", "kernel")
CERTIFICATE = "certificate"
INITS = ("independent", "antisymmetric")
COLUMNS = ("method", "init", "proved", "width", "scale", "rate_over_scale_squared", "data", "n", "activation", "delta")
PANELS = (("width", "width m asked for"), ("scale", "scale asked for"), ("rate_over_scale_squared", "rate/scale²"))


def ladder_rows(problem: Problem, *, delta: float, width: int, seed: int) -> list[dict[str, Any]]:
    """One row for each method and initialisation that applies: width, scale, and rate/scale^2.

    The last rung is the certificate of one network of that width and seed, by the best formula: the scale is twice the
    critical one, so that beta is 1/2, as in `guarantee` by default. Only for antisymmetric pairs, whose residual at the
    start does not depend on the scale.
    """
    rows = []
    for init in INITS:
        for method in METHODS:
            try:
                g = guarantee(problem, delta, method=method, init=init)
            except LinrateError:
                continue
            row = {"method": method, "init": init, "proved": g.proved, "width": g.width, "scale": g.scale}
            rows.append({**row, "rate_over_scale_squared": g.rate / g.scale**2})
    network = sample_network(problem, width=width + width % 2, scale=1.0, seed=seed, init=INITS[1])
    try:
        scale = 2 * certify(problem, network.H, signs=network.signs).critical_scale
        found = certify(problem, network.H, signs=scale * network.signs)
    except LinrateError:
        found = None
    if found is not None and found.holds:
        row = {"method": CERTIFICATE, "init": INITS[1], "proved": True, "width": network.width, "scale": scale}
        rows.append({**row, "rate_over_scale_squared": found.rate / scale**2})
    common = {"data": problem.name, "n": problem.n, "activation": problem.activation.name, "delta": delta}
    return [{**row, **common, **versions()} for row in rows]


def draw_ladder(problem: Problem, stem: Path, *, delta: float, width: int, seed: int) -> list[Path]:
    """Write stem.csv, stem.png and stem.svg; arguments as for `ladder_rows`."""
    rows = ladder_rows(problem, delta=delta, width=width, seed=seed)
    write_csv(stem.with_name(f"{stem.name}.csv"), rows, (*COLUMNS, *versions()))
    names = [m for m in (*METHODS, CERTIFICATE) if any(row["method"] == m for row in rows)]
    with drawing(1, 3, (9.5, 3.8), sharey=True) as (picture, axes):
        for axis, (column, title) in zip(axes[0], PANELS, strict=True):
            for k, init in enumerate(INITS):
                for proved in (True, False):
                    mine = [row for row in rows if (row["init"], row["proved"]) == (init, proved)]
                    heights = [names.index(row["method"]) for row in mine]
                    look = {**points(k), "linestyle": "", "markersize": 7}
                    look |= {} if proved else {"fillstyle": "none"}
                    label = init if proved else f"{init}, not proved"
                    axis.plot([row[column] for row in mine], heights, label=label, **look)
            axis.set_xscale("log")
            axis.set_title(title)
        axes[0, 0].set_yticks(range(len(names)), names)
        axes[0, 0].invert_yaxis()
        picture.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        words = f"What each method asks for: {problem.name}, n = {problem.n}, {problem.activation.name}"
        picture.suptitle(f"{words}; the certificate is that of one network", fontsize=10)
        return [stem.with_name(f"{stem.name}.csv"), *save(picture, stem)]
