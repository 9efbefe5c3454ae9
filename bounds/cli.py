"""The commands of `bounds`: width, table, constants, covers, certify and errata."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from bounds import constants
from bounds.certificates.certificate import certificate_table, certify
from bounds.checks import INITS
from bounds.command_line import (
    HOLDS,
    OTHER_CODES,
    REFUTED,
    UNDECIDED,
    Parser,
    add_guarantee_options,
    add_problem_options,
    problem_from,
)
from bounds.data.embeddings import get_embedding
from bounds.data.state import State, read_state
from bounds.data.weights import pre_activations
from bounds.erratum import Demonstration, Erratum, errata, get_erratum
from bounds.errors import ArgumentError, AssumptionError, unknown_name
from bounds.guarantee import guarantee
from bounds.inverse import largest_n, smallest_delta, smallest_lambda_min
from bounds.pictures.certificate import SIZE as CERTIFICATE
from bounds.pictures.ladder import SIZE as LADDER
from bounds.pictures.style import add_plot_option, check_picture, picture_file
from bounds.presented import finite, plain
from bounds.problem import Problem
from bounds.progress import announce
from bounds.promise import SIMULABLE_WIDTH, Guarantee
from bounds.required import table
from bounds.rounding import rounded
from bounds.text import paragraph, printable
from bounds.text_table import Column, fitted_table

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
ERRATA_EXIT_CODES = (
    "exit codes: 0 every statement shown is refuted and its repair holds, as documented; 1 one of them is not;"
    f" 3 a number is not known well enough to tell; {OTHER_CODES}"
)


def main(argv: Sequence[str] | None = None) -> int:
    """python -m bounds width|table|constants|covers|certify|errata; returns the exit code."""
    options = _parser()[0].parse_args(argv)
    code: int = options.run_command(options)
    return code


def parsers() -> dict[str, Parser]:
    """Command -> its parser."""
    return _parser()[1]


def _parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser of all commands, and those of each."""
    parser = Parser(prog="linrate", example="python -m bounds table --builtin digits --delta 0.05")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    for add_command in (_add_width, _add_table, _add_constants, _add_covers, _add_certify, _add_errata):
        add_command(commands)
    return parser, commands.choices


# -- width -----------------------------------------------------------------------------------------------------------


def _add_width(commands: Any) -> None:
    """Add the parser of `linrate width`."""
    command = commands.add_parser(
        "width",
        help="the width, scale and rate of one method",
        example="linrate width --n 10 --d 100 --delta 0.05",
    )
    add_problem_options(command)
    add_guarantee_options(command)
    _add_budget(command)
    _add_method(command)
    _add_json(command)
    command.set_defaults(run_command=_width)


def _width(options: Any) -> int:
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


def _add_json(command: Any) -> None:
    """Add --json to the parser of a command."""
    command.add_argument("--json", action="store_true", help="all digits of every number, as JSON")


def _add_budget(command: Any) -> None:
    """Add --budget to the parser of a command."""
    command.add_argument(
        "--budget", type=int, default=SIMULABLE_WIDTH, help="width beyond which a bound is vacuous (default 10^7)"
    )


def _add_method(command: Any) -> None:
    """Add --method to the parser of a command."""
    command.add_argument("--method", default="best", help="a method's name, or best (the default)")


# -- table -----------------------------------------------------------------------------------------------------------


def _add_table(commands: Any) -> None:
    """Add the parser of `linrate table`."""
    command = commands.add_parser(
        "table", help="every method side by side", example="linrate table --n 10 --d 100 --delta 0.05"
    )
    add_problem_options(command)
    add_guarantee_options(command)
    _add_budget(command)
    _add_json(command)
    add_plot_option(command, "the ladder: width, scale and rate of each method, and what is necessary")
    command.set_defaults(run_command=_table)


