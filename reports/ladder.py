"""The ladder: what each method of proof asks for on one problem, from the constants as printed to a certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bounds import Problem, certify, guarantee
from bounds.csv_file import write_csv
from bounds.errors import LinrateError
from bounds.pictures.ladder import SIZE, draw_rungs, labels
from bounds.pictures.style import drawing, save
from bounds.versions import versions
from simulate import sample_network

METHODS = (
    "printed",
    "printed-style",
    "repaired",
    "markov",
    "chebyshev",
    "envelope",
    "slopes",
    "transport",
    "clipped",
    "kernel",
)
CERTIFICATE = "certificate"
CERTIFIED_BY = ("best", "transport")  # of the methods of `certify`, the one with the least critical scale
INITS = ("independent", "antisymmetric")
COLUMNS = ("method", "init", "proved", "width", "scale", "rate_over_scale_squared", "data", "n", "activation", "delta")


def ladder_rows(problem: Problem, *, delta: float, width: int, seed: int) -> list[dict[str, Any]]:
    """One row for each method and initialisation that applies: width, scale, and rate/scale^2.

    The last rung is the certificate of one network of that width and seed, by a formula or by transport: the scale is
    twice the critical one, so that beta is 1/2, as in `guarantee` by default. Only for antisymmetric pairs, whose
    residual at the start does not depend on the scale.
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
        critical = {m: certify(problem, network.H, signs=network.signs, method=m).critical_scale for m in CERTIFIED_BY}
        method = min(critical, key=lambda name: critical[name])
        scale = 2 * critical[method]
        found = certify(problem, network.H, signs=scale * network.signs, method=method)
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
    with drawing(1, 3, SIZE, sharey=True) as (picture, axes):
        draw_rungs(axes[0], rows, names)
        picture.legend(*labels(axes[0]), loc="outside lower center", ncols=4)
        words = f"What each method asks for: {problem.name}, n = {problem.n}, {problem.activation.name}"
        picture.suptitle(f"{words}; the certificate is that of one network", fontsize=10)
        return [stem.with_name(f"{stem.name}.csv"), *save(picture, stem)]
