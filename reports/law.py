"""From proofs for single networks to a law: what share of all networks of a width is certified, and how fast.

Each of N networks, drawn independently, is certified by shadowing at its initialisation, so that its rate is proved and
not simulated. Only the draw is random: of all networks of this width and scale at least the share p have a certified
rate of at least the k-th smallest of N found, with confidence P(Bin(N, 1 - p) >= k), whatever the distribution of the
rates is (a one-sided tolerance bound). A network without a certificate counts with rate 0.
"""

from __future__ import annotations

import functools
import hashlib
import time as clock
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from bounds import Problem, certify
from bounds.cells import Cell, Plan, Row, run_cells
from bounds.cells.engines import Executor
from bounds.cells.progress import CellProgress
from bounds.checks import check_probability, instance, integer, sequence
from bounds.rounding import rounded
from bounds.text import printable
from reports.certificates import KINDS, CertificateOptions, SwitchRow
from simulate import sample_network

CONFIDENCE = 0.95
ROUNDINGS = 1e-12  # more than float64 may lose in a probability of the binomial law
SHARES = (0.95, 0.9, 0.75, 0.5)  # of all networks
METHOD = "shadowing"


@dataclass(frozen=True)
class Law:
    """With this confidence, at least `share` of all networks have a certified rate of at least `rate`.

    rate 0: nothing is said, for too few networks were drawn or certified.
    """

    share: float
    rate: float
    confidence: float


def law_rows(
    problem: Problem,
    options: CertificateOptions,
    trials: int,
    *,
    executor: Executor = None,
    directory: str | Path | None = None,
    retry: bool = False,
    progress: CellProgress | None = None,
) -> Iterator[SwitchRow]:
    """One row for each network, its seeds seed, seed + 1, ... from the first of options.seeds on; at initialisation.

    Rows come as soon as they are known; executor, directory, retry and progress are those of `run_cells`. A search that
    raises an error is a row with it as its `detail`, and without a certificate. Raises ArgumentError for trials < 1,
    and what `run_cells` raises.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    instance("options", options, CertificateOptions)
    count = integer("trials", trials, 1, None, "a whole number >= 1")
    data = hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in (problem.X, problem.y))).hexdigest()
    common = {
        "data": data,
        "activation": problem.activation.name,
        "embedding": problem.embedding_name,
        "n": problem.n,
        "d": problem.d,
        "width": options.width,
        "scale": options.scale,
        "method": METHOD,
    }
    first = options.seeds[0]
    cells = tuple(Cell({**common, "seed": seed}) for seed in range(first, first + count))
    plan = Plan("certificates", cells, KINDS, {**common, "name": problem.name, "trials": count})
    work = functools.partial(_certified, problem)
    for found in run_cells(plan, work, executor=executor, directory=directory, retry=retry, progress=progress):
        (row,) = found.rows
        values = {name: row[name] for name in KINDS}
        if found.error:
            values |= {"seed": cells[found.index].seed, "seconds": 0.0, "detail": found.error}
            values |= {"dtype": SwitchRow.dtype, "device": SwitchRow.device}
        yield SwitchRow(**values)


def _certified(problem: Problem, cell: Cell) -> Iterator[Row]:
    """The row of one network."""
    width, scale = cell.definition["width"], cell.definition["scale"]
    network = sample_network(problem, width=width, scale=scale, seed=cell.seed)
    began = clock.monotonic()
    found = certify(problem, network.H, signs=network.signs, method=METHOD)
    options = CertificateOptions(width, scale)
    row = SwitchRow.of(problem, options, cell.seed, METHOD, clock.monotonic() - began)
    yield asdict(replace(row, loss_ratio=1.0, time=0.0, certified=found.rate) if found.holds else row)


def law(rates: Sequence[float], share: float, confidence: float = CONFIDENCE) -> Law:
    """What N certified rates (0 for a network without a certificate) prove about that share of all networks.

    Raises ArgumentError for an empty sequence or numbers outside (0, 1).
    """
    from scipy.stats import binom

    share, confidence = check_probability(share, "share"), check_probability(confidence, "confidence")
    ordered = sorted(float(rate) for rate in sequence("rates", rates, "rates, at least one"))
    count = 0
    while count < len(ordered) and binom.sf(count, len(ordered), 1 - share) - ROUNDINGS >= confidence:
        count += 1  # P(Bin(N, 1 - share) >= count) is at least the confidence
    return Law(share, ordered[count - 1] if count else 0.0, confidence)


def law_text(rows: Sequence[SwitchRow]) -> str:
    """The statement of all rows, for the terminal."""
    rates = [row.certified or 0.0 for row in rows]
    proved = sum(rate > 0 for rate in rates)
    lines = [f"{proved} of {len(rows)} networks of {rows[0].width} neurons are certified at initialisation."]
    failed = [row.detail for row in rows if row.detail]
    if failed:
        lines.append(
            f"{len(failed)} searches failed, and count as not certified; the first one: {printable(failed[0])}"
        )
    for share in SHARES:
        found = law(rates, share)
        says = "have no rate that is known yet"
        if found.rate > 0:
            says = f"converge at least as exp(-{rounded(found.rate, 'down')} t)"
        lines.append(f"at least {share:.0%} of all such networks {says} (confidence {found.confidence:.0%})")
    return "\n".join(lines)
