"""The options of `pytest verify/`: declared, read and checked before anything runs."""

from __future__ import annotations

import math
import re
import secrets
import time as clock
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from bounds import Problem, get_activation
from bounds.cells.engines import open_engine
from bounds.cells.options import WHERE, executor_of
from bounds.checks import check_probability
from bounds.command_line import add_problem_options, problem_from
from bounds.data.datasets import load_builtin
from bounds.data.files import check_writable
from bounds.errors import require
from verify.claims import CLAIMS, select_claims
from verify.conjecture import fingerprint, load_conjectures
from verify.search.counterexample import Source

BUILTINS = ("reference", "diabetes", "digits")  # data sets of a session without --data and --builtin


def add_options(parser: Any) -> None:
    """Declare the options of `pytest verify/`."""
    group = parser.getgroup("linrate", "which claims to verify, on which data")
    add_problem_options(group)
    group.addoption("--claims", help=f"comma-separated, of {', '.join(CLAIMS)}")
    group.addoption(
        "--conjectures", metavar="FILE", help="a Python file of your own conjectures; see docs/conjectures.md"
    )
    group.addoption("--report", help="write the gap report to this CSV file")
    group.addoption("--ledger", metavar="CSV", help="write what holds at which confidence, and what of alpha is spent")
    group.addoption("--alpha", type=float, help="error budget of a statistical verdict (0.001; quick: 0.05)")
    group.addoption("--trials", type=int, help="runs behind a statistical verdict (default: what alpha needs)")
    for name, described in WHERE.items():
        group.addoption(name, **{**described, "help": f"trials: {described['help']}"})
    group.addoption("--quick", action="store_true", help="fewer examples and trials")
    group.addoption("--thorough", action="store_true", help="many more examples (an hour)")
    group.addoption("--budget", help="stop searching after this time, e.g. 30m, 2h or 90s; what is left out is named")
    group.addoption("--seed", default="0", help="of every search and every trial: a number (default 0), or random")
    group.addoption(
        "--counterexamples",
        metavar="DIR",
        default="reports/output/counterexamples",
        help="where refutations are saved for linrate replay",
    )


def read_options(options: Any) -> None:
    """Check the options and add what they stand for as attributes named linrate_*.

    linrate_conjectures, linrate_source: the conjectures of --conjectures and the record of their file, or [] and None.
    linrate_claims: the selected claims. linrate_problems: name -> function that makes the problem. linrate_seed: the
    seed. linrate_executor: where trials are done. linrate_stop_at: when the session's searches end, on the clock
    (time.monotonic). Raises LinrateError for an option out of its range, a file that cannot be read or written, or a
    scheduler that cannot be reached.
    """
    if options.alpha is None:
        options.alpha = 0.05 if options.quick else 1e-3
    check_probability(options.alpha, "--alpha")
    require(options.trials is None or options.trials >= 1, "--trials", "at least 1", options.trials)
    options.linrate_conjectures, options.linrate_source = [], None
    if options.conjectures:
        options.linrate_source = Source(Path(options.conjectures).name, fingerprint(options.conjectures))
        options.linrate_conjectures = load_conjectures(options.conjectures)
    chosen = options.claims.split(",") if options.claims is not None else None
    options.linrate_claims = [] if options.linrate_conjectures and chosen is None else select_claims(chosen)
    options.linrate_problems = _problems(options)
    options.linrate_seed = _seed(options)
    options.linrate_executor = executor_of(options)
    if options.linrate_executor is not None:
        with open_engine(options.linrate_executor):
            """So that one that cannot be used is refused now."""
    options.linrate_stop_at = clock.monotonic() + (_seconds(options.budget) if options.budget else math.inf)
    for name in ("report", "ledger"):
        if getattr(options, name):
            check_writable(getattr(options, name), f"--{name}")


def _seed(options: Any) -> int:
    """The integer of --seed. "random" is drawn once and written back, so that all workers search with the same seed."""
    if options.seed == "random":
        options.seed = str(secrets.randbelow(2**31))
    whole = options.seed.isascii() and options.seed.isdecimal() and len(options.seed) <= 40
    require(whole, "--seed", "a non-negative integer or random", options.seed[:60])
    return int(options.seed)


def _seconds(text: str) -> float:
    """The seconds of a time budget: a number with the unit s, m or h."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)", text)
    require(found is not None and float(found[1]) > 0, "--budget", "a positive time such as 90s, 30m or 2h", text)
    assert found is not None
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def _problems(options: Any) -> dict[str, Callable[[], Problem]]:
    """The session's problems by name, each as a function that makes it.

    The user's data are read now, so that their errors end the session at once; built-in ones when they are first used.
    """
    if options.data or options.builtin:
        problem = problem_from(options)
        problem.require_positive_definite("repaired")
        return {Path(problem.name).stem: lambda: problem}
    get_activation(options.activation)
    return {name: partial(_built_in, name, options.activation) for name in BUILTINS}


@cache
def _built_in(name: str, activation: str) -> Problem:
    return Problem(*load_builtin(name), activation=activation, name=name)
