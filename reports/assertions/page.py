"""linrate assertions: the table on the terminal and as CSV, and the page docs/experiments.md."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from bounds.cells.options import executor_for_many, executor_of
from bounds.command_line import HOLDS
from bounds.csv_file import write_csv
from bounds.data.files import check_writable
from bounds.errors import require
from bounds.text_table import Column, TextTable
from bounds.versions import COLUMNS as VERSIONS
from bounds.versions import versions
from reports.assertions.judge import LEVEL, Finding
from reports.assertions.statements import findings
from reports.cell_options import add_cell_options
from reports.experiments import experiment_1, experiment_2, experiment_3
from reports.experiments.cache import Cache
from reports.experiments.case import Case, Result
from reports.experiments.open_choices import METHODS, Size
from reports.experiments.runner import Runner
from simulate import gradient_descent

EXPERIMENTS = {"experiment-1": experiment_1, "experiment-2": experiment_2, "experiment-3": experiment_3}
COLUMNS = (
    "id",
    "where",
    "assertion",
    "size",
    "method",
    "trials",
    "true",
    "effect_is",
    "effect",
    "spread",
    "p",
    "level",
    "verdict",
    *VERSIONS,
)
TABLE = TextTable(
    [
        Column("id", 14, "<"),
        Column("true", 6),
        Column("of", 4),
        Column("effect", 9, number_format=".3g"),
        Column("spread", 9, number_format=".2g"),
        Column("p", 9, number_format=".2g"),
        Column("verdict", 9, "<"),
        Column("effect is", align="<"),
    ]
)
STUDIED = 60  # n of the table about the step
STEPS: dict[str, float | str] = {
    "none: the flow": "flow",
    "a twentieth of the limit, growing as 1/‖r‖ to half of it": "residual",
    "half of the limit of stability": "stable",
    "fixed, 0.8 of the limit at the start": 0.8,
    "fixed, 0.1 of the limit at the start": 0.1,
}


def add_assertions_command(commands: Any) -> None:
    """linrate assertions"""
    parser = commands.add_parser(
        "assertions",
        help="what section 4 of the paper asserts, with exact tests over seeds and verdicts",
        example="linrate assertions --quick --out assertions.csv",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="a reduced size: minutes, with a process for each core")
    size.add_argument("--full", action="store_true", help="the paper's size (default): many hours, resumable")
    parser.add_argument(
        "--experiment", type=int, choices=(1, 2, 3), metavar="K", help="1, 2 or 3: only what is said of that one"
    )
    parser.add_argument("--method", choices=METHODS, help="flow or descent in place of that of the size")
    parser.add_argument("--out", metavar="CSV", default="assertions.csv", help="the table (default assertions.csv)")
    parser.add_argument("--cache", metavar="DIR", default="figures/cache", help="finished runs (default figures/cache)")
    parser.add_argument("--markdown", action="store_true", help="print the page docs/experiments.md instead")
    add_cell_options(parser, resume=None)


def run_assertions(options: Any) -> int:
    """Print the table, or the page. Returns the exit code, 0: the verdicts are about the paper's words."""
    out = check_writable(options.out, "--out")
    for name, words in (("experiment", "all experiments"), ("method", "runs by the method of each size")):
        value = getattr(options, name)
        possible = value is None or not options.markdown
        require(possible, f"--{name}", "left out with --markdown", value, f"The page is about {words}.")
    chosen = {name: module.QUICK if options.quick else module.FULL for name, module in EXPERIMENTS.items()}
    sizes = {name: size.changed(method=options.method) for name, size in chosen.items()}
    if options.experiment is not None:
        sizes = {name: size for name, size in sizes.items() if name == f"experiment-{options.experiment}"}
    executor = executor_for_many(options) if options.quick else executor_of(options)
    runner = Runner(Cache(options.cache), executor=executor)
    found = findings(runner, sizes)
    write_csv(out, [_row(f, sizes[f.assertion.experiment]) for f in found], COLUMNS)
    if options.markdown:
        print("\n".join(page(found, runner, quick=options.quick)))
        return HOLDS
    print(TABLE.head())
    for f in found:
        cells = [f.assertion.id, f.true, f.trials, f.effect, f.spread, f.p, f.verdict.value, f.assertion.effect]
        print(TABLE.line(cells))
    print(f"{len(found)} rows written to {out}")
    return HOLDS


