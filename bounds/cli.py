"""The commands of `bounds`: width, table, constants, covers, certify and errata."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bounds import constants
from bounds.certificates.certificate import certificate_table, certify
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
from bounds.problem import Problem
from bounds.promise import SIMULABLE_WIDTH
from bounds.required import table
from bounds.text import printable
from bounds.text_table import Column, fitted_table

if TYPE_CHECKING:
    import pandas as pd

WHOLE_NUMBERS = {"width": "d", "embedding_dim": ".0f"}  # columns of `linrate table` that are shown with every digit
ERRATA_EXIT_CODES = (
    "exit codes: 0 every statement shown is refuted and its repair holds, as documented; 1 one of them is not;"
    f" 3 a number is not known well enough to tell; {OTHER_CODES}"
)


def main(argv: Sequence[str] | None = None) -> int:
    """python -m bounds width|table|constants|covers|certify|errata; returns the exit code."""
    parser = Parser(prog="linrate", example="python -m bounds table --builtin digits --delta 0.05")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    for add_command in (_add_width, _add_table, _add_constants, _add_covers, _add_certify, _add_errata):
        add_command(commands)
    options = parser.parse_args(argv)
    code: int = options.run_command(options)
    return code


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
    proved = "proved" if g.proved else "NOT proved: " + "; ".join(g.caveats)
    print(
        f"{printable(problem.name)}: n={problem.n} d={problem.d} {problem.activation.name},"
        f" embedding={problem.embedding_name}, init={g.init}, delta={g.delta:g}"
    )
    print(f"width  {g.width}{' (vacuous: beyond the budget)' if g.vacuous else ''}")
    if g.embedding_dim is not None:
        print(f"dim    {g.embedding_dim}")
    print(f"scale  {g.scale!r}")
    print(f"rate   {g.rate!r}")
    print(f"method {g.method} ({g.source}; {proved})")
    return HOLDS


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
    command.set_defaults(run_command=_table)


def _table(options: Any) -> int:
    """Print the table of all methods, and below it their sources and caveats."""
    problem = problem_from(options)
    frame = table(problem, options.delta, init=options.init, scale=options.scale, budget=options.budget)
    low, high = problem.spectrum.lmin[0], problem.spectrum.lmax[1]
    print(
        f"{printable(problem.name)}: n={problem.n} d={problem.d} {problem.activation.name}, init={options.init},"
        f" delta={options.delta}, lambda_min >= {low:.6g}, lambda_max <= {high:.6g}"
    )
    values = frame.drop(columns=["caveats", "source", "necessary_width", "necessary_scale"])
    values = values.astype(object).where(values.notna(), "NaN")  # a method that does not apply has no numbers
    columns = [Column(str(name), number_format=WHOLE_NUMBERS.get(str(name), ".4g")) for name in values]
    print(fitted_table(columns, values.to_numpy().tolist()))
    first = frame.iloc[0]
    print(
        f"necessary, whatever the proof: width >= {first['necessary_width']}, scale >= {first['necessary_scale']:.4g}"
    )
    for name, source, caveats in zip(frame["method"], frame["source"], frame["caveats"], strict=True):
        print(f"  {name}: {source}" + (f". {caveats}" if isinstance(caveats, str) and caveats else ""))
    return HOLDS


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
    command.set_defaults(run_command=_covers)


def _covers(options: Any) -> int:
    """Print what a width covers; UNDECIDED if no question has an answer."""
    problem = problem_from(options)
    width, delta = options.width, options.delta
    chosen = {"method": options.method, "init": options.init, "scale": options.scale}
    print(f"{printable(problem.name)}: n={problem.n}, {problem.activation.name}, width={width}, init={options.init}")
    questions: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("smallest delta", lambda: smallest_delta(problem, width, **chosen)),
        ("largest n (first rows)", lambda: largest_n(problem, width, delta, **chosen)),
        ("smallest lambda_min(G)", lambda: smallest_lambda_min(problem, width, delta, **chosen)),
    )
    answered = 0
    for text, question in questions:
        try:
            print(f"{text:24} {question()!r}")
            answered += 1
        except AssumptionError as error:
            print(f"{text:24} none: {error}")
    return HOLDS if answered else UNDECIDED


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
    _add_method(command)
    command.set_defaults(run_command=_certify)


def _certify(options: Any) -> int:
    """Print the certificate of a saved network; UNDECIDED if it does not hold."""
    state = read_state(options.state)
    problem = Problem(
        state.X,
        state.y,
        activation=_given_or_saved(options, state, "activation", "tanh"),
        embedding=get_embedding(_given_or_saved(options, state, "embedding", "identity")),
    )
    H = state.H if state.W is None else pre_activations(problem, state.W, problem.X, "X")
    c = certify(problem, H, signs=state.signs, method=options.method)
    print(f"holds           {c.holds}")
    print(f"rate            {c.rate!r}")
    print(f"method          {c.method}")
    print(f"beta            {c.beta!r}")
    print(f"critical scale  {c.critical_scale!r}")
    print(f"path length     {c.path_length!r}")
    print(f"reason          {c.reason}")
    print()
    print(_certificates_as_text(certificate_table(problem, H, signs=state.signs)))
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
            refused.append(f"{row['method']} does not apply: {printable(row['reason'])}")
        else:
            holds = "yes" if row["holds"] else "no"
            rows.append([row["method"], holds, row["rate"], row["beta"], row["critical_scale"]])
    return "\n".join([fitted_table(columns, rows), *refused])


def _given_or_saved(options: Any, state: State, name: str, default: str) -> str:
    """The activation or embedding of the command line, else that of the state file, else the default."""
    given, saved = getattr(options, name), getattr(state, name)
    if given is not None and saved is not None and given != saved:
        raise ArgumentError(f"--{name} {given!r} contradicts the state's own {name} {saved!r}. Leave it out.")
    return str(given or saved or default)


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
