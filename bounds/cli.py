"""What every command line shares (the choice of a problem, exit codes), and the commands of `bounds`."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from bounds import constants
from bounds.certificates.certificate import certify
from bounds.checks import INITS
from bounds.data.datasets import DATASETS, load_builtin
from bounds.data.embeddings import get_embedding
from bounds.data.files import FULL
from bounds.data.readers import load_file
from bounds.data.state import read_state
from bounds.erratum import Demonstration, Erratum, errata, get_erratum
from bounds.errors import ArgumentError, AssumptionError, LinrateError, WriteError, unknown_name
from bounds.guarantee import SIMULABLE_WIDTH, guarantee, table
from bounds.inverse import largest_n, smallest_delta, smallest_lambda_min
from bounds.problem import Problem
from bounds.signals import exit_code, listening
from bounds.text import printable
from bounds.text_table import Column, fitted_table

HOLDS, REFUTED, BAD_INPUT, UNDECIDED = 0, 1, 2, 3
INTERNAL, CLOSED_PIPE = 70, 141
WHOLE_NUMBERS = {"width": "d", "embedding_dim": ".0f"}  # columns of `linrate table` that are shown with every digit
OTHER_CODES = "2 bad input, 70 a fault of linrate, 74 the output cannot be written, 128 + n stopped by signal n"
EXIT_CODES = f"exit codes: 0 holds, 1 refuted, 3 undecided; {OTHER_CODES}"
ERRATA_EXIT_CODES = (
    "exit codes: 0 every statement shown is refuted and its repair holds, as documented; 1 one of them is not;"
    f" 3 a number is not known well enough to tell; {OTHER_CODES}"
)


class Parser(argparse.ArgumentParser):
    """argparse with bad input as exit code 2 and an example in --help."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("epilog", f"example: {example}\n{EXIT_CODES}" if example else EXIT_CODES)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        raise ArgumentError(message)