def _row(f: Finding, size: Size) -> dict[str, Any]:
    a = f.assertion
    words = {"id": a.id, "where": a.where, "assertion": a.words}
    words |= {"size": "reduced" if size.reduced else "full", "method": size.method}
    numbers = {"trials": f.trials, "true": f.true, "effect": f.effect, "spread": f.spread, "p": f.p, "level": LEVEL}
    return {**words, **numbers, "effect_is": a.effect, "verdict": f.verdict.value, **versions()}


# -- the page ---------------------------------------------------------------------------------------------------------


def page(found: Sequence[Finding], runner: Runner, *, quick: bool) -> Iterator[str]:
    """The lines of docs/experiments.md."""
    yield "# The experiments of section 4"
    yield ""
    yield f"Written by `linrate assertions{' --quick' if quick else ''} --markdown`; change the code, not this page."
    yield "`linrate figure K` draws the figures."
    yield ""
    yield "## What the paper asserts"
    yield ""
    yield "Each assertion is true or false in independent trials: repetitions with their own data and network. The"
    yield f"verdict is that of the exact sign test at level {LEVEL:g}: HOLDS if it is true significantly more often"
    yield "than in every second trial, REFUTED if significantly less often, UNDECIDED otherwise. The table is about the"
    yield "sizes below, not about larger ones, and makes no correction for the number of assertions."
    yield ""
    yield "| where | assertion | true | effect | is | p | verdict |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for f in found:
        spread = f" ± {f.spread:.2g}" if math.isfinite(f.spread) else ""
        effect = f"{f.effect:.3g}{spread}" if f.trials else "no trial"
        a = f.assertion
        cells = [a.where, a.words, f"{f.true} of {f.trials}", effect, a.effect, f"{f.p:.2g}", f.verdict.value]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "## Sizes"
    yield ""
    yield "| experiment | m | n | d | repetitions | test points | until the loss ratio | or time |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, module in EXPERIMENTS.items():
        s = module.QUICK if quick else module.FULL
        widths, ns = (", ".join(map(str, values)) for values in (s.widths, s.ns))
        yield f"| {name} | {widths} | {ns} | {s.d} | {s.seeds} | {s.test} | {s.loss_ratio:g} | {s.t_max:g} |"
    yield ""
    yield "## What the paper leaves open"
    for name, module in EXPERIMENTS.items():
        yield ""
        yield f"### {name}"
        yield ""
        yield "| open | here | it may also be |"
        yield "| --- | --- | --- |"
        for choice in module.CHOICES:
            yield f"| {choice.question} | {choice.default} | {choice.others} |"
    yield ""
    yield "## What the step does in Experiment 3"
    yield ""
    small = experiment_3.QUICK
    yield f"One repetition with n = {STUDIED}, d = {small.d}, m = D = {small.widths[0]}, until the loss is"
    yield f"{small.loss_ratio:g} of the first one. The limit of stability is 2 over the kernel's largest eigenvalue."
    yield ""
    yield "| step | scaling | steps | test error | dead neurons | ends as |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for words, result in _step_study(runner):
        mse = f"{result.test_mse[-1]:.3f}" if len(result.test_mse) else ""
        dead = f"{result.measures['dead']:.1%}" if "dead" in result.measures else ""
        steps = f"{result.measures.get('steps_taken', 0):.0f}"
        yield f"| {words} | {result.case.model} | {steps} | {mse} | {dead} | {result.status} |"


def _step_study(runner: Runner) -> Iterator[tuple[str, Result]]:
    """The first repetition of Experiment 3, reduced, with each of STEPS, and with step 1 of the summed loss."""
    size = experiment_3.QUICK
    chosen = [case for case in experiment_3.cases(size, size.widths[0], (STUDIED,)) if case.repeat == 0]
    for words, step in [*STEPS.items(), ("1, with the summed loss", 1.0)]:
        for case in chosen:
            if step == "flow":
                yield words, runner.results([replace(case, method="flow")])[0]
                continue
            length = step * _limit(case) if isinstance(step, float) and step < 1 else step
            yield words, runner.results([replace(case, method="descent", step=length)])[0]


def _limit(case: Case) -> float:
    """2/(largest eigenvalue of the kernel) at the start."""
    start = gradient_descent(
        case.problem(), width=case.width, seed=case.seed, scaling=case.scaling, init=case.init, steps=0
    )
    return float(2 / (case.scale**2 * start.kernel_max_eig[0]))
