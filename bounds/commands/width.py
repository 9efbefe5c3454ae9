"""linrate width: the width, scale and rate of one method."""

from __future__ import annotations

from typing import Any

from bounds.command_line import (
    HOLDS,
    add_guarantee_options,
    add_problem_options,
    problem_from,
)
from bounds.commands.options import add_budget, add_json, add_method
from bounds.guarantee import guarantee
from bounds.promise import Guarantee
from bounds.rounding import rounded
from bounds.text import paragraph


def add_command(commands: Any) -> None:
    """Add the parser of `linrate width`."""
    command = commands.add_parser(
        "width",
        help="the width, scale and rate of one method",
        example="linrate width --n 10 --d 100 --delta 0.05",
    )
    add_problem_options(command)
    add_guarantee_options(command)
    add_budget(command)
    add_method(command)
    add_json(command)
    command.set_defaults(run_command=run)


def run(options: Any) -> int:
    """Print the guarantee of one method."""
    problem = problem_from(options)
    g = guarantee(
        problem,
        options.delta,
        method=options.method,
        init=options.init,
        scale=options.scale,
        budget=options.budget,
    )
    if options.json:
        print(g.to_json())
        return HOLDS
    print(
        paragraph(
            f"{problem.name}: n={problem.n} d={problem.d} {problem.activation.name},"
            f" embedding={problem.embedding_name}, init={g.init}, delta={g.delta:g}"
        )
    )
    print(f"width  {g.width}{' (vacuous: beyond the budget)' if g.vacuous else ''}")
    if g.embedding_dim is not None:
        print(f"dim    {g.embedding_dim}")
    print(f"scale  {rounded(g.scale, 'up')}")
    print(f"rate   {rounded(g.rate, 'down')}")
    print(paragraph(f"{g.method} ({g.source}; {'proved' if g.proved else 'NOT proved'})", "method ", "       "))
    for caveat in g.caveats:
        print(paragraph(caveat, "       ", "       "))
    print()
    print(paragraph(_promise(g)))
    return HOLDS


def _promise(g: Guarantee) -> str:
    """What a guarantee says, in one sentence."""
    claim = (
        f"a network of {rounded(g.width, 'up')} neurons or more at scale {rounded(g.scale, 'up')} has"
        f" L_t <= L_0 exp(-{rounded(g.rate, 'down')} t) for all times, with probability at least {1 - g.delta:.10g}"
    )
    if not g.proved:
        return f"Method {g.method!r} would have it, without a proof, that {claim}."
    return f"Proved: {claim}." + (" No machine simulates such a width." if g.vacuous else "")
