"""The first state of a run from which convergence is certified, and its certified rate beside the measured one."""

from __future__ import annotations

import itertools
import time as clock
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from bounds import Problem, SwitchOn, first_certified
from bounds.checks import check_scale, check_seed, check_time, check_width, choice, instance, sequence
from bounds.csv_file import write_csv
from bounds.errors import AssumptionError, require
from bounds.methods import SLOW_CERTIFICATES, proved_methods
from bounds.progress import Progress
from bounds.text_table import Column, TextTable
from bounds.versions import COLUMNS as VERSIONS
from bounds.versions import versions
from simulate import Network, gradient_flow, sample_network
from simulate.device import choose_device
from simulate.falling import DTYPE, LEAST, RTOL, State, falling_states, loss_of

SMOOTH = ("transport", "slopes", "clipped", "kernel", "shadowing")  # tried by default
KINKED = ("transport", "envelope", "chebyshev")  # the same, where sigma' jumps: there no other method is as good
# Every method that gives a certificate.
KNOWN = (
    "best",
    *(m.name for m in proved_methods() if m.a_posteriori),
    *SLOW_CERTIFICATES,
)
LONGEST = 1e5  # final time of the run on which the rate is measured
CERTAIN = 10.0  # a loss counts in the measured rate if it is this many times its numerical error


@dataclass(frozen=True)
class CertificateOptions:
    """Options of `certificate_rows`.

    width, scale: m and c hat of the networks. seeds: one network for each. t_max: time until which states are tried.
    methods: each is tried on one state after another until its certificate holds; None: SMOOTH, or KINKED where sigma'
    jumps.
    """

    width: int = 8192
    scale: float = 1.0
    seeds: Sequence[int] = (0, 1)
    t_max: float = 500.0
    methods: Sequence[str] | None = None

    def __post_init__(self) -> None:
        """Check the options. Raises ArgumentError."""
        seeds = sequence("seeds", self.seeds, "non-negative integers")
        names = SMOOTH if self.methods is None else self.methods
        methods = sequence("methods", names, "a sequence of names of methods")
        require(len(seeds) > 0, "seeds", "non-negative integers, at least one", self.seeds)
        require(len(methods) > 0, "methods", "a sequence of names of methods, at least one", self.methods)
        checked = {
            "scale": check_scale(self.scale),
            "width": check_width(self.width, "independent"),
            "t_max": check_time("t_max", self.t_max),
            "seeds": tuple(check_seed(seed, "seeds") for seed in seeds),
        }
        known = tuple(choice("method", method, KNOWN) for method in methods)
        if self.methods is not None:
            checked["methods"] = known
        for name, value in checked.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class SwitchRow:
    """One method on one run.

    seconds: duration of the search for the certificate. loss_ratio: L/L^0 at the first state whose certificate holds.
    time: flow time of that state. certified: the rate of the certificate. measured: the largest rate with
    L^t <= L^0 exp(-rate t) from that state to the end of the run. ratio: certified / measured. These five are None if
    no state is certified. dtype, device: of the simulated run. detail: the error of a search that raised one.
    """

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
    dtype: str = DTYPE
    device: str = "cpu"
    detail: str = ""

    @classmethod
    def of(cls, problem: Problem, options: CertificateOptions, seed: int, method: str, seconds: float) -> SwitchRow:
        """A row without a result."""
        act, m, c = problem.activation.name, options.width, options.scale
        return cls(act, problem.n, problem.d, m, c, seed, method, seconds)


FIELDS = tuple(f.name for f in fields(SwitchRow))
# Field -> the kind of its values.
KINDS: dict[str, type] = {
    **dict.fromkeys(FIELDS, float),
    **dict.fromkeys(("activation", "method", "detail", "dtype", "device"), str),
    **dict.fromkeys(("n", "d", "width", "seed"), int),
}
COLUMNS = (*FIELDS[:-3], *VERSIONS, *FIELDS[-3:])  # as in every report, the versions stand before dtype and device


