"""The commands of `simulate`: flow and descent."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bounds.checks import INITS
from bounds.command_line import HOLDS, Parser, add_problem_options, add_test_options, problem_from, test_set_from
from bounds.commands.certify import certificate_of
from bounds.csv_file import write_csv
from bounds.data.files import check_writable
from bounds.data.state import write_state
from bounds.errors import ArgumentError, AssumptionError, DataError, require
from bounds.pictures.style import add_plot_option, check_picture, picture_file
from bounds.progress import Progress
from bounds.text import paragraph, printable
from bounds.versions import versions
from simulate import processes
from simulate.run import gradient_descent, gradient_flow
from simulate.trajectory import Trajectory


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """Name -> default of the keyword arguments of gradient_flow or gradient_descent, where alone these stand."""
    parameters = inspect.signature(function).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}


def _step(text: str) -> float | str:
    """A number, or the name of a rule, which gradient_descent checks."""
    try:
        return float(text)
    except ValueError:
        return text


def _add_network_options(parser: Any) -> None:
    parser.add_argument("--width", type=int, help="m (default %(default)s)")
    parser.add_argument("--scale", type=float, help="c hat (default %(default)s, the paper's experiments)")
    parser.add_argument("--seed", type=int, help="seed of the network (default %(default)s)")
    parser.add_argument("--init", help=f"one of {', '.join(INITS)}")
    parser.add_argument("--scaling", help="a row of Table 1: ours, ntk or mf; auto (default): that of the network")
    parser.add_argument("--dtype", help="float64 (default) or float32")
    parser.add_argument("--device", help="auto (default), cpu or cuda")
    parser.add_argument("--loss", help="sum (6), the default, or mean: a clock n times slower")
    parser.add_argument("--low-memory", action="store_true", help="3 copies of the state in place of 5, but slower")
    files = parser.add_mutually_exclusive_group()
    files.add_argument(
        "--checkpoint", metavar="NPZ", help="write the state within 5 s, each minute and when stopped by a signal"
    )
    files.add_argument("--resume", metavar="NPZ", help="go on from such a file, with the same options")
    parser.add_argument("--out", metavar="CSV", help="write the observables, one row per save point")
    add_plot_option(parser, "the loss with its error, the certified curves and the lazy flow")
    parser.add_argument("--state-out", metavar="NPZ", help="write the final network, for linrate certify")
    parser.add_argument("--certify", action="store_true", help="a certificate of the final network, by every formula")


def write_observables(path: str | Path, run: Trajectory) -> None:
    """Write one row for each save point: the columns of `run.to_frame()`, then seed, dtype, device and versions."""
    frame = run.to_frame()
    origin = {"seed": run.seed, "dtype": run.dtype, "device": run.device, **versions()}
    rows = ({**observables, **origin} for observables in frame.to_dict("records"))
    write_csv(path, rows, [*frame.columns, *origin])


def _check_out(path: str, name: str) -> None:
    """DataError in all processes if process 0, which writes it, could not."""
    processes.by_first(lambda: check_writable(path, name))


def _certificate(run: Trajectory) -> str:
    """The certificate of the final network, or why there is none; what has been simulated is kept all the same."""
    try:
        found = certificate_of(run.problem, run.neurons(), run.final.signs)
    except (ArgumentError, AssumptionError, DataError) as error:
        return paragraph(f"no certificate of the final network: {printable(error)}")
    return f"the final network, as a start of gradient flow\n{found}"


def _closing(run: Trajectory) -> str:
    """What the run found, in one sentence."""
    if not run.loss[0] > 0:
        return "The loss was zero from the start."
    ratio = run.loss[-1] / run.loss[0]
    moved = float(run.movement[-1].mean())
    return paragraph(f"The loss is {ratio:.3g} of what it was, and the features moved by {moved:.3g} on average.")


def parsers() -> dict[str, Parser]:
    """Command -> its parser."""
    return _parser()[1]


def _parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser of both commands, and those of each."""
    parser = Parser(prog="linrate", example="python -m simulate flow --builtin experiment-1 --n 20 --width 8192")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    flow = commands.add_parser(
        "flow", help="gradient flow", example="linrate flow --builtin experiment-1 --n 20 --t-max 1000 --out run.csv"
    )
    flow.add_argument("--t-max", type=float, help="final time (default %(default)s)")
    flow.add_argument("--loss-ratio", type=float, help="stop at this share of the initial loss (default %(default)s)")
    flow.add_argument("--rtol", type=float, help="relative tolerance of a step (default 1e-6, at kinks 1e-3)")
    flow.add_argument("--integrator", help="auto (default), exponential, piecewise-linear or runge-kutta")
    descent = commands.add_parser(
        "descent", help="gradient descent (9)", example="linrate descent --builtin experiment-1 --step 1 --steps 50000"
    )
    descent.add_argument(
        "--step", type=_step, help="delta of (9), with the summed loss (default %(default)s); or stable, or residual"
    )
    descent.add_argument("--steps", type=int, help="number of steps (default %(default)s)")
    descent.add_argument(
        "--loss-ratio", type=float, help="stop at this share of the initial loss (default %(default)s)"
    )
    descent.add_argument("--save-every", type=int, help="record each so many steps (default %(default)s)")
    for command, function in ((flow, gradient_flow), (descent, gradient_descent)):
        add_problem_options(command)
        add_test_options(command)
        _add_network_options(command)
        command.set_defaults(**_defaults(function) | {"resume": None})  # on the command line, the name of a file
    descent.set_defaults(save_every=100)  # a row for each of 50,000 steps is more than a file needs
    return parser, commands.choices


