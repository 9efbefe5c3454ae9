"""What is measured on runs, and the kinds of trial: each says of every repetition whether a statement is true."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from reports.experiments.case import Result

STRAIGHT = 2.0  # a rate is nearly constant if the early one and the late one differ by less than this factor
SAME = 0.1  # two numbers agree if they differ by less than this part
NEGLIGIBLE = 0.1  # a movement is negligible if it is less than this part of the size of the features
LEAST_FALL = 0.02  # the loss of a run whose rates are compared has fallen below this part of the first one
Trial = tuple[bool, float]  # whether the statement is true, and the effect
Trials = Callable[[Sequence[Result]], Iterator[Trial]]


def fall_time(run: Result, ratio: float) -> float:
    """When the loss first is that part of the initial one, interpolated; infinite if it never is."""
    logs = np.log(np.maximum(run.loss, 1e-300) / run.loss[0])
    reached = np.flatnonzero(logs <= math.log(ratio))
    if not len(reached) or reached[0] == 0:
        return math.inf
    k = int(reached[0])
    share = (math.log(ratio) - logs[k - 1]) / (logs[k] - logs[k - 1])
    return float(run.time[k - 1] + share * (run.time[k] - run.time[k - 1]))


def late_over_early(run: Result) -> float:
    """The rate of the second half of the fall over that of the first: halves of log L, from a tenth of the initial loss
    to the loss at the end, so that a run that stalls counts. NaN if the loss has not fallen below LEAST_FALL."""
    end = float(run.loss[-1] / run.loss[0])
    if not 0 < end < LEAST_FALL:
        return math.nan
    begin, middle, last = (fall_time(run, ratio) for ratio in (0.1, math.sqrt(0.1 * end), end * (1 + 1e-9)))
    return (middle - begin) / (last - middle) if math.isfinite(last) and last > middle else math.nan


def _of(runs: Sequence[Result], n: int, model: str, width: int) -> dict[int, Result]:
    """Repetition -> run."""
    return {r.case.repeat: r for r in runs if (r.case.n, r.case.model, r.case.width) == (n, model, width)}


def _values(runs: Sequence[Result], name: str) -> list:
    return sorted({getattr(r.case, name) for r in runs})


def _pairs(runs: Sequence[Result], one: str, other: str) -> Iterator[tuple[Result, Result]]:
    """Runs of two models on the same data, for each n, at the largest width."""
    width = max(_values(runs, "width"), default=0)
    for n in _values(runs, "n"):
        first, second = _of(runs, n, one, width), _of(runs, n, other, width)
        yield from ((first[k], second[k]) for k in sorted(first.keys() & second.keys()))


def nearly_linear(n: int | None, model: str) -> Trials:
    """The rate late in the run is that early in the run, within a factor; n: None for every n."""

    def trials(runs: Sequence[Result]) -> Iterator[Trial]:
        for run in runs:
            if run.case.model == model and n in (None, run.case.n) and run.case.width == max(_values(runs, "width")):
                ratio = late_over_early(run)
                yield 1 / STRAIGHT <= ratio <= STRAIGHT, ratio

    return trials


def slower_with_n(ratio: float) -> Trials:
    """In a repetition, the time in which the loss falls to that part grows from the smallest n to the largest."""

    def trials(runs: Sequence[Result]) -> Iterator[Trial]:
        width, ns = max(_values(runs, "width"), default=0), _values(runs, "n")
        for k in sorted({r.case.repeat for r in runs}):
            found = [fall_time(r, ratio) for n in ns for r in [_of(runs, n, "shallow", width).get(k)] if r is not None]
            if len(found) == len(ns) and math.isfinite(found[0]):
                last = max((t for t in found if math.isfinite(t)), default=math.nan)
                yield all(a < b for a, b in pairwise(found)), last / found[0]

    return trials


def widths_agree(measure: Callable[[Result], float], model: str) -> Trials:
    """A number is the same at both widths, on the same data, within SAME."""

    def trials(runs: Sequence[Result]) -> Iterator[Trial]:
        widths = _values(runs, "width")
        if len(widths) < 2:
            return
        for n in _values(runs, "n"):
            small, large = (_of(runs, n, model, width) for width in (widths[0], widths[-1]))
            for k in sorted(small.keys() & large.keys()):
                one, other = measure(small[k]), measure(large[k])
                apart = abs(math.log(one / other)) if 0 < one < math.inf and 0 < other < math.inf else math.nan
                yield apart < math.log(1 + SAME), apart

    return trials


def better(one: str, other: str) -> Trials:
    """The test error of one model is smaller than that of the other on the same data; the effect is other/one."""

    def trials(runs: Sequence[Result]) -> Iterator[Trial]:
        for a, b in _pairs(runs, one, other):
            yield bool(a.test_mse[-1] < b.test_mse[-1]), float(b.test_mse[-1] / a.test_mse[-1])

    return trials


def falls_faster(one: str, other: str) -> Trials:
    """From the smallest n to the largest, the test error of one model falls by a larger factor than that of another."""

    def trials(runs: Sequence[Result]) -> Iterator[Trial]:
        width, ns = max(_values(runs, "width"), default=0), _values(runs, "n")
        for k in sorted({r.case.repeat for r in runs}):
            ends = [[_of(runs, n, model, width).get(k) for n in (ns[0], ns[-1])] for model in (one, other)]
            if all(r is not None for pair in ends for r in pair):
                falls = [first.test_mse[-1] / last.test_mse[-1] for first, last in ends if first and last]
                yield bool(falls[0] > falls[1]), float(falls[0] / falls[1])

    return trials


def falls_with_n(model: str) -> Trials:
    """From each n to the next the test error falls, in a repetition."""

    def trials(runs: Sequence[Result]) -> Iterator[Trial]:
        width, ns = max(_values(runs, "width"), default=0), _values(runs, "n")
        for k in sorted({r.case.repeat for r in runs}):
            found = [float(r.test_mse[-1]) for n in ns for r in [_of(runs, n, model, width).get(k)] if r is not None]
            if len(found) == len(ns) > 1:
                yield all(a > b for a, b in pairwise(found)), found[0] / found[-1]

    return trials


def measure_is(model: str, number: Callable[[dict[str, float]], float], true: Callable[[float], bool]) -> Trials:
    """A number computed from the measures of a run has a property."""

    def trials(runs: Sequence[Result]) -> Iterator[Trial]:
        for run in runs:
            if run.case.model == model and run.measures.keys() >= {"moved", "spread_after"}:
                yield true(number(run.measures)), number(run.measures)

    return trials
