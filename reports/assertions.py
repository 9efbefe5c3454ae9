"""What section 4 asserts, each assertion as a statement about independent pairs of runs, with an exact test.

A statement is true or false in each of N independent trials (a repetition, or a pair of runs on one data set). It HOLDS
if it is true significantly more often than in every second one, and is REFUTED if significantly less often, by the sign
test at LEVEL; otherwise it is UNDECIDED. Runs that failed are no trials.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reports.experiments import experiment_1, experiment_2, experiment_3
from reports.experiments.case import Case, Result
from reports.experiments.open_choices import Size
from reports.experiments.runner import Runner
from verify.verdict import Verdict

LEVEL = 0.05
STRAIGHT = 2.0  # a rate is nearly constant if the early one and the late one differ by less than this factor
SAME = 0.1  # two numbers agree if they differ by less than this part
NEGLIGIBLE = 0.1  # a movement is negligible if it is less than this part of the size of the features
LEAST_FALL = 0.02  # the loss of a run whose rates are compared has fallen below this part of the first one
Trial = tuple[bool, float]  # whether the statement is true, and the effect


@dataclass(frozen=True)
class Assertion:
    """id, where: its name, and the place in the paper; words: the statement; effect: what the number in the table is;
    trials(runs): one for each independent trial; runs: all of its experiment."""

    id: str
    where: str
    words: str
    effect: str
    experiment: str
    trials: Callable[[Sequence[Result]], Iterator[Trial]]


@dataclass(frozen=True)
class Finding:
    """trials, true: how many, and in how many of them the statement is true; effect, spread: mean and standard
    deviation; p: of the exact sign test, in the direction of the verdict."""

    assertion: Assertion
    trials: int
    true: int
    effect: float
    spread: float
    p: float
    verdict: Verdict


def sign_test(true: int, trials: int) -> tuple[float, float]:
    """(probability of at least, of at most `true` successes in so many fair coins), exactly."""
    weights = [math.comb(trials, k) for k in range(trials + 1)]
    return sum(weights[true:]) / 2**trials, sum(weights[: true + 1]) / 2**trials


def judge_assertion(assertion: Assertion, runs: Sequence[Result]) -> Finding:
    """The finding about one assertion; UNDECIDED without trials."""
    found = [(true, effect) for true, effect in assertion.trials(runs) if math.isfinite(effect)]
    true, effects = sum(t for t, _ in found), [e for _, e in found]
    above, below = sign_test(true, len(found))
    verdict = Verdict.HOLDS if above <= LEVEL else Verdict.REFUTED if below <= LEVEL else Verdict.UNDECIDED
    mean = float(np.mean(effects)) if effects else math.nan
    spread = float(np.std(effects, ddof=1)) if len(effects) > 1 else math.nan
    return Finding(assertion, len(found), true, mean, spread, min(above, below), verdict)


def findings(runner: Runner, sizes: dict[str, Size]) -> list[Finding]:
    """Every assertion, from the runs of the experiments at these sizes ("experiment-1": ... and so on)."""
    runs = {name: [r for r in runner.results(cases(name, size)) if r.ok] for name, size in sizes.items()}
    return [judge_assertion(a, runs[a.experiment]) for a in ASSERTIONS]


def cases(name: str, size: Size) -> list[Case]:
    """All runs of an experiment at a size."""
    module = {"experiment-1": experiment_1, "experiment-2": experiment_2, "experiment-3": experiment_3}[name]
    return [case for width in size.widths for case in module.cases(size, width)]


# -- what is measured on a run ----------------------------------------------------------------------------------------


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


def nearly_linear(n: int | None, model: str) -> Callable[[Sequence[Result]], Iterator[Trial]]:
    """The rate late in the run is that early in the run, within a factor; n: None for every n."""

    def trials(runs: Sequence[Result]) -> Iterator[Trial]:
        for run in runs:
            if run.case.model == model and n in (None, run.case.n) and run.case.width == max(_values(runs, "width")):
                ratio = late_over_early(run)
                yield 1 / STRAIGHT <= ratio <= STRAIGHT, ratio

    return trials


def slower_with_n(ratio: float) -> Callable[[Sequence[Result]], Iterator[Trial]]:
    """In a repetition, the time in which the loss falls to that part grows from the smallest n to the largest."""

    def trials(runs: Sequence[Result]) -> Iterator[Trial]:
        width, ns = max(_values(runs, "width"), default=0), _values(runs, "n")
        for k in sorted({r.case.repeat for r in runs}):
            found = [fall_time(r, ratio) for n in ns for r in [_of(runs, n, "shallow", width).get(k)] if r is not None]
            if len(found) == len(ns) and math.isfinite(found[0]):
                last = max((t for t in found if math.isfinite(t)), default=math.nan)
                yield all(a < b for a, b in pairwise(found)), last / found[0]

    return trials


def widths_agree(measure: Callable[[Result], float], model: str) -> Callable[[Sequence[Result]], Iterator[Trial]]:
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


def better(one: str, other: str) -> Callable[[Sequence[Result]], Iterator[Trial]]:
    """The test error of one model is smaller than that of the other on the same data; the effect is other/one."""

    def trials(runs: Sequence[Result]) -> Iterator[Trial]:
        for a, b in _pairs(runs, one, other):
            yield bool(a.test_mse[-1] < b.test_mse[-1]), float(b.test_mse[-1] / a.test_mse[-1])

    return trials


def falls_faster(one: str, other: str) -> Callable[[Sequence[Result]], Iterator[Trial]]:
    """From the smallest n to the largest, the test error of one model falls by a larger factor than that of another."""

    def trials(runs: Sequence[Result]) -> Iterator[Trial]:
        width, ns = max(_values(runs, "width"), default=0), _values(runs, "n")
        for k in sorted({r.case.repeat for r in runs}):
            ends = [[_of(runs, n, model, width).get(k) for n in (ns[0], ns[-1])] for model in (one, other)]
            if all(r is not None for pair in ends for r in pair):
                falls = [first.test_mse[-1] / last.test_mse[-1] for first, last in ends if first and last]
                yield bool(falls[0] > falls[1]), float(falls[0] / falls[1])

    return trials


def falls_with_n(model: str) -> Callable[[Sequence[Result]], Iterator[Trial]]:
    """From each n to the next the test error falls, in a repetition."""

    def trials(runs: Sequence[Result]) -> Iterator[Trial]:
        width, ns = max(_values(runs, "width"), default=0), _values(runs, "n")
        for k in sorted({r.case.repeat for r in runs}):
            found = [float(r.test_mse[-1]) for n in ns for r in [_of(runs, n, model, width).get(k)] if r is not None]
            if len(found) == len(ns) > 1:
                yield all(a > b for a, b in pairwise(found)), found[0] / found[-1]

    return trials


def measure_is(
    model: str, number: Callable[[dict[str, float]], float], true: Callable[[float], bool]
) -> Callable[[Sequence[Result]], Iterator[Trial]]:
    """A number computed from the measures of a run has a property."""

    def trials(runs: Sequence[Result]) -> Iterator[Trial]:
        for run in runs:
            if run.case.model == model and run.measures.keys() >= {"moved", "spread_after"}:
                yield true(number(run.measures)), number(run.measures)

    return trials


def _moved(measures: dict[str, float]) -> float:
    return measures["moved"]


def _spread(measures: dict[str, float]) -> float:
    return measures["spread_after"] / measures["spread_before"]


def _directions(measures: dict[str, float]) -> float:
    return measures["directions_after"] / measures["directions_before"]


def _to_a_hundredth(run: Result) -> float:
    return fall_time(run, 1e-2)


def _test_error(run: Result) -> float:
    return float(run.test_mse[-1])


ONE, TWO, THREE = "experiment-1", "experiment-2", "experiment-3"
RATES = "late rate over early rate"
ASSERTIONS = (
    Assertion("linear-20", "4.1", "the rate is nearly constant at n = 20", RATES, ONE, nearly_linear(20, "shallow")),
    Assertion("linear-40", "4.1", "the rate is nearly constant at n = 40", RATES, ONE, nearly_linear(40, "shallow")),
    Assertion(
        "slower-early",
        "4.1",
        "the larger n, the longer the loss takes to fall to 1e-2 of the first one",
        "time of the slowest n over that of the smallest",
        ONE,
        slower_with_n(1e-2),
    ),
    Assertion(
        "slower-late",
        "4.1",
        "the larger n, the longer the loss takes to fall to 1e-4",
        "time of the slowest n that comes there over that of the smallest",
        ONE,
        slower_with_n(1e-4),
    ),
    Assertion(
        "widths-1",
        "I.1",
        f"the two widths agree: the time to 1e-2 is the same within {SAME:.0%}",
        "size of the log of the ratio of the times",
        ONE,
        widths_agree(_to_a_hundredth, "shallow"),
    ),
    Assertion(
        "quadratic",
        "4.2",
        "the quadratic embedding has the lower test error",
        "plain over quadratic",
        TWO,
        better("quadratic", "plain"),
    ),
    Assertion(
        "widths-2",
        "I.2",
        f"with the embedding the two widths differ negligibly: test errors agree within {SAME:.0%}",
        "size of the log of the ratio of the errors",
        TWO,
        widths_agree(_test_error, "quadratic"),
    ),
    Assertion(
        "linear-3",
        "4.3",
        "in the paper's scaling the rate is nearly constant",
        RATES,
        THREE,
        nearly_linear(None, "ours"),
    ),
    Assertion(
        "features-ours",
        "4.3",
        f"in the paper's scaling the features move by more than {NEGLIGIBLE:.0%} of their size",
        "mean movement over mean size of h",
        THREE,
        measure_is("ours", _moved, lambda moved: moved > NEGLIGIBLE),
    ),
    Assertion(
        "features-ntk",
        "4.3",
        f"in the NTK scaling they move by less than {NEGLIGIBLE:.0%}",
        "mean movement over mean size of h",
        THREE,
        measure_is("ntk", _moved, lambda moved: moved < NEGLIGIBLE),
    ),
    Assertion(
        "mf-spread",
        "4.3",
        "in the mean-field scaling the features begin near 0 and spread at least tenfold",
        "spread after over before",
        THREE,
        measure_is("mf", _spread, lambda ratio: ratio > 10),
    ),
    Assertion(
        "mf-directions",
        "4.3",
        "in the mean-field scaling the features gain directions (participation ratio)",
        "directions after over before",
        THREE,
        measure_is("mf", _directions, lambda ratio: ratio > 1),
    ),
    Assertion(
        "ours-ntk",
        "4.3",
        "the paper's scaling has a lower test error than NTK",
        "NTK over the paper's",
        THREE,
        better("ours", "ntk"),
    ),
    Assertion(
        "ours-mf",
        "4.3",
        "the paper's scaling has a lower test error than mean field",
        "mean field over the paper's",
        THREE,
        better("ours", "mf"),
    ),
    Assertion(
        "mf-faster",
        "4.3",
        "with n the test error falls by a larger factor in the mean-field scaling than in NTK",
        "factor of mean field over that of NTK",
        THREE,
        falls_faster("mf", "ntk"),
    ),
    *(
        Assertion(
            f"falls-{model}",
            "I.3",
            f"the test error falls from each n to the next, {words}",
            "first over last",
            THREE,
            falls_with_n(model),
        )
        for model, words in (("ours", "in the paper's scaling"), ("ntk", "in NTK"), ("mf", "in mean field"))
    ),
)