def main(argv: Sequence[str] | None = None) -> int:
    """python -m simulate flow|descent, also as one of several processes that share the network (see processes.py)"""
    with processes.launched():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    options = _parser()[0].parse_args(argv)
    for name in ("out", "state_out"):
        if getattr(options, name):
            _check_out(getattr(options, name), "--" + name.replace("_", "-"))
    if options.plot:
        check_picture(options.plot)
    fits = not options.certify or options.scaling in ("auto", "ours")
    require(fits, "--certify", "used with --scaling ours", options.scaling)
    problem = problem_from(options)
    function = gradient_flow if options.command == "flow" else gradient_descent
    chosen = {name: getattr(options, name) for name in _defaults(function)}
    chosen |= {"checkpoint": options.resume or options.checkpoint, "resume": options.resume is not None}
    test = test_set_from(options)
    if test is not None:
        chosen["X_test"] = test[0]
    limits = {name: chosen[name] for name in ("t_max", "steps", "loss_ratio") if name in chosen}
    with Progress("steps") as progress:
        run = function(problem, **{**chosen, "progress": progress.along(**limits)})
    final = processes.whole_network(run.final) if options.state_out else run.final
    # All processes take part in these, and all are told the same errors.
    certificate = _certificate(run) if options.certify else ""
    if not processes.is_first():
        return HOLDS
    if options.out:
        write_observables(options.out, run)
    if options.plot:
        with picture_file(options.plot) as axes:
            run.plot(axes, lazy=run.scaling == "ours")
    if options.state_out:
        write_state(options.state_out, problem, final.H, final.signs)
    print(
        f"{printable(problem.name)}: n={problem.n} d={problem.d} {problem.activation.name} m={run.width}"
        f" scale={run.scale:g}\n"
        f"status  {run.status.name}: {run.ending}\n"
        f"time    {run.time[-1]:.6g} in {run.stats.steps} steps, {run.stats.evaluations} evaluations,"
        f" {run.stats.seconds:.2f} s\n"
        f"loss    {run.loss[0]:.6g} -> {run.loss[-1]:.6g} +- {run.error[-1]:.1g}\n"
        f"path    {run.path_length[-1]:.6g}\nmoved   {run.movement[-1].mean():.6g} (mean |h - h0|)"
    )
    if run.sliding is not None:
        print(f"sliding {run.sliding[-1]:.0f} neurons along a kink at the end, {run.sliding.max():.0f} at most")
    if run.other_side is not None and run.other_side.any():
        print(f"unsure  {run.other_side[-1]:.0f} neurons go another way with steps twice as long")
    if test is not None and run.test_output is not None:
        errors = np.mean(np.square(run.test_output[[0, -1]] - test[1]), axis=1)
        print(f"test    {errors[0]:.6g} -> {errors[1]:.6g} (mean of (f - y)^2 on {len(test[1])} points)")
    if others := processes.together():
        steps = max(run.stats.steps, 1)
        print(
            f"shared  by {others.size} processes, which met {others.exchanges / steps:.1f} times a step;"
            f" {others.received / steps:.3g} bytes a step came to each"
        )
    print()
    if certificate:
        print(f"{certificate}\n")
    print(_closing(run))
    return HOLDS
