"""The framework of every command line: the parser, the exit codes, and the options that describe a problem."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from bounds.checks import INITS
from bounds.data.datasets import DATASETS, load_builtin, load_test
from bounds.data.embeddings import get_embedding
from bounds.data.files import FULL
from bounds.data.inspection import scaled_columns, warnings_about
from bounds.data.readers import Table, load_table
from bounds.errors import ArgumentError, LinrateError, WriteError, require
from bounds.problem import Problem
from bounds.progress import QUIET, telling
from bounds.signals import exit_code, listening
from bounds.text import printable

# What a command that gives a verdict exits with; 2 is also what argparse uses for bad input.
HOLDS, REFUTED, BAD_INPUT, UNDECIDED = 0, 1, 2, 3
# EX_SOFTWARE of sysexits.h, and what a shell reports for a process that SIGPIPE ended (128 + 13).
INTERNAL, CLOSED_PIPE = 70, 141

OTHER_CODES = (
    "2 bad input, 69 a scheduler or\n"
    "  another process has gone, 70 a fault of linrate, 74 the output cannot be written,\n"
    "  128 + n stopped by signal n"
)
EXIT_CODES = f"exit codes: 0 holds, 1 refuted, 3 undecided; {OTHER_CODES}"


class _Quiet(argparse.Action):
    """--quiet: nothing is said about the progress from now on."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        namespace.quiet = True
        QUIET.set(True)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises ArgumentError for bad input and shows an example and the exit codes in --help."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("epilog", f"example: {example}\n{EXIT_CODES}" if example else EXIT_CODES)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)
        words = "say nothing about the progress"
        self.add_argument("--quiet", action=_Quiet, nargs=0, default=False, help=words)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse, but nothing is left over: the error for an unknown option names the nearest known one."""
        found, rest = super().parse_known_args(args, namespace)
        for extra in rest:
            name = extra.partition("=")[0]
            if name.startswith("-"):
                near = difflib.get_close_matches(name, self._option_string_actions, n=2, cutoff=0.65)
                hint = f" Did you mean {' or '.join(near)}?" if near else ""
                raise ArgumentError(f"unknown option {name}.{hint} See {self.prog} --help.")
        if rest:
            raise ArgumentError(f"unrecognized arguments: {' '.join(rest)}. See {self.prog} --help.")
        return found, rest

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse, but the error for a value that is none of the choices names the nearest of them."""
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            near = difflib.get_close_matches(str(value), [str(choice) for choice in action.choices or ()], n=2)
            hint = f". Did you mean {' or '.join(near)}?" if near else ""
            raise argparse.ArgumentError(action, f"{error.message}{hint}") from None

    def error(self, message: str) -> NoReturn:
        """Called by argparse for bad input; `run` turns the error into exit code 2."""
        raise ArgumentError(message)


