"""What every command line shares (the choice of a problem, exit codes), and the commands of `bounds`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from bounds.certificate import certify
from bounds.datasets import DATASETS, load_builtin
from bounds.embeddings import EMBEDDINGS
from bounds.errors import ArgumentError, LinrateError, unknown_name
from bounds.files import load_arrays, load_file
from bounds.guarantee import INITS, guarantee, table
from bounds.problem import Problem

HOLDS, REFUTED, BAD_INPUT, UNDECIDED = 0, 1, 2, 3
EXIT_CODES = "exit codes: 0 holds, 1 refuted, 2 bad input, 3 undecided"


class Parser(argparse.ArgumentParser):
    """argparse with bad input as exit code 2 and an example in --help."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("epilog", f"example: {example}\n{EXIT_CODES}" if example else EXIT_CODES)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        raise ArgumentError(message)


def run(main: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None = None) -> int:
    """Call a command line's main; bad input becomes one line on stderr and exit code 2."""
    try:
        return main(argv)
    except LinrateError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def add_problem_options(parser: Any) -> None:
    """--data or --builtin with --target, --n, --d, --data-seed, --activation, --embedding."""
    parser.add_argument("--data", metavar="FILE", help=".npz (X, y), .npy, .csv or .parquet; y is the last column")
    parser.add_argument("--target", metavar="NAME", help="the column of y (for .npy: the file of y)")
    parser.add_argument("--builtin", metavar="NAME", help=f"a built-in data set: {', '.join(DATASETS)}")
    parser.add_argument("--n", type=int, help="number of data points of a built-in set")
    parser.add_argument("--d", type=int, help="input dimension of a built-in set")
    parser.add_argument("--data-seed", type=int, default=0, help="seed of a built-in set (default 0)")
    parser.add_argument("--activation", default="tanh", help="name of the activation (default tanh)")
    parser.add_argument("--embedding", default="identity", help="identity or quadratic (default identity)")


def problem_from(options: Any) -> Problem:
    """The problem that the options of add_problem_options describe."""
    if options.embedding not in EMBEDDINGS:
        raise unknown_name("embedding", options.embedding, EMBEDDINGS)
    if options.data and options.builtin:
        raise ArgumentError("give --data or --builtin, not both.")
    if options.data:
        X, y = load_file(options.data, options.target)
        name = str(options.data)
    else:
        name = options.builtin or "reference"
        X, y = load_builtin(name, n=options.n, d=options.d, seed=options.data_seed)
    return Problem(X, y, activation=options.activation, embedding=EMBEDDINGS[options.embedding], name=name)


def add_guarantee_options(parser: Any) -> None:
    """--delta, --init, --scale."""
    parser.add_argument("--delta", type=float, default=0.05, help="failure probability (default 0.05)")
    parser.add_argument("--init", default="independent", help=f"one of {', '.join(INITS)} (default independent)")


def main(argv: Sequence[str] | None = None) -> int:
    """python -m bounds width|table|certify"""
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
        if name == "width":
            command.add_argument("--method", default="best", help="a method's name, or best (the default)")
    command = commands.add_parser(
        "certify", help="a certificate for one network", example="linrate certify state.npz --activation tanh"
    )
    command.add_argument(
        "state", metavar="NPZ", help="X (n, d), y (n,), H (m, n), signs (m,): linrate flow --state-out"
    )
    command.add_argument("--activation", help="name of the activation (default: the state's own, else tanh)")
    command.add_argument("--embedding", help="identity or quadratic (default: the state's own, else identity)")
    command.add_argument("--method", default="best", help="a method's name, or best (the default)")
    options = parser.parse_args(argv)
    if options.command == "certify":
        return _certify(options)
    problem = problem_from(options)
    if options.command == "table":
        frame = table(problem, options.delta, init=options.init, scale=options.scale)
        shown = frame.drop(columns=["caveats", "source"]).to_string(index=False, float_format="{:.4g}".format)
        low, high = problem.spectrum.lmin[0], problem.spectrum.lmax[1]
        print(
            f"{problem.name}: n={problem.n} d={problem.d} {problem.activation.name}, init={options.init},"
            f" delta={options.delta}, lambda_min >= {low:.6g}, lambda_max <= {high:.6g}"
        )
        print(shown)
        for name, caveats in zip(frame["method"], frame["caveats"], strict=True):
            if isinstance(caveats, str) and caveats:
                print(f"  {name}: {caveats}")
        return HOLDS
    g = guarantee(problem, options.delta, method=options.method, init=options.init, scale=options.scale)
    proved = "proved" if g.proved else "NOT proved: " + "; ".join(g.caveats)
    print(f"width  {g.width}\nscale  {g.scale!r}\nrate   {g.rate!r}\nmethod {g.method} ({g.source}; {proved})")
    return HOLDS


def _certify(options: Any) -> int:
    names = ("X", "y", "H", "signs", "activation", "embedding")
    X, y, H, signs, *stored = load_arrays(options.state, names[:4], optional=names[4:])
    chosen = []
    for name, value, default in zip(names[4:], stored, ("tanh", "identity"), strict=True):
        given, saved = getattr(options, name), None if value is None else str(value)
        if given is not None and saved is not None and given != saved:
            raise ArgumentError(f"--{name} {given!r} contradicts the state's own {name} {saved!r}. Leave it out.")
        chosen.append(given or saved or default)
    activation, embedding = chosen
    if embedding not in EMBEDDINGS:
        raise unknown_name("embedding", embedding, EMBEDDINGS)
    problem = Problem(X, y, activation=activation, embedding=EMBEDDINGS[embedding])
    c = certify(problem, H, signs=signs, method=options.method)
    print(
        f"holds           {c.holds}\nrate            {c.rate!r}\nmethod          {c.method}\n"
        f"beta            {c.beta!r}\ncritical scale  {c.critical_scale!r}\npath length     {c.path_length!r}"
    )
    return HOLDS if c.holds else UNDECIDED
