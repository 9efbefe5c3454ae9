"""What section 4 asserts, one entry each."""

from __future__ import annotations

from reports.assertions.judge import Assertion, Finding, judge_assertion
from reports.assertions.trials import (
    NEGLIGIBLE,
    SAME,
    better,
    fall_time,
    falls_faster,
    falls_with_n,
    measure_is,
    nearly_linear,
    slower_with_n,
    widths_agree,
)
from reports.experiments import experiment_1, experiment_2, experiment_3
from reports.experiments.case import Case, Result
from reports.experiments.open_choices import Size
from reports.experiments.runner import Runner


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


def findings(runner: Runner, sizes: dict[str, Size]) -> list[Finding]:
    """Every assertion about the experiments in `sizes` ("experiment-1": ... and so on), from their runs."""
    runs = {name: [r for r in runner.results(cases(name, size)) if r.ok] for name, size in sizes.items()}
    return [judge_assertion(a, runs[a.experiment]) for a in ASSERTIONS if a.experiment in runs]


def cases(name: str, size: Size) -> list[Case]:
    """All runs of an experiment at a size."""
    module = {"experiment-1": experiment_1, "experiment-2": experiment_2, "experiment-3": experiment_3}[name]
    return [case for width in size.widths for case in module.cases(size, width)]
