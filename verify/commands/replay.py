"""linrate replay: a saved counterexample, run again; linrate power: what the sequential test can tell."""

from __future__ import annotations

from collections.abc import Sequence

from bounds.checks import check_probability
from bounds.command_line import Parser
from bounds.errors import require
from bounds.text import printable
from verify.claims.base import NotApplicable
from verify.runs.regimes import decide
from verify.search.counterexample import curve, other_file, read, save_plot
from verify.statistics import most_trials, power
from verify.verdict import Verdict

FACTORS = (0.0, 0.5, 1.0, 2.0, 5.0)


def replay(argv: Sequence[str]) -> int:
    """linrate replay FILE: 1 where it still refutes, 0 where the claim holds, 3 where the numerics leave it open."""
    parser = Parser(prog="linrate replay", example="linrate replay reports/output/counterexamples/mine.npz")
    parser.add_argument("file", help="a .npz saved by pytest verify/, with its .json beside it")
    parser.add_argument("--conjectures", metavar="FILE", help="the file of its conjecture, which is run; no other is")
    parser.add_argument("--plot", metavar="PNG", help="draw the margin over time (needs matplotlib)")
    options = parser.parse_args(argv)
    found = read(options.file, conjectures=options.conjectures)
    if (changed := other_file(found.told, options.conjectures)) is not None:
        print(f"note: {changed}")
    try:
        verdict, run = decide(found.claim, found.make, found.rtol)
        told = found.claim.comparisons(run)
    except NotApplicable as reason:
        print(f"{printable(found.claim.id)} says nothing about this run: {reason}")
        return Verdict.UNDECIDED.exit_code
    worst = min(told, key=lambda comparison: comparison.slack)
    margin, error = float(worst.margin[worst.worst]), float(worst.error[worst.worst])
    problem = run.problem
    print(
        f"{printable(found.claim.id)}: {printable(found.claim.title)}\n"
        f"n={problem.n} {problem.activation.name} m={run.width} scale={run.scale:.6g} {run.init},"
        f" {printable(problem.name)}\n"
        f"until time {run.time[-1]:.6g}, L/L0 = {run.loss[-1] / run.loss[0]:.3g}, {run.status.name}\n"
        f"{worst.quantity}: theory {float(worst.theory[worst.worst]):.6g} ({worst.side}),"
        f" measured {float(worst.measured[worst.worst]):.6g} at time {float(worst.at[worst.worst[0]]):.6g}\n"
        f"margin  {margin:.6g} +- {error:.2g} (when saved: {found.told['margin']:.6g} +- {found.told['error']:.2g})\n\n"
        f"{curve(worst)}\n\n" + (f"{worst.open}\n\n" if worst.open else "") + verdict.value
    )
    if options.plot:
        save_plot(worst, f"{printable(found.claim.id)}: {worst.quantity}", options.plot)
    return verdict.exit_code


def power_table(argv: Sequence[str]) -> int:
    """linrate power: exact probabilities of each verdict, by the true failure rate."""
    parser = Parser(prog="linrate power", example="linrate power --delta 0.05 --alpha 0.001")
    parser.add_argument("--delta", type=float, default=0.05, help="the failure probability that a claim allows (0.05)")
    parser.add_argument("--alpha", type=float, default=1e-3, help="error budget of the verdict (0.001)")
    parser.add_argument("--trials", type=int, help="where the test gives up (default: as pytest verify/)")
    options = parser.parse_args(argv)
    check_probability(options.delta, "--delta")
    check_probability(options.alpha, "--alpha")
    require(options.trials is None or options.trials >= 1, "--trials", "at least 1", options.trials)
    trials = options.trials or most_trials(options.delta, options.alpha)
    print(f"claim: failure rate <= {options.delta:g}; alpha = {options.alpha:g}; at most {trials} trials")
    print(f"{'true rate':>10} {'HOLDS':>10} {'REFUTED':>10} {'UNDECIDED':>10} {'mean trials':>12}")
    for factor in FACTORS:
        rate = min(factor * options.delta, 1 - 1e-9)
        found = power(rate, delta=options.delta, alpha=options.alpha, trials=trials)
        print(
            f"{rate:10.4g} {found.holds:10.3g} {found.refuted:10.3g} {found.undecided:10.3g} {found.mean_trials:12.1f}"
        )
    return 0