def run(main: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None = None) -> int:
    """Call the `main` of a command line and return the exit code; every exception ends in one line on stderr.

    argv: the arguments, by default those of the process.

    Exit codes besides those that `main` returns: 2 for bad input or too little memory; 69 if a scheduler, or one of the
    processes that share a network, has gone; 74 if the output cannot be written because the disk is full; 141, without
    a message, if the reader of the output has closed the pipe; 128 + n after signal n; 70 for an internal error, whose
    traceback is shown if the environment has LINRATE_DEBUG=1.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show ends no command
    try:
        with listening(), telling():
            try:
                code = main(argv)
            except SystemExit as stop:  # raised by argparse after --help
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
        reason = printable(error) or "no memory is left"
        return _end(
            BAD_INPUT, f"error: this needs more memory than there is ({reason}). Take fewer rows or a smaller width."
        )
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            target = "the standard output" if error.filename is None else printable(repr(error.filename))
            return _end(WriteError.exit_code, f"error: {target} could not be written: {error.strerror}.")
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
    """Print the message, if there is one, to stderr, discard output that cannot be delivered, and return the code."""
    for stream, text in ((sys.stdout, None), (sys.stderr, message)):
        try:
            if text is not None:
                print(text, file=stream)
            stream.flush()
        except OSError:
            # Python flushes both streams once more as it exits; writing to the null device, that cannot fail again.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return code


def add_problem_options(parser: Any) -> None:
    """Add --data or --builtin with what belongs to them, and --activation, --embedding, to a parser or pytest group."""
    add = getattr(parser, "addoption", None) or parser.add_argument
    add("--data", metavar="FILE", help=".npz (X, y), .npy, .csv, .tsv, .csv.gz or .parquet; y is the last column")
    add("--target", metavar="NAME", help="the column of y (for .npy: the file of y)")
    add("--columns", metavar="NAMES", help="use only these columns of a table as inputs: names with commas between")
    add("--drop", metavar="NAMES", help="leave these columns of a table out: names with commas between")
    add("--dropna", action="store_true", help="leave out rows of a table with an empty or missing cell")
    add("--sep", metavar="CHARACTER", help="what separates the cells of a .csv (default: a comma; of a .tsv: a tab)")
    add("--scale-columns", action="store_true", help="divide each input by its root mean square; nothing is centred")
    add("--builtin", metavar="NAME", help=f"a built-in data set: {', '.join(DATASETS)}")
    add("--n", type=int, help="number of data points of a built-in set")
    add("--d", type=int, help="input dimension of a built-in set")
    add("--data-seed", type=int, help="seed of a built-in set (default 0)")
    add("--activation", default="tanh", help="name of the activation (default tanh)")
    add(
        "--embedding",
        default="identity",
        help="identity (default), quadratic or random-features:depth=1,activation=relu[,dim=D,seed=0]",
    )
    add("--bias", type=float, metavar="SIZE", help="train biases too, of this standard deviation at the start")
    add("--fix-bias", action="store_true", help="the biases of --bias are drawn and not trained")
    add(
        "--last-layer",
        type=float,
        default=0.0,
        metavar="MOBILITY",
        help="train the last layer too, with this mobility relative to the first (default 0: fixed)",
    )


def problem_from(options: Any) -> Problem:
    """The problem that the parsed options of `add_problem_options` describe; warnings about them go to stderr.

    Raises ArgumentError for options that contradict each other, DataError for a file that cannot be used.
    """
    embedding = get_embedding(options.embedding)
    if options.data and options.builtin:
        raise ArgumentError("give --data or --builtin, not both.")
    if options.data:
        for flag in ("n", "d", "data_seed"):
            if getattr(options, flag) is not None:
                flag = flag.replace("_", "-")
                raise ArgumentError(f"--{flag} is for a built-in data set, not for --data. Leave it out.")
        X, y, notes = load_table(options.data, _table(options))
        name = str(options.data)
    else:
        name = options.builtin or "reference"
        if options.target is not None:
            raise ArgumentError("--target names a column of --data; a built-in data set has its own. Leave it out.")
        for flag in ("columns", "drop", "dropna", "sep"):
            if getattr(options, flag):
                raise ArgumentError(f"--{flag} is for --data, not for a built-in data set. Leave it out.")
        X, y = load_builtin(name, n=options.n, d=options.d, seed=options.data_seed or 0)
        notes = []
    if options.scale_columns:
        X = scaled_columns(X)
    problem = Problem(
        X,
        y,
        activation=options.activation,
        embedding=embedding,
        name=name,
        bias=options.bias,
        train_bias=not options.fix_bias,
        last_layer=options.last_layer,
    )
    if options.data:
        for note in [*notes, *warnings_about(X, y)]:
            print(f"warning: {printable(note)}", file=sys.stderr)
    return problem


def add_test_options(parser: Any) -> None:
    """Add --test and --test-points to a parser that has the options of `add_problem_options`."""
    among = parser.add_mutually_exclusive_group()
    among.add_argument("--test", metavar="FILE", help="follow f on the points of this file too, read as --data is")
    among.add_argument("--test-points", metavar="K", type=int, help="on K further points of the law of a built-in set")


def test_set_from(options: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """(X, y) of the test points that the parsed options describe, X (k, d), y (k,); None if they ask for none.

    Raises ArgumentError for options that contradict each other, DataError for a file that cannot be used.
    """
    if options.test_points is not None:
        if options.data:
            raise ArgumentError("--test-points draws from the law of a built-in set. Name a file with --test.")
        name = options.builtin or "reference"
        X, y = load_test(name, k=options.test_points, d=options.d, seed=options.data_seed or 0)
    elif options.test is not None:
        if str(options.test).endswith(".npy"):
            raise ArgumentError("--test takes a file that holds X and y: .npz, .csv, .tsv or .parquet, not .npy.")
        X, y, _ = load_table(options.test, _table(options))
    else:
        return None
    if options.scale_columns:
        if options.data:
            given = load_table(options.data, _table(options))[0]
        else:
            name, seed = options.builtin or "reference", options.data_seed or 0
            given = load_builtin(name, n=options.n, d=options.d, seed=seed)[0]
        require(given.shape[1] == X.shape[1], "test", f"points in d={given.shape[1]} dimensions", X.shape[1])
        X = scaled_columns(X, like=given)
    return X, y


def _table(options: Any) -> Table:
    """Which columns of a table are used."""
    return Table(
        target=options.target,
        columns=_names(options.columns),
        drop=_names(options.drop),
        dropna=options.dropna,
        sep=options.sep,
    )


def _names(text: str | None) -> tuple[str, ...] | None:
    """The names of a comma-separated option."""
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def add_guarantee_options(parser: Any) -> None:
    """Add --delta, --init and --scale to a parser."""
    parser.add_argument("--delta", type=float, default=0.05, help="failure probability (default 0.05)")
    parser.add_argument("--init", default="independent", help=f"one of {', '.join(INITS)} (default independent)")
    parser.add_argument("--scale", type=float, help="c hat, by default what the theorem asks for")
