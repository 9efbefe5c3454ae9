"""linrate covers: what a given width still covers."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

from bounds.checks import INITS
from bounds.command_line import (
    HOLDS,
    UNDECIDED,
    add_guarantee_options,
    add_problem_options,
    problem_from,
)
from bounds.commands.options import add_json, add_method
from bounds.errors import AssumptionError
from bounds.guarantee import guarantee
from bounds.inverse import largest_n, smallest_delta, smallest_lambda_min
from bounds.problem import Problem
from bounds.rounding import rounded
from bounds.text import paragraph, printable


def add_command(commands: Any) -> None:
    """Add the parser of `linrate covers`."""
    command = commands.add_parser(
        "covers", help="what a given width still covers", example="linrate covers --builtin digits --width 4096"
    )
    add_problem_options(command)
    add_guarantee_options(command)
    command.add_argument("--width", type=int, required=True, help="number of neurons")
    add_method(command)
    add_json(command)
    command.set_defaults(run_command=run)


def run(options: Any) -> int:
    """Print what a width covers; UNDECIDED if no question has an answer."""
    problem = problem_from(options)
    width, delta = options.width, options.delta
    chosen = {"method": options.method, "init": options.init, "scale": options.scale}
    questions: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("smallest delta", lambda: smallest_delta(problem, width, **chosen)),
        ("largest n (first rows)", lambda: largest_n(problem, width, delta, **chosen)),
        ("smallest lambda_min(G)", lambda: smallest_lambda_min(problem, width, delta, **chosen)),
    )
    answers: dict[str, Any] = {}
    for text, question in questions:
        try:
            answers[text] = question()
        except AssumptionError as error:
            answers[text] = error
    found = {text: answer for text, answer in answers.items() if not isinstance(answer, AssumptionError)}
    if options.json:
        print(json.dumps({text: found.get(text) for text in answers}))
        return HOLDS if found else UNDECIDED
    print(f"{printable(problem.name)}: n={problem.n}, {problem.activation.name}, width={width}, init={options.init}")
    for text, answer in answers.items():
        print(f"{text:24} {rounded(answer, 'up') if text in found else 'none'}")
    print()
    print(paragraph(_coverage(problem, options, found, answers)))
    return HOLDS if found else UNDECIDED


def _coverage(problem: Problem, options: Any, found: dict[str, Any], answers: dict[str, Any]) -> str:
    """What a width covers, in one sentence; if that is nothing, what would be enough."""
    width = options.width
    if "smallest lambda_min(G)" in found:
        return f"A width of {width} covers these data with probability {1 - options.delta:.10g}."
    if found:
        return f"A width of {width} covers these data only in part, with probability {1 - options.delta:.10g}."
    enough = []
    for init in INITS:
        with contextlib.suppress(AssumptionError):
            g = guarantee(problem, options.delta, method=options.method, init=init, scale=options.scale)
            enough.append((g.width, init))
    if not enough:
        return f"A width of {width} covers nothing. {next(iter(answers.values()))}"
    other = [f"--init {init} asks for {rounded(asked, 'up')} neurons" for asked, init in sorted(enough)]
    covering = [init for asked, init in enough if asked <= width]
    advice = f" Use --init {covering[0]}." if covering else ""
    return f"A width of {width} covers nothing with --init {options.init}. For these data {', '.join(other)}.{advice}"
