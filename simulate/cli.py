"""The commands of `simulate`: flow and descent."""

from __future__ import annotations

import contextlib
import sys
import time as clock
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bounds.checks import INITS
from bounds.command_line import HOLDS, Parser, add_problem_options, problem_from
from bounds.csv_file import write_csv
from bounds.data.files import check_writable
from bounds.data.state import write_state
from bounds.text import printable
from bounds.versions import versions
from simulate.run import gradient_descent, gradient_flow
from simulate.trajectory import Trajectory


def progress_line() -> Callable[[float, float, int, float], None] | None:
    """Rewrites one line on the terminal four times a second; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        return None
    last = [0.0]

    def show(time: float, loss: float, step: int, tau: float) -> None:
        if clock.monotonic() - last[0] > 0.25:
            last[0] = clock.monotonic()
            with contextlib.suppress(OSError):  # a terminal that was closed ends no run
                sys.stderr.write(f"\r  t={time:.4g}  loss={loss:.3e}  step {step}  tau={tau:.2e}   ")
                sys.stderr.flush()

    return show


def _add_network_options(parser: Any) -> None:
    parser.add_argument("--width", type=int, default=4096, help="m (default 4096)")
    parser.add_argument("--scale", type=float, default=1.0, help="c hat (default 1, the paper's experiments)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the network (default 0)")
    parser.add_argument("--init", default="independent", help=f"one of {', '.join(INITS)}")
    parser.add_argument("--scaling", default="ours", help="a row of Table 1: ours (default), ntk or mf")
    parser.add_argument("--dtype", default="float64", help="float64 (default) or float32")
    parser.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    parser.add_argument("--loss", default="sum", help="sum (6), the default, or mean: a clock n times slower")
    parser.add_argument("--low-memory", action="store_true", help="3 copies of the state in place of 5, but slower")
    files = parser.add_mutually_exclusive_group()
    files.add_argument(
        "--checkpoint", metavar="NPZ", help="write the state within 5 s, each minute and when stopped by a signal"
    )
    files.add_argument("--resume", metavar="NPZ", help="go on from such a file, with the same options")
    parser.add_argument("--out", metavar="CSV", help="write the observables, one row per save point")
    parser.add_argument("--state-out", metavar="NPZ", help="write the final network, for linrate certify")


def write_observables(path: str | Path, run: Trajectory) -> None:
    """Write one row for each save point: the columns of `run.to_frame()`, then seed, dtype, device and versions."""
    frame = run.to_frame()
    origin = {"seed": run.seed, "dtype": run.dtype, "device": run.device, **versions()}
    rows = ({**observables, **origin} for observables in frame.to_dict("records"))
    write_csv(path, rows, [*frame.columns, *origin])


def main(argv: Sequence[str] | None = None) -> int:
    """python -m simulate flow|descent"""
    parser = Parser(prog="linrate", example="python -m simulate flow --builtin experiment-1 --n 20 --width 8192")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    flow = commands.add_parser(
        "flow", help="gradient flow", example="linrate flow --builtin experiment-1 --n 20 --t-max 1000 --out run.csv"
    )
    flow.add_argument("--t-max", type=float, default=1e3, help="final time (default 1000)")
    flow.add_argument("--loss-ratio", type=float, default=1e-8, help="stop at this share of the initial loss")
    flow.add_argument("--rtol", type=float, default=1e-6, help="relative tolerance of a step (default 1e-6)")
    flow.add_argument("--integrator", default="exponential", help="exponential (default) or runge-kutta")
    descent = commands.add_parser(
        "descent", help="gradient descent (9)", example="linrate descent --builtin experiment-1 --step 1 --steps 50000"
    )
    descent.add_argument("--step", type=float, default=1.0, help="delta of (9), with the summed loss (default 1)")
    descent.add_argument("--steps", type=int, default=50_000, help="number of steps (default 50000)")
    descent.add_argument("--save-every", type=int, default=100, help="record each so many steps (default 100)")
    for command in (flow, descent):
        add_problem_options(command)
        _add_network_options(command)
    options = parser.parse_args(argv)
    for name in ("out", "state_out"):
        if getattr(options, name):
            check_writable(getattr(options, name), "--" + name.replace("_", "-"))
    problem = problem_from(options)
    common: dict[str, Any] = {
        k: getattr(options, k)
        for k in ("width", "scale", "seed", "init", "scaling", "dtype", "device", "loss", "low_memory")
    }
    common |= {"checkpoint": options.resume or options.checkpoint, "resume": options.resume is not None}
    common["progress"] = progress_line()
    if options.command == "flow":
        run = gradient_flow(
            problem,
            t_max=options.t_max,
            loss_ratio=options.loss_ratio,
            rtol=options.rtol,
            integrator=options.integrator,
            **common,
        )
    else:
        run = gradient_descent(problem, step=options.step, steps=options.steps, save_every=options.save_every, **common)
    if common["progress"]:
        sys.stderr.write("\n")
    if options.out:
        write_observables(options.out, run)
    if options.state_out:
        write_state(options.state_out, problem, run.final.H, run.final.signs)
    print(
        f"{printable(problem.name)}: n={problem.n} d={problem.d} {problem.activation.name} m={run.width}"
        f" scale={run.scale:g}\n"
        f"status  {run.status.name}: {run.status.value}{'; ' + run.detail if run.detail else ''}\n"
        f"time    {run.time[-1]:.6g} in {run.stats.steps} steps, {run.stats.evaluations} evaluations,"
        f" {run.stats.seconds:.2f} s\n"
        f"loss    {run.loss[0]:.6g} -> {run.loss[-1]:.6g} +- {run.error[-1]:.1g}\n"
        f"path    {run.path_length[-1]:.6g}\nmoved   {run.movement[-1].mean():.6g} (mean |h - h0|)"
    )
    if run.sliding is not None:
        print(f"sliding {run.sliding[-1]:.0f} neurons along a kink at the end, {run.sliding.max():.0f} at most")
    return HOLDS
