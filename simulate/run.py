"""gradient_flow and gradient_descent: arguments checked, networks drawn, runs assembled."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Unpack, overload

import numpy as np
import scipy.linalg  # noqa: F401  (whose BLAS the compiled loops call: loaded before the thread pools are counted)
from threadpoolctl import ThreadpoolController

from bounds.activation.base import Interval
from bounds.checks import (
    boolean,
    check_seed,
    check_time,
    function,
    instance,
    integer,
    numpy_defaults,
    path,
    real,
)
from bounds.errors import ArgumentError, require
from bounds.problem import Problem
from simulate.field.arrays import MANY_POINTS, TORCH_FROM
from simulate.integrators import get_integrator
from simulate.integrators.choice import AUTO, choose_integrator, default_rtol, require_pieces
from simulate.memory import SMALL
from simulate.network import Network
from simulate.options import DescentRunOptions, FlowOptions, Options, check_ratio, check_saves, check_seeds, check_step
from simulate.setup import Demand, Setup
from simulate.solve.descent import DescentOptions, descend
from simulate.solve.loop import Loop
from simulate.solve.outcome import Progress
from simulate.solve.runs import LoopOptions
from simulate.solve.step_rules import StepRule
from simulate.trajectory import Trajectory


@cache
def _thread_pools(with_torch: bool) -> ThreadpoolController:
    """Those of the libraries that are loaded, which are counted again once torch has brought its own."""
    return ThreadpoolController()


@contextmanager
def _threads(setup: Setup) -> Iterator[None]:
    """Set the number of threads: torch's own, or one for a small state. Each thread calls BLAS without further threads,
    and products in float32 keep all their digits, however torch is set. Where neither its functions nor more than one
    thread are wanted, torch is not imported, which would take three seconds."""
    entries, loaded = setup.entries, "torch" in sys.modules
    if not loaded and setup.arrays.numpy and entries < TORCH_FROM and setup.problem.n < MANY_POINTS:
        with _thread_pools(False).limit(limits=1, user_api="blas"), np.errstate(all="ignore"):
            yield
        return
    import torch

    before, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(1 if entries < SMALL else before)
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.no_grad(), _thread_pools(True).limit(limits=1, user_api="blas"), np.errstate(all="ignore"):
            yield
    finally:
        torch.set_num_threads(before)
        torch.set_float32_matmul_precision(precision)


@overload
def gradient_flow(problem: Problem, *, seeds: None = None, **options: Unpack[FlowOptions]) -> Trajectory: ...


@overload
def gradient_flow(problem: Problem, *, seeds: Sequence[int], **options: Unpack[FlowOptions]) -> list[Trajectory]: ...


@numpy_defaults
def gradient_flow(
    problem: Problem,
    *,
    width: int = 4096,
    scale: float = 1.0,
    seed: int = 0,
    seeds: Sequence[int] | None = None,
    t_max: float = 1e3,
    loss_ratio: float = 1e-8,
    rtol: float | None = None,
    init: str = "independent",
    scaling: str = "auto",
    dtype: str = "float64",
    device: str = "auto",
    save_at: Sequence[float] | np.ndarray | None = None,
    X_test: Any = None,
    network: Network | None = None,
    interval: Interval | None = None,
    loss: str = "sum",
    integrator: str = "auto",
    low_memory: bool = False,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    max_steps: int = 100_000,
    progress: Progress | None = None,
) -> Trajectory | list[Trajectory]:
    """Gradient flow (10) in function space, equation (11), until L <= loss_ratio L^0 or t_max. Where the problem has
    a trained last layer, the output weights move along with h.

    width, scale, seed, init: the draw (see sample_network), or `network` to start from. scaling: the row of Table 1;
    "auto" is that which the network was drawn or trained with, else "ours". rtol: local error allowed per step,
    relative to the residual norm and to sqrt(G_aa); by default 1e-6, or 1e-3 where kinks are followed as events.
    save_at: times to record (default: every step); interval: I of active_fraction; loss_ratio = 0 runs to t_max
    whatever the loss. progress(time, loss, step, tau).

    seeds: several independent runs, advanced together; returns their trajectories in a list, each what `seed` alone
    would give. X_test (k, d): also follow f on these points (test_output); the training part is the same as without.
    loss="mean": the flow of (1/2n) ||f - y||^2, that is, time n times slower; what is reported as loss, path_length
    and dissipated stays that of the summed loss (6), power is its -dL/dt. low_memory: 3 copies of the state in place
    of 5, slopes computed again whenever needed: slower, with the steps of a state of 2^20 entries or more (2^25 on a
    GPU), which are of order 3 and end at the points of `save_at`.

    integrator: "exponential", "runge-kutta", "piecewise-linear" or "auto": for an activation with finitely many slopes
    (relu, leaky_relu, clip) piecewise-linear, on the CPU, unless its events would take more than half an hour (see
    integrators/choice.py), and exponential in all other cases. A run that is expected to take minutes warns. At
    kinks the default rtol of exponential is 0.1, as it can do little better in acceptable time.

    checkpoint: a file that is written after a few seconds, then each minute, when a signal (ctrl-C, SIGTERM, SIGHUP)
    stops the run, and at its end unless it diverged; resume: go on from it, with the same arguments; on the CPU the
    trajectory is bit for bit that of an uninterrupted run. t_max and max_steps may then be larger, so that a finished
    run goes on, beyond a step that was cut short at its end.

    Returns a Trajectory, whose `errors` tell the numerical error of each observable. Raises ArgumentError for
    arguments out of range, a state that does not fit in memory or a checkpoint of another run, DataError for a
    checkpoint that cannot be read, WriteError where the disk is full, Interrupted after a signal with a checkpoint.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    t_max, loss_ratio = check_time("t_max", t_max), check_ratio(loss_ratio)
    chosen_rtol = None if rtol is None else real("rtol", rtol, "in [1e-13, 0.1]", lambda r: 1e-13 <= r <= 0.1)
    max_steps, resume = integer("max_steps", max_steps, 1), boolean("resume", resume)
    checkpoint = None if checkpoint is None else path("checkpoint", checkpoint)
    progress = None if progress is None else function("progress", progress, "a function of (time, loss, step, tau)")
    saves = check_saves(save_at, t_max)
    options = Options(width, scale, init, scaling, dtype, device, network, interval, X_test, loss, low_memory)
    activation, neurons = problem.activation, options.width if network is None else network.width
    if isinstance(integrator, str) and integrator == AUTO:
        integrator = choose_integrator(activation, n=problem.n, m=neurons, device=device, last_layer=problem.last_layer)
    stepper = get_integrator(integrator)
    require_pieces(integrator, activation, device, problem.last_layer)
    if stepper.holds and device == "auto":
        options = replace(options, device="cpu")
    rtol = default_rtol(integrator, activation) if chosen_rtol is None else chosen_rtol
    of_one_run = {"network": network, "checkpoint": checkpoint, "progress": progress}
    chosen = [check_seed(seed)] if seeds is None else check_seeds(seeds, of_one_run)
    listed = None if saves is None else saves.tolist()
    reported = {"t_max": t_max, "rtol": rtol, "loss_ratio": loss_ratio, "loss": loss, "save_at": listed}
    found: list[Trajectory] = []
    while chosen:
        demand = Demand(integrator, None if saves is None else len(saves), checkpoint is not None)
        setup = Setup(problem, chosen, options, demand)
        chosen = chosen[len(setup.seeds) :]
        times = None if saves is None else saves / setup.clock
        loop_options = LoopOptions(t_max / setup.clock, rtol, loss_ratio, max_steps, times, progress)
        exact = {"t_max": t_max, "rtol": rtol, "loss_ratio": loss_ratio, "max_steps": max_steps}
        saver = setup.saver(checkpoint, resume, {"integrator": integrator, "save_at": listed, **exact})
        with _threads(setup), saver.watching():
            outcomes = Loop(setup.flow, stepper, setup.h0, setup.recorder, loop_options, saver).integrate()
        found += [replace(run, made_by=gradient_flow) for run in setup.trajectories(outcomes, integrator, reported)]
    return found[0] if seeds is None else found