def _table(options: Any) -> int:
    """Print the table of all methods, and below it their sources and caveats."""
    if options.plot:
        check_picture(options.plot)
    problem = problem_from(options)
    frame = table(problem, options.delta, init=options.init, scale=options.scale, budget=options.budget)
    if options.plot:
        with picture_file(options.plot, 3, LADDER, sharey=True) as axes:
            frame.plot(axes)
    if options.json:
        print(json.dumps(finite(plain(_without_nan(frame)))))
        return HOLDS
    low, high = problem.spectrum.lmin[0], problem.spectrum.lmax[1]
    print(
        paragraph(
            f"{problem.name}: n={problem.n} d={problem.d} {problem.activation.name}, init={options.init},"
            f" delta={options.delta:g}, lambda_min >= {rounded(low, 'down')}, lambda_max <= {rounded(high, 'up')}"
        )
    )
    found = _without_nan(frame)
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


def _without_nan(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table by column, None where there is no value."""
    return [
        {str(name): None if value is None or value != value else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _method_cells(row: dict[str, Any], random: bool) -> list[object]:
    """The cells of one method in the table on the terminal; random: there is a column of embedding dimensions."""
    name = row["method"] if row["proved"] else f"({row['method']})"
    dim = [int(row["embedding_dim"])] if random else []
    numbers = [row[column] for column in ("width", "scale", "rate", "rate / (scale^2 lambda_min)", "path_length")]
    return [name, *numbers, *dim, row["dominant"]]


# -- constants -------------------------------------------------------------------------------------------------------


def _add_constants(commands: Any) -> None:
    """Add the parser of `linrate constants`."""
    command = commands.add_parser(
        "constants",
        help="every constant of the theory, symbolically",
        example="linrate constants kappa K --latex",
    )
    command.add_argument("names", nargs="*", help="some of them (default: all)")
    command.add_argument("--latex", action="store_true", help="LaTeX in place of plain formulas")
    command.set_defaults(run_command=_constants)


def _constants(options: Any) -> int:
    """Print constants with their parameters, source and formula."""
    known = {c.name: c for c in constants.all_constants()}
    for name in options.names:
        if name not in known:
            raise unknown_name("constant", name, known)
    for name in options.names or known:
        c = known[name]
        print(f"{c.name}({', '.join(c.parameters)})   {c.source}; {'proved' if c.proved else 'NOT proved'}")
        print(f"    {c.latex if options.latex else c.symbolic}")
    return HOLDS


# -- covers ----------------------------------------------------------------------------------------------------------


def _add_covers(commands: Any) -> None:
    """Add the parser of `linrate covers`."""
    command = commands.add_parser(
        "covers", help="what a given width still covers", example="linrate covers --builtin digits --width 4096"
    )
    add_problem_options(command)
    add_guarantee_options(command)
    command.add_argument("--width", type=int, required=True, help="number of neurons")
    _add_method(command)
    _add_json(command)
    command.set_defaults(run_command=_covers)


def _covers(options: Any) -> int:
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


# -- certify ---------------------------------------------------------------------------------------------------------


def _add_certify(commands: Any) -> None:
    """Add the parser of `linrate certify`."""
    command = commands.add_parser(
        "certify", help="a certificate for one network", example="linrate certify state.npz --activation tanh"
    )
    command.add_argument(
        "state",
        metavar="NPZ",
        help="X (n, d), y (n,), signs (m,), and either H (m, n), as linrate flow --state-out writes them, or the"
        " weights W (m, D) with h_i(x) = (1/sqrt D) sum_j W_ij phi_j(x)",
    )
    command.add_argument("--activation", help="name of the activation (default: the state's own, else tanh)")
    command.add_argument("--embedding", help="as for linrate width (default: the state's own, else identity)")
    command.add_argument(
        "--last-layer",
        type=float,
        metavar="MOBILITY",
        help="the mobility of a trained last layer (default: the state's own, else 0: fixed)",
    )
    _add_method(command)
    _add_json(command)
    add_plot_option(command, "how much of each ingredient of the certificate is used")
    command.set_defaults(run_command=_certify)


def _certify(options: Any) -> int:
    """Print the certificate of a saved network; UNDECIDED if it does not hold."""
    if options.plot:
        check_picture(options.plot)
    state = read_state(options.state)
    problem = Problem(
        state.X,
        state.y,
        activation=_given_or_saved(options, state, "activation", "tanh"),
        embedding=get_embedding(_given_or_saved(options, state, "embedding", "identity")),
        last_layer=_given_or_saved(options, state, "last_layer", 0.0),
    )
    H = state.H if state.W is None else pre_activations(problem, state.W, problem.X, "X")
    if options.method == "shadowing":
        announce("following the path of the network with a proved error: up to minutes ...")
    c = certify(problem, H, signs=state.signs, method=options.method)
    every = certificate_table(problem, H, signs=state.signs)
    if options.plot:
        with picture_file(options.plot, size=CERTIFICATE) as axes:
            c.plot(axes)
    if options.json:
        print(json.dumps(finite({**c.to_dict(), "methods": plain(_without_nan(every))}), allow_nan=False))
        return HOLDS if c.holds else UNDECIDED
    print(f"holds           {c.holds}")
    print(f"rate            {rounded(c.rate, 'down')}")
    print(f"method          {c.method}")
    print(f"beta            {rounded(c.beta, 'up')}")
    print(f"critical scale  {rounded(c.critical_scale, 'up')}")
    print(f"path length     {rounded(c.path_length, 'up')}")
    print(paragraph(c.reason, "reason          ", " " * 16))
    print()
    print(_certificates_as_text(every))
    print()
    if c.holds:
        rate = rounded(c.rate, "down")
        print(paragraph(f"Proved: from this network on, L_t <= L_0 exp(-{rate} t) for all times, without probability."))
    else:
        print("Nothing is certified for this network, which does not mean that its loss fails to converge.")
    return HOLDS if c.holds else UNDECIDED


def _certificates_as_text(frame: pd.DataFrame) -> str:
    """The table of every method that is a formula; a method that does not apply says why."""
    columns = [
        Column("method", align="<"),
        Column("holds", align="<"),
        Column("rate", rounding="down"),
        Column("beta", rounding="up"),
        Column("critical scale", rounding="up"),
    ]
    rows, refused = [], []
    for row in frame.to_dict("records"):
        if row["holds"] is None:
            refused.append(f"{row['method']} does not apply: {row['reason']}")
        else:
            holds = "yes" if row["holds"] else "no"
            rows.append([row["method"], holds, row["rate"], row["beta"], row["critical_scale"]])
    lines = [paragraph(line, "", "  ") for line in refused]
    return "\n".join([fitted_table(columns, rows), *lines])


def _given_or_saved(options: Any, state: State, name: str, default: T) -> T:
    """The activation, embedding or last_layer of the command line, else that of the state file, else the default."""
    given, saved = getattr(options, name), getattr(state, name)
    if given is not None and saved is not None and given != saved:
        flag = name.replace("_", "-")
        raise ArgumentError(f"--{flag} {given!r} contradicts the state's own {name} {saved!r}. Leave it out.")
    found: T = default if saved is None and given is None else saved if given is None else given
    return found


# -- errata ----------------------------------------------------------------------------------------------------------


def _add_errata(commands: Any) -> None:
    """Add the parser of `linrate errata`."""
    command = commands.add_parser(
        "errata",
        help="what is wrong in the paper, each with its counterexample computed",
        epilog=f"example: linrate errata E5\n{ERRATA_EXIT_CODES}",
    )
    command.add_argument("id", nargs="?", metavar="ID", help="one erratum in full, for example E5 (default: all)")
    command.add_argument("--markdown", action="store_true", help="write docs/errata.md to standard output")
    command.set_defaults(run_command=_errata)


def _errata(options: Any) -> int:
    """Compute and print one erratum or all of them; the code says whether they are as documented."""
    from bounds.erratum import report

    if options.id and options.markdown:
        raise ArgumentError("--markdown writes every erratum. Leave the identifier out.")
    results: list[tuple[Erratum, Demonstration]] = []
    for erratum in [get_erratum(options.id)] if options.id else errata():
        started = time.monotonic()
        demonstration = erratum.demonstrate()
        results.append((erratum, demonstration))
        if options.id:
            print(report.full(erratum, demonstration))
        elif not options.markdown:
            print(report.line(erratum, demonstration, time.monotonic() - started), flush=True)
    if options.markdown:
        print(report.markdown(results), end="")
    elif not options.id:
        print(report.summary(results))
    as_documented = {demonstration.as_documented for _, demonstration in results}
    if False in as_documented:
        return REFUTED
    return UNDECIDED if None in as_documented else HOLDS
