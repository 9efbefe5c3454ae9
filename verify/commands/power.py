"""linrate power: with which probability the sequential test comes to each verdict."""

from __future__ import annotations

from collections.abc import Sequence

from bounds.checks import check_probability
from bounds.command_line import HOLDS, Parser
from bounds.errors import require
from verify.statistics import most_trials, power

FACTORS = (0.0, 0.5, 1.0, 2.0, 5.0)  # true failure rates of the table, as multiples of delta
LARGEST_RATE = 1 - 1e-9  # a rate of 1 has no logarithm of its complement


def parser() -> Parser:
    """The options of the command."""
    found = Parser(prog="linrate power", example="linrate power --delta 0.05 --alpha 0.001")
    found.add_argument("--delta", type=float, default=0.05, help="the failure probability that a claim allows (0.05)")
    found.add_argument("--alpha", type=float, default=1e-3, help="error budget of the verdict (0.001)")
    found.add_argument("--trials", type=int, help="where the test gives up (default: as pytest verify/)")
    return found


def power_table(argv: Sequence[str]) -> int:
    """linrate power: exact probabilities of each verdict, for several true failure rates. Returns 0."""
    options = parser().parse_args(argv)
    check_probability(options.delta, "--delta")
    check_probability(options.alpha, "--alpha")
    require(options.trials is None or options.trials >= 1, "--trials", "at least 1", options.trials)
    trials = options.trials or most_trials(options.delta, options.alpha)
    print(f"claim: failure rate <= {options.delta:g}; alpha = {options.alpha:g}; at most {trials} trials")
    print(f"{'true rate':>10} {'HOLDS':>10} {'REFUTED':>10} {'UNDECIDED':>10} {'mean trials':>12}")
    for factor in FACTORS:
        rate = min(factor * options.delta, LARGEST_RATE)
        found = power(rate, delta=options.delta, alpha=options.alpha, trials=trials)
        print(
            f"{rate:10.4g} {found.holds:10.3g} {found.refuted:10.3g} {found.undecided:10.3g} {found.mean_trials:12.1f}"
        )
    return HOLDS