def states(problem: Problem, network: Network, t_max: float, device: str = "cpu") -> Iterator[State]:
    """The states of the flow from `network` at which the loss has fallen by a further factor, and the start; see
    `simulate.falling.falling_states`."""
    return falling_states(gradient_flow, problem, network, t_max, device)


def measured_rate(problem: Problem, state: State, device: str = "cpu") -> float:
    """The minimum of log(L^0/L^t)/t over the run from this state: no larger rate is true for it."""
    _, H, signs = state
    with Progress("steps") as progress:
        run = gradient_flow(
            problem,
            network=Network(H, signs),
            t_max=LONGEST,
            loss_ratio=LEAST,
            rtol=RTOL,
            dtype=DTYPE,
            device=device,
            progress=progress.along(t_max=LONGEST, loss_ratio=LEAST),
        )
    known = run.loss[1:] > CERTAIN * run.error[1:]
    return float(np.min(np.log(run.loss[0] / run.loss[1:][known]) / run.time[1:][known]))


def certificate_rows(problem: Problem, options: CertificateOptions) -> Iterator[SwitchRow]:
    """One row for each seed and method, each as soon as it is known.

    Raises ArgumentError if `problem` is no Problem or `options` no CertificateOptions.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    instance("options", options, CertificateOptions)
    device = str(choose_device("auto", options.width * problem.n))
    methods = options.methods or (SMOOTH if problem.activation.smooth else KINKED)
    for seed in options.seeds:
        network = sample_network(problem, width=options.width, scale=options.scale, seed=seed)
        start = loss_of(problem, network.H, network.signs)
        # Every method reads the same states; each state is computed once, when the first method reads it.
        copies = itertools.tee(states(problem, network, options.t_max, device), len(methods))
        for method, along in zip(methods, copies, strict=True):
            began = clock.monotonic()
            latest: list[State] = []
            with Progress("states tried") as progress:
                found = _first(problem, _remembered(along, latest, progress, f"{method}, seed {seed}"), method)
            row = replace(SwitchRow.of(problem, options, seed, method, clock.monotonic() - began), device=device)
            if found is not None:
                _, H, signs = latest[0]
                rate = found.certificate.rate
                measured = measured_rate(problem, latest[0], device)
                row = replace(
                    row,
                    loss_ratio=loss_of(problem, H, signs) / start,
                    time=found.time,
                    certified=rate,
                    measured=measured,
                    ratio=rate / measured,
                )
            yield row


def _remembered(along: Iterable[State], latest: list[State], progress: Progress, words: str) -> Iterator[State]:
    """The states, one by one; `latest` holds the one that was read last. words: of the search, for its progress."""
    for state in along:
        latest[:] = [state]
        progress.step(f"{words}, t = {state[0]:.4g}")
        yield state


def _first(problem: Problem, along: Iterable[State], method: str) -> SwitchOn | None:
    """The first state that `method` certifies; None if there is none, or if the method does not apply."""
    try:
        return first_certified(problem, along, method=method)
    except AssumptionError:
        return None


TABLE = TextTable(
    [
        Column("activation", 10, "<"),
        Column("n", 4, number_format="d"),
        Column("seed", 4, number_format="d"),
        Column("method", 9, "<"),
        Column("L / L0", 9, number_format=".3g"),
        Column("time", 9, number_format=".3g"),
        Column("certified", 9, rounding="down"),
        Column("measured", 9, number_format=".3g"),
        Column("ratio", 9, number_format=".3g"),
    ]
)


def table_line(row: SwitchRow) -> str:
    """The line of a row on the terminal; its heading is `TABLE.head()`."""
    measured = [row.loss_ratio, row.time, row.certified, row.measured, row.ratio]
    return TABLE.line([row.activation, row.n, row.seed, row.method, *measured])


def write_certificates(rows: Sequence[SwitchRow], path: str | Path) -> None:
    """Write the rows as CSV: one column for each of COLUMNS."""
    write_csv(path, [{**asdict(row), **versions()} for row in rows], COLUMNS)