def run(main: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None = None) -> int:
    """Call a command line's main and return the exit code, whatever happens: one line on stderr tells what did.

    2 for bad input, 74 where the disk is full, 141 where whoever reads the output has left (which needs no words),
    128 + n after signal n, 70 for an error of our own, whose traceback LINRATE_DEBUG=1 shows.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show ends no command
    try:
        with listening():
            try:
                code = main(argv)
            except SystemExit as stop:  # argparse, after --help
                code = int(stop.code or 0)
            sys.stdout.flush()
            return code
    except LinrateError as error:
        return _end(error.exit_code, f"error: {printable(error)}")
    except KeyboardInterrupt as stop:
        return _end(exit_code(stop), printable(stop) or "interrupted")
    except BrokenPipeError:
        return _end(CLOSED_PIPE, None)
    except MemoryError as error:
        told = printable(error) or "no memory is left"
        return _end(
            BAD_INPUT, f"error: this needs more memory than there is ({told}). Take fewer rows or a smaller width."
        )
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            where = "the standard output" if error.filename is None else printable(repr(error.filename))
            return _end(WriteError.exit_code, f"error: {where} could not be written: {error.strerror}.")
        if os.environ.get("LINRATE_DEBUG"):
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        return _end(
            INTERNAL,
            f"internal error: {type(error).__name__}: {printable(error)} ({last.filename}:{last.lineno}). This is a"
            " fault of linrate, not of your input. Please report this line with the command and what"
            " `linrate --version` prints; LINRATE_DEBUG=1 shows the traceback.",
        )


def _end(code: int, message: str | None) -> int:
    """Say why, if anybody still listens, and drop what was printed but cannot be delivered."""
    for stream, text in ((sys.stdout, None), (sys.stderr, message)):
        try:
            if text is not None:
                print(text, file=stream)
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError, ValueError):  # Python would complain about it once more as it ends
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return code


def add_problem_options(parser: Any) -> None:
    """--data or --builtin with --target, --n, --d, --data-seed, --activation, --embedding."""
    parser.add_argument("--data", metavar="FILE", help=".npz (X, y), .npy, .csv or .parquet; y is the last column")
    parser.add_argument("--target", metavar="NAME", help="the column of y (for .npy: the file of y)")
    parser.add_argument("--builtin", metavar="NAME", help=f"a built-in data set: {', '.join(DATASETS)}")
    parser.add_argument("--n", type=int, help="number of data points of a built-in set")
    parser.add_argument("--d", type=int, help="input dimension of a built-in set")
    parser.add_argument("--data-seed", type=int, help="seed of a built-in set (default 0)")
    parser.add_argument("--activation", default="tanh", help="name of the activation (default tanh)")
    parser.add_argument(
        "--embedding",
        default="identity",
        help="identity (default), quadratic or random-features:depth=1,activation=relu[,dim=D,seed=0]",
    )


def problem_from(options: Any) -> Problem:
    """The problem that the options of add_problem_options describe."""
    embedding = get_embedding(options.embedding)
    if options.data and options.builtin:
        raise ArgumentError("give --data or --builtin, not both.")
    if options.data:
        for flag in ("n", "d", "data_seed"):
            if getattr(options, flag) is not None:
                flag = flag.replace("_", "-")
                raise ArgumentError(f"--{flag} is for a built-in data set, not for --data. Leave it out.")
        X, y = load_file(options.data, options.target)
        name = str(options.data)
    else:
        name = options.builtin or "reference"
        if options.target is not None:
            raise ArgumentError("--target names a column of --data; a built-in data set has its own. Leave it out.")
        X, y = load_builtin(name, n=options.n, d=options.d, seed=options.data_seed or 0)
    return Problem(X, y, activation=options.activation, embedding=embedding, name=name)


def add_guarantee_options(parser: Any) -> None:
    """--delta, --init, --scale."""
    parser.add_argument("--delta", type=float, default=0.05, help="failure probability (default 0.05)")
    parser.add_argument("--init", default="independent", help=f"one of {', '.join(INITS)} (default independent)")


def main(argv: Sequence[str] | None = None) -> int:
    """python -m bounds width|table|constants|covers|certify|errata"""
    parser = Parser(prog="linrate", example="python -m bounds table --builtin digits --delta 0.05")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    for name, help_text in (
        ("width", "the width, scale and rate of one method"),
        ("table", "every method side by side"),
    ):
        command = commands.add_parser(name, help=help_text, example=f"linrate {name} --n 10 --d 100 --delta 0.05")
        add_problem_options(command)
        add_guarantee_options(command)
        command.add_argument("--scale", type=float, help="c hat, by default what the theorem asks for")
        command.add_argument(
            "--budget", type=int, default=SIMULABLE_WIDTH, help="width beyond which a bound is vacuous (default 10^7)"
        )
        if name == "width":
            command.add_argument("--method", default="best", help="a method's name, or best (the default)")
    command = commands.add_parser(
        "constants",
        help="every constant of the theory, symbolically",
        example="linrate constants kappa K --latex",
    )
    command.add_argument("names", nargs="*", help="some of them (default: all)")
    command.add_argument("--latex", action="store_true", help="LaTeX in place of plain formulas")
    command = commands.add_parser(
        "covers", help="what a given width still covers", example="linrate covers --builtin digits --width 4096"
    )
    add_problem_options(command)
    add_guarantee_options(command)
    command.add_argument("--width", type=int, required=True, help="number of neurons")
    command.add_argument("--scale", type=float, help="c hat, by default what the theorem asks for")
    command.add_argument("--method", default="best", help="a method's name, or best (the default)")
    command = commands.add_parser(
        "certify", help="a certificate for one network", example="linrate certify state.npz --activation tanh"
    )
    command.add_argument(
        "state", metavar="NPZ", help="X (n, d), y (n,), H (m, n), signs (m,): linrate flow --state-out"
    )
    command.add_argument("--activation", help="name of the activation (default: the state's own, else tanh)")
    command.add_argument("--embedding", help="as for linrate width (default: the state's own, else identity)")
    command.add_argument("--method", default="best", help="a method's name, or best (the default)")
    command = commands.add_parser(
        "errata",
        help="what is wrong in the paper, each with its counterexample computed",
        epilog=f"example: linrate errata E5\n{ERRATA_EXIT_CODES}",
    )
    command.add_argument("id", nargs="?", metavar="ID", help="one erratum in full, for example E5 (default: all)")
    command.add_argument("--markdown", action="store_true", help="write docs/errata.md to standard output")
    options = parser.parse_args(argv)
    if options.command == "errata":
        return _errata(options)
    if options.command == "certify":
        return _certify(options)
    if options.command == "constants":
        return _constants(options)
    problem = problem_from(options)
    if options.command == "covers":
        return _covers(problem, options)
    if options.command == "table":
        frame = table(problem, options.delta, init=options.init, scale=options.scale, budget=options.budget)
        values = frame.drop(columns=["caveats", "source"])
        values = values.astype(object).where(values.notna(), "NaN")  # a method that does not apply has no numbers
        columns = [Column(str(name), number_format=WHOLE_NUMBERS.get(str(name), ".4g")) for name in values]
        shown = fitted_table(columns, values.to_numpy().tolist())
        low, high = problem.spectrum.lmin[0], problem.spectrum.lmax[1]
        print(
            f"{printable(problem.name)}: n={problem.n} d={problem.d} {problem.activation.name}, init={options.init},"
            f" delta={options.delta}, lambda_min >= {low:.6g}, lambda_max <= {high:.6g}"
        )
        print(shown)
        for name, source, caveats in zip(frame["method"], frame["source"], frame["caveats"], strict=True):
            print(f"  {name}: {source}" + (f". {caveats}" if isinstance(caveats, str) and caveats else ""))
        return HOLDS
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
    print(f"scale  {g.scale!r}\nrate   {g.rate!r}\nmethod {g.method} ({g.source}; {proved})")
    return HOLDS


def _constants(options: Any) -> int:
    known = {c.name: c for c in constants.all_constants()}
    for name in options.names:
        if name not in known:
            raise unknown_name("constant", name, known)
    for name in options.names or known:
        c = known[name]
        print(f"{c.name}({', '.join(c.parameters)})   {c.source}; {'proved' if c.proved else 'NOT proved'}")
        print(f"    {c.latex if options.latex else c.symbolic}")
    return HOLDS


def _covers(problem: Problem, options: Any) -> int:
    same = {"method": options.method, "init": options.init, "scale": options.scale}
    name = printable(problem.name)
    print(f"{name}: n={problem.n}, {problem.activation.name}, width={options.width}, init={options.init}")
    questions: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("smallest delta", lambda: smallest_delta(problem, options.width, **same)),
        ("largest n (first rows)", lambda: largest_n(problem, options.width, options.delta, **same)),
        ("smallest lambda_min(G)", lambda: smallest_lambda_min(problem, options.width, options.delta, **same)),
    )
    answered = 0
    for text, question in questions:
        try:
            print(f"{text:24} {question()!r}")
            answered += 1
        except AssumptionError as error:
            print(f"{text:24} none: {error}")
    return HOLDS if answered else UNDECIDED


def _certify(options: Any) -> int:
    state = read_state(options.state)
    chosen = []
    for name, default in (("activation", "tanh"), ("embedding", "identity")):
        given, saved = getattr(options, name), getattr(state, name)
        if given is not None and saved is not None and given != saved:
            raise ArgumentError(f"--{name} {given!r} contradicts the state's own {name} {saved!r}. Leave it out.")
        chosen.append(given or saved or default)
    activation, embedding = chosen
    problem = Problem(state.X, state.y, activation=activation, embedding=get_embedding(embedding))
    c = certify(problem, state.H, signs=state.signs, method=options.method)
    print(
        f"holds           {c.holds}\nrate            {c.rate!r}\nmethod          {c.method}\n"
        f"beta            {c.beta!r}\ncritical scale  {c.critical_scale!r}\npath length     {c.path_length!r}\n"
        f"reason          {c.reason}"
    )
    return HOLDS if c.holds else UNDECIDED


def _errata(options: Any) -> int:
    from bounds.erratum import report

    if options.id and options.markdown:
        raise ArgumentError("--markdown writes every erratum. Leave the identifier out.")
    results: list[tuple[Erratum, Demonstration]] = []
    for erratum in [get_erratum(options.id)] if options.id else errata():
        started = time.monotonic()
        shown = erratum.demonstrate()
        results.append((erratum, shown))
        if options.id:
            print(report.full(erratum, shown))
        elif not options.markdown:
            print(report.line(erratum, shown, time.monotonic() - started), flush=True)
    if options.markdown:
        print(report.markdown(results), end="")
    elif not options.id:
        print(report.summary(results))
    found = {shown.as_documented for _, shown in results}
    return REFUTED if False in found else UNDECIDED if None in found else HOLDS