@overload
def gradient_descent(problem: Problem, *, seeds: None = None, **options: Unpack[DescentRunOptions]) -> Trajectory: ...


@overload
def gradient_descent(
    problem: Problem, *, seeds: Sequence[int], **options: Unpack[DescentRunOptions]
) -> list[Trajectory]: ...


@numpy_defaults
def gradient_descent(
    problem: Problem,
    *,
    width: int = 4096,
    scale: float = 1.0,
    seed: int = 0,
    seeds: Sequence[int] | None = None,
    step: float | str | StepRule = 1.0,
    steps: int = 50_000,
    loss_ratio: float = 0.0,
    init: str = "independent",
    scaling: str = "auto",
    dtype: str = "float64",
    device: str = "auto",
    save_every: int = 1,
    save_at: Sequence[float] | np.ndarray | None = None,
    X_test: Any = None,
    network: Network | None = None,
    interval: Interval | None = None,
    loss: str = "sum",
    low_memory: bool = False,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Trajectory | list[Trajectory]:
    """Gradient descent (9) in function space, exactly: h_ia <- h_ia - step c_i sum_b G_ab r_b sigma'(h_ib).

    step: delta > 0, or a rule: "stable" (half of the limit of stability, as it is at each step), "residual" (a
    twentieth of it at first, growing with 1/||r|| up to half: near the flow), or a function of a
    `simulate.DescentPoint` that returns the next step. A rule needs the kernel at each step, which takes about as long
    as the step itself. steps: how many. save_every: record each so many steps; save_at: record instead the first step
    at or after each of these times, and the last. seeds: one run after another, their trajectories in a list. The other
    arguments as in gradient_flow; loss="mean" divides the gradient, and so the movement of a step, by n.

    time sums the steps; path_length sums step sqrt(P_k). There is no discretisation error; `errors` holds the rounding.
    `detail` says where a fixed step was beyond the limit of stability. A run ends as DEAD where no slope is left, and
    as DIVERGED where the loss is no float, or 1e12 times what the data and the network at the start can explain.
    Raises as gradient_flow does, and ArgumentError for a checkpoint with a function as step.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    rule, saves = check_step(step), None if save_at is None else check_saves(save_at, np.inf)
    loss_ratio = check_ratio(loss_ratio)
    steps, save_every = integer("steps", steps, 0), integer("save_every", save_every, 1)
    require(saves is None or save_every == 1, "save_every", "left out where save_at says what is recorded", save_every)
    seed, resume = check_seed(seed), boolean("resume", resume)
    checkpoint = None if checkpoint is None else path("checkpoint", checkpoint)
    progress = None if progress is None else function("progress", progress, "a function of (time, loss, step, tau)")
    named = step if isinstance(step, str) else "a function" if callable(rule) else rule
    if checkpoint is not None and named == "a function":
        raise ArgumentError("a checkpoint cannot tell one function from another. Use step='residual', or a number.")
    options = Options(width, scale, init, scaling, dtype, device, network, interval, X_test, loss, low_memory)
    of_one_run = {"network": network, "checkpoint": checkpoint}
    listed = None if saves is None else saves.tolist()
    exact = {"step": named, "steps": steps, "save_every": save_every, "save_at": listed, "loss_ratio": loss_ratio}
    reported = {"step": named, "steps": steps, "loss": loss}
    found: list[Trajectory] = []
    recorded = None if saves is None else min(steps, len(saves))
    if saves is None and loss_ratio == 0:  # otherwise nobody knows when it ends
        recorded = steps // save_every
    chosen = [seed] if seeds is None else check_seeds(seeds, of_one_run)
    demand = Demand("descent", recorded, checkpoint is not None)
    for k in range(len(chosen)):
        setup = Setup(problem, chosen[k:], options, demand)
        saver = setup.saver(checkpoint, resume, {**exact, "integrator": "descent"})
        asked = DescentOptions(rule, setup.clock, steps, save_every, saves, loss_ratio, progress)
        with _threads(setup), saver.watching():
            outcome = descend(setup.flow, setup.recorder, saver, asked)
        found += [replace(run, made_by=gradient_descent) for run in setup.trajectories([outcome], "descent", reported)]
    return found[0] if seeds is None else found
