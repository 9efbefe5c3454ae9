"""When a certificate switches on along a run, and how far its rate is from the one that is measured."""

from __future__ import annotations

import csv
import io
import itertools
import time as clock
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from bounds import Problem, SwitchOn, first_certified
from bounds.checks import check_scale, check_seed, check_time, check_width, choice, instance, sequence
from bounds.data.files import write_atomically
from bounds.errors import AssumptionError, require
from bounds.methods import CERTIFICATES_ONLY, proved_methods
from simulate import Network, Status, gradient_flow, sample_network

METHODS = ("transport", "slopes", "kernel", "shadowing")
KNOWN = ("best", *(m.name for m in proved_methods()), *CERTIFICATES_ONLY)
FALL = 0.8  # the loss falls by this factor from one state to the next: the resolution of loss_ratio
LEAST = 1e-8  # of the initial loss: no state is looked at below
RTOL = 1e-6

State = tuple[float, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class CertificateOptions:
    """width, scale, seeds, t_max: the runs; methods: tried on every state, each until its certificate holds."""

    width: int = 8192
    scale: float = 1.0
    seeds: Sequence[int] = (0, 1)
    t_max: float = 500.0
    methods: Sequence[str] = METHODS

    def __post_init__(self) -> None:
        """Raises ArgumentError at once, not after minutes of work."""
        seeds = sequence("seeds", self.seeds, "non-negative integers")
        methods = sequence("methods", self.methods, "a sequence of names of methods")
        require(len(seeds) > 0, "seeds", "non-negative integers, at least one", self.seeds)
        require(len(methods) > 0, "methods", "a sequence of names of methods, at least one", self.methods)
        checked = {
            "scale": check_scale(self.scale),
            "width": check_width(self.width, "independent"),
            "t_max": check_time("t_max", self.t_max),
            "seeds": tuple(check_seed(seed, "seeds") for seed in seeds),
            "methods": tuple(choice("method", method, KNOWN) for method in methods),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class SwitchRow:
    """One method on one run. loss_ratio: L/L^0 of the run where the certificate first holds, at `time`; certified: its
    rate; measured: the largest rate with L^t <= L^0 exp(-rate t) from there to the end of the run; ratio: the first
    over the second; None where no state is certified. seconds: of the search."""

    activation: str
    n: int
    d: int
    width: int
    scale: float
    seed: int
    method: str
    seconds: float
    loss_ratio: float | None = None
    time: float | None = None
    certified: float | None = None
    measured: float | None = None
    ratio: float | None = None


def states(problem: Problem, network: Network, t_max: float) -> Iterator[State]:
    """(time, H, signs) of the flow from `network`, each time the loss has fallen by FALL, the start included."""
    time, first = 0.0, None
    while True:
        yield time, network.H, network.signs
        loss = _loss(problem, network.H, network.signs)
        first = loss if first is None else first
        if not loss > LEAST * first or time >= t_max:
            return
        left = t_max - time
        run = gradient_flow(problem, network=network, t_max=left, loss_ratio=FALL, rtol=RTOL, save_at=[left])
        if run.status not in (Status.LOSS_REACHED, Status.TIME_REACHED):
            return
        network, time = run.final, time + float(run.time[-1])


def _loss(problem: Problem, H: np.ndarray, signs: np.ndarray) -> float:
    return float(np.sum(np.square(problem.residual(H, signs))) / 2)


def measured_rate(problem: Problem, state: State) -> float:
    """min over the run from this state of log(L^0/L^t)/t: no larger rate is true for it."""
    _, H, signs = state
    run = gradient_flow(problem, network=Network(H, signs), t_max=1e5, loss_ratio=1e-8, rtol=RTOL)
    known = run.loss[1:] > 10 * run.error[1:]
    return float(np.min(np.log(run.loss[0] / run.loss[1:][known]) / run.time[1:][known]))


def certificate_rows(problem: Problem, options: CertificateOptions) -> Iterator[SwitchRow]:
    """A row for each seed and method, as soon as it is known."""
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    instance("options", options, CertificateOptions)
    for seed in options.seeds:
        network = sample_network(problem, width=options.width, scale=options.scale, seed=seed)
        start = _loss(problem, network.H, network.signs)
        # Every method reads the same states, which are computed once, when the first of them asks.
        copies = itertools.tee(states(problem, network, options.t_max), len(options.methods))
        for method, along in zip(options.methods, copies, strict=True):
            began = clock.monotonic()
            kept: list[State] = []
            found = _first(problem, _remembered(along, kept), method)
            seconds = clock.monotonic() - began
            row = SwitchRow(
                problem.activation.name, problem.n, problem.d, options.width, options.scale, seed, method, seconds
            )
            if found is not None:
                rate, measured = found.certificate.rate, measured_rate(problem, kept[-1])
                row = replace(
                    row,
                    loss_ratio=_loss(problem, *kept[-1][1:]) / start,
                    time=found.time,
                    certified=rate,
                    measured=measured,
                    ratio=rate / measured,
                )
            yield row


def _remembered(along: Iterable[State], kept: list[State]) -> Iterator[State]:
    for state in along:
        kept[:] = [state]
        yield state


def _first(problem: Problem, along: Iterable[State], method: str) -> SwitchOn | None:
    try:
        return first_certified(problem, along, method=method)
    except AssumptionError:
        return None  # the method does not apply to this problem


def table_line(row: SwitchRow | None = None) -> str:
    """A line of the table; the head without a row."""
    if row is None:
        titles = ("loss ratio", "time", "certified", "measured", "ratio")
        return f"{'activation':11}{'n':>4} {'seed':>4}  {'method':10}" + "".join(f"{title:>11}" for title in titles)
    values = (row.loss_ratio, row.time, row.certified, row.measured, row.ratio)
    cells = "".join(f"{'-' if v is None else format(v, '.3g'):>11}" for v in values)
    return f"{row.activation:11}{row.n:>4} {row.seed:>4}  {row.method:10}" + cells


def write_certificates(rows: Sequence[SwitchRow], path: str | Path) -> None:
    """The rows as CSV, one column for each field of SwitchRow."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [f.name for f in fields(SwitchRow)])
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_atomically(path, stream.getvalue())
