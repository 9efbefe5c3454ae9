"""linrate table: every method side by side."""

from __future__ import annotations

import json
from typing import Any

from bounds.command_line import (
    HOLDS,
    add_guarantee_options,
    add_problem_options,
    problem_from,
)
from bounds.commands.options import add_budget, add_json, without_nan
from bounds.pictures.ladder import SIZE as LADDER
from bounds.pictures.style import add_plot_option, check_picture, picture_file
from bounds.presented import finite, plain
from bounds.required import table
from bounds.rounding import rounded
from bounds.text import paragraph
from bounds.text_table import Column, fitted_table


def add_command(commands: Any) -> None:
    """Add the parser of `linrate table`."""
    command = commands.add_parser(
        "table", help="every method side by side", example="linrate table --n 10 --d 100 --delta 0.05"
    )
    add_problem_options(command)
    add_guarantee_options(command)
    add_budget(command)
    add_json(command)
    add_plot_option(command, "the ladder: width, scale and rate of each method, and what is necessary")
    command.set_defaults(run_command=run)


def run(options: Any) -> int:
    """Print the table of all methods, and below it their sources and caveats."""
    if options.plot:
        check_picture(options.plot)
    problem = problem_from(options)
    frame = table(problem, options.delta, init=options.init, scale=options.scale, budget=options.budget)
    if options.plot:
        with picture_file(options.plot, 3, LADDER, sharey=True) as axes:
            frame.plot(axes)
    if options.json:
        print(json.dumps(finite(plain(without_nan(frame)))))
        return HOLDS
    low, high = problem.spectrum.lmin[0], problem.spectrum.lmax[1]
    print(
        paragraph(
            f"{problem.name}: n={problem.n} d={problem.d} {problem.activation.name}, init={options.init},"
            f" delta={options.delta:g}, lambda_min >= {rounded(low, 'down')}, lambda_max <= {rounded(high, 'up')}"
        )
    )
    found = without_nan(frame)
    shown = [row for row in found if row["width"] is not None]
    columns = [
        Column("method", align="<"),
        Column("width", rounding="up"),
        Column("scale", rounding="up"),
        Column("rate", rounding="down"),
        Column("share", rounding="down"),
        Column("path", rounding="up"),
        *([Column("dim", rounding="up")] if "embedding_dim" in frame else []),
        Column("set by", align="<"),
    ]
    print(fitted_table(columns, [_method_cells(row, "embedding_dim" in frame) for row in shown]))
    print()
    print(paragraph("In brackets: not proved. share: rate / (scale^2 lambda_min). set by: what the width is for."))
    first = found[0]
    print(
        paragraph(
            f"Necessary, whatever the proof: width >= {rounded(first['necessary_width'], 'down')}, scale >="
            f" {rounded(first['necessary_scale'], 'down')}."
        )
    )
    for row in shown:
        caveats = f". {row['caveats']}" if row["caveats"] else ""
        print(paragraph(f"{row['method']}: {row['source']}{caveats}", "  ", "    "))
    refused: dict[str, list[str]] = {}  # one reason -> the methods that it keeps from applying
    for row in found:
        if row["width"] is None:
            refused.setdefault(str(row["caveats"]).removeprefix(f"method '{row['method']}' "), []).append(row["method"])
    for why, names in refused.items():
        print(paragraph(f"no numbers from {', '.join(names)}: it {why}", "  ", "    "))
    print()
    best = min((row for row in shown if row["proved"]), key=lambda row: row["width"], default=None)
    if best is None:
        print("No proved method applies.")
    else:
        vacuous = f", beyond the budget of {options.budget}" if best["vacuous"] else ""
        print(
            paragraph(
                f"Of the proved methods {best['method']} asks for the fewest neurons, {rounded(best['width'], 'up')}"
                f"{vacuous}."
            )
        )
    return HOLDS


def _method_cells(row: dict[str, Any], random: bool) -> list[object]:
    """The cells of one method in the table on the terminal; random: there is a column of embedding dimensions."""
    name = row["method"] if row["proved"] else f"({row['method']})"
    dim = [int(row["embedding_dim"])] if random else []
    numbers = [row[column] for column in ("width", "scale", "rate", "rate / (scale^2 lambda_min)", "path_length")]
    return [name, *numbers, *dim, row["dominant"]]
