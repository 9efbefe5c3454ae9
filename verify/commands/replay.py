"""linrate replay: a saved counterexample, run again."""

from __future__ import annotations

from collections.abc import Sequence

from bounds.command_line import Parser
from bounds.pictures.style import add_plot_option, check_picture, picture_file
from bounds.text import printable
from verify.claims.base import NotApplicable
from verify.picture import draw_margin
from verify.runs.confirm import decide
from verify.search.counterexample import curve, other_file, read
from verify.verdict import Verdict


def parser() -> Parser:
    """The options of the command."""
    found = Parser(prog="linrate replay", example="linrate replay reports/output/counterexamples/mine.npz")
    found.add_argument("file", help="a .npz saved by pytest verify/, with its .json beside it")
    found.add_argument("--conjectures", metavar="FILE", help="the file of its conjecture, which is run; no other is")
    add_plot_option(found, "the margin over time")
    return found


def replay(argv: Sequence[str]) -> int:
    """linrate replay FILE: returns 1 if the run still refutes, 0 if the claim holds, 3 if that stays undecided."""
    options = parser().parse_args(argv)
    if options.plot:
        check_picture(options.plot)
    found = read(options.file, conjectures=options.conjectures)
    if (note := other_file(found.saved, options.conjectures)) is not None:
        print(f"note: {note}")
    try:
        verdict, run = decide(found.claim, found.make, found.rtol)
        comparisons = found.claim.comparisons(run)
    except NotApplicable as reason:
        print(f"{printable(found.claim.id)} says nothing about this run: {reason}")
        return Verdict.UNDECIDED.exit_code
    worst = min(comparisons, key=lambda comparison: comparison.slack)
    margin, error = float(worst.margin[worst.worst]), float(worst.error[worst.worst])
    problem = run.problem
    print(
        f"{printable(found.claim.id)}: {printable(found.claim.title)}\n"
        f"n={problem.n} {problem.activation.name} m={run.width} scale={run.scale:.6g} {run.init},"
        f" {printable(problem.name)}\n"
        f"until time {run.time[-1]:.6g}, L/L0 = {run.loss[-1] / run.loss[0]:.3g}, {run.status.name}\n"
        f"{worst.quantity}: theory {float(worst.theory[worst.worst]):.6g} ({worst.side}),"
        f" measured {float(worst.measured[worst.worst]):.6g} at time {float(worst.at[worst.worst[0]]):.6g}\n"
        f"margin  {margin:.6g} +- {error:.2g}"
        f" (when saved: {found.saved['margin']:.6g} +- {found.saved['error']:.2g})\n\n"
        f"{curve(worst)}\n\n" + (f"{worst.open}\n\n" if worst.open else "") + verdict.value
    )
    if options.plot:
        with picture_file(options.plot) as axes:
            draw_margin(worst, axes, title=f"{found.claim.id} on {problem.name}: {verdict.value}")
    return verdict.exit_code
