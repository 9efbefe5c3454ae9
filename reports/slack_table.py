"""linrate slack: the table of slacks on the terminal, as CSV and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bounds.cells import Row
from bounds.cells.options import executor_of
from bounds.command_line import HOLDS
from bounds.csv_file import write_csv
from bounds.data.files import check_writable
from bounds.errors import require
from bounds.pictures.ladder import PANELS, draw_rungs, labels
from bounds.pictures.ladder import SIZE as LADDER
from bounds.pictures.style import add_plot_option, check_picture, on_axes, picture_file
from bounds.text import printable
from bounds.text_table import Column, TextTable
from reports import slack
from reports.cell_options import add_cell_options, goes_on, progress_of

TABLE = TextTable(
    [
        Column("activation", 10, "<"),
        Column("method", 10, "<"),
        Column("init", 13, "<"),
        Column("quantity", 8, "<"),
        Column("necessary", 10),
        Column("enough", 10),
        Column("required", 10),
        Column("slack", 9),
        Column("", align="<"),
    ]
)


def table_line(row: dict[str, Any]) -> str:
    """The line of a row on the terminal. The name of a method that is not proved stands in brackets."""
    if row["detail"]:
        return f"{row['activation']}, {row['init']}: {printable(row['detail'])}"
    method = row["method"] if row["proved"] else f"({row['method']})"
    remark = "or more" if row["bracket"] == "at most" else ""
    named = [row["activation"], method, row["init"], row["quantity"]]
    return TABLE.line([*named, row["necessary"], row["sufficient"], row["required"], row["slack"], remark])


def draw_slack(rows: Sequence[dict[str, Any]], axes: Any = None) -> Any:
    """Draw the ladder of the first activation of the rows: what is required, what was enough and what is necessary.

    The line of what was enough is, of all methods and initialisations, the largest width and scale and the least rate
    that were found: enough for each of them. axes: three axes of matplotlib; None for those of a new figure. Returns
    them.

        reports.draw_slack([row for _, rows in reports.slack_rows() for row in rows])

    Raises ArgumentError for no rows or wrong axes, AssumptionError where matplotlib is not installed.
    """
    require(len(rows) > 0, "rows", "rows of slack_rows, at least one", len(rows))
    mine = [row for row in rows if row["activation"] == rows[0]["activation"]]
    rungs: dict[tuple[str, str], dict[str, Any]] = {}
    necessary: dict[str, float] = {}
    enough: dict[str, float] = {}
    for row in mine:
        name = row["quantity"]
        rate = name == "rate"
        column = "rate_over_scale_squared" if rate else name
        unit = row["scale"] ** 2 if rate else 1.0
        rung = rungs.setdefault((row["method"], row["init"]), {k: row[k] for k in ("method", "init", "proved")})
        rung[column] = row["required"] / unit
        # Impossible for every initialisation, and enough for every one of them.
        easiest, hardest = (max, min) if rate else (min, max)
        necessary[column] = easiest(necessary.get(column, row["necessary"] / unit), row["necessary"] / unit)
        if row["sufficient"] is not None:
            enough[column] = hardest(enough.get(column, row["sufficient"] / unit), row["sufficient"] / unit)
    names = [method for method in reversed(slack.METHODS) if any(key[0] == method for key in rungs)]
    whole = [rung for rung in rungs.values() if set(PANELS) <= set(rung)]
    with on_axes(axes, 3, LADDER, "axes", sharey=True) as panels:
        draw_rungs(panels, whole, names, necessary=necessary, enough=enough)
        panels[0].figure.legend(*labels(panels), loc="outside lower center", ncols=4)
        panels[1].set_xlabel(f"the reference problem, {mine[0]['activation']}, delta = {mine[0]['delta']:g}")
    return panels


def add_slack_command(commands: Any) -> None:
    """linrate slack"""
    parser = commands.add_parser(
        "slack",
        help="what each proof asks for against what is enough in simulation",
        example="linrate slack --trials 5 --out slack.csv",
    )
    parser.add_argument("--trials", type=int, default=3, help="networks for each width and scale tried (default 3)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first network (default 0)")
    parser.add_argument("--out", metavar="CSV", default="slack.csv", help="file for the table (default slack.csv)")
    parser.add_argument("--activation", choices=slack.ACTIVATIONS, help="this one only (default: all)")
    add_plot_option(parser, "the ladder of the first activation: necessary, enough and required")
    add_cell_options(parser, resume="directory of finished problems, which are not done again")


def run_slack(options: Any) -> int:
    """Print the table row by row, then write it as CSV. Returns the exit code."""
    out: Path = check_writable(options.out, "--out")
    if options.plot:
        check_picture(options.plot)
    print("what each proof asks for on the reference problem (n = 10, d = 100), and what is enough in")
    print(f"{options.trials} networks; methods in brackets are not proved")
    print(TABLE.head())
    directory = Path(options.resume) if options.resume else None
    kept = {"executor": executor_of(options), "directory": directory, "retry": options.retry}
    chosen = slack.ACTIVATIONS if options.activation is None else (options.activation,)
    asked = {"trials": options.trials, "seed": options.seed, "activations": chosen}
    by_cell: dict[int, list[Row]] = {}
    rows: list[Row] = []
    with goes_on(directory):
        progress = progress_of("problems")
        for index, found in slack.slack_rows(**asked, **kept, progress=progress):
            by_cell[index] = found
            rows = [row for k in sorted(by_cell) for row in by_cell[k]]
            write_csv(out, rows, slack.COLUMNS)  # after each problem: an interruption loses none that is finished
            progress.clear()
            for row in found:
                print(table_line(row), flush=True)
    if options.plot:
        with picture_file(options.plot, 3, LADDER, sharey=True) as axes:
            draw_slack(rows, axes)
    print(f"{len(rows)} rows written to {out}")
    known = [row["slack"] for row in rows if row["quantity"] == "width" and row["proved"] and row["slack"]]
    if known:
        print(f"The proved methods ask for {min(known):.3g} to {max(known):.3g} times the width that was enough.")
    return HOLDS
