"""What is necessary, what is enough and what is required, for one problem: the rows of a table of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bounds import AssumptionError, Guarantee, Problem, necessary_scale, necessary_width, possible_rate
from bounds.checks import INITS
from bounds.progress import Progress
from bounds.rounding import rounded
from reports.slack import WIDTH, Trial, quantities

MOST_ENTRIES = 2**16  # of the widest network that is tried: beyond, what is enough is not measured
NETWORKS = 2  # that are tried at each width and scale
COLUMNS = ("quantity", "necessary", "enough", "required", "required / enough")
UNKNOWN = "not known"


def limit_rows(problem: Problem, best: Guarantee | None, seed: int) -> Iterator[dict[str, str]]:
    """Width, scale and rate, each with the columns COLUMNS as text, for the initialisation of the best guarantee.

    necessary: below it (for the rate: above it) nothing works, whatever the proof; enough: what NETWORKS simulated
    networks needed to keep the promise of `best`, which is an estimate; required: what `best` asks for. Without a
    guarantee nothing is required, and nothing is measured.
    """
    init = INITS[0] if best is None else best.init
    measured = {} if best is None else _measured(problem, best, seed)
    scale = 1.0 if best is None else best.scale
    delta = 0.05 if best is None else best.delta
    least: dict[str, Callable[[], str]] = {
        "width": lambda: f"≥ {rounded(necessary_width(problem, delta, init=init), 'down')}",
        "scale": lambda: f"≥ {rounded(necessary_scale(problem, init=init), 'down')}",
        "rate": lambda: f"≤ {rounded(possible_rate(problem, scale), 'up')} at scale {rounded(scale)}",
    }
    for name, necessary in least.items():
        required = None if best is None else getattr(best, name)
        enough = measured.get(name)
        slack = None
        if required is not None and enough:
            slack = enough / required if name == "rate" else required / enough
        yield {
            "quantity": name,
            "necessary": _or_unknown(necessary),
            "enough": "not measured" if enough is None else rounded(enough),
            "required": "nothing" if required is None else rounded(required, "down" if name == "rate" else "up"),
            "required / enough": "" if slack is None else f"{rounded(slack)} times",
        }


def limits_text(problem: Problem, best: Guarantee | None) -> str:
    """What the table says, in words."""
    if best is None:
        return "No proved method applies, so nothing is required; what is necessary holds nevertheless."
    how = (
        f"Enough is what {NETWORKS} simulated networks of at most {WIDTH} neurons needed to keep the promise of"
        f" {best.method}: an estimate, no theorem."
        if problem.n * WIDTH <= MOST_ENTRIES and not problem.random
        else "What is enough is not measured here: the networks would be too large."
    )
    words = (
        f"For {best.init} initialisation. Necessary holds whatever the proof; required is what {best.method} asks for."
    )
    return f"{words} {how}"


def _measured(problem: Problem, best: Guarantee, seed: int) -> dict[str, Any]:
    """Quantity -> what was enough in simulation, None where nothing was; empty where the networks are too large."""
    if problem.random or problem.n * WIDTH > MOST_ENTRIES or not best.rate > 0:
        return {}
    with Progress("networks tried") as progress:
        trial = Trial(problem, best.init, NETWORKS, seed, best.rate / best.scale**2, progress.step)
        return {found["quantity"]: found["sufficient"] for found in quantities(trial, best)}


def _or_unknown(text: Callable[[], str]) -> str:
    try:
        return text()
    except AssumptionError:  # of a random embedding, for which one number says nothing
        return UNKNOWN
