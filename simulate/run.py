"""gradient_flow and gradient_descent: arguments checked, networks drawn, runs assembled."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from threadpoolctl import ThreadpoolController

from bounds.activations import Interval
from bounds.errors import ArgumentError, require
from bounds.problem import Problem
from simulate.descent import descend
from simulate.flow import Flow
from simulate.integrators import get_integrator
from simulate.loop import Control, integrate
from simulate.network import Network, sample_network, scaling_of
from simulate.observe import Recorder
from simulate.trajectory import RunStatistics, Status, Trajectory

DTYPES = {"float64": torch.float64, "float32": torch.float32}
_NUMPY_THREADS = ThreadpoolController()
SMALL = 2**16  # entries of the state below which a second thread costs more than it gives


@contextmanager
def _threads(entries: int) -> Iterator[None]:
    """numpy, which works on vectors of length n here, leaves the cores to torch; torch takes one for a small state."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if entries < SMALL else before)
    try:
        with torch.no_grad(), _NUMPY_THREADS.limit(limits=1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)


def _device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise ArgumentError(f"device must be 'auto', 'cpu' or 'cuda'. Found {device!r}.") from None
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ArgumentError(
            f"device {device!r} asked for, but torch {torch.__version__} sees no GPU. Use device='cpu'."
        )
    return chosen


class _Setup:
    """What flow and descent have in common: a network on a device, its flow and its recorder."""

    def __init__(
        self,
        problem: Problem,
        width: int,
        scale: float,
        seed: int,
        init: str,
        scaling: str,
        dtype: str,
        device: str,
        network: Network | None,
        interval: Interval | None,
    ) -> None:
        require(dtype in DTYPES, "dtype", f"one of {sorted(DTYPES)}", dtype)
        self.seed: int | None = seed
        if network is None:
            network = sample_network(problem, width=width, scale=scale, seed=seed, init=init, scaling=scaling)
        else:
            self.seed, init = None, "given"
            require(
                network.H.shape[1] == problem.n, "network", f"one with H of shape (m, {problem.n})", network.H.shape
            )
            require(
                bool(np.all(np.isfinite(network.H)) and np.all(np.abs(network.signs) == network.scale)),
                "network",
                "finite, with signs of one magnitude (Assumption 1)",
                "other entries",
            )
        place: dict[str, Any] = {"dtype": DTYPES[dtype], "device": _device(device)}
        self.network, self.init, self.problem = network, init, problem
        self.scaling, self.dtype, self.device = scaling, dtype, str(place["device"])
        # (n, m); shared with a drawn network on the CPU, for nothing writes into it.
        self.h0 = torch.as_tensor(network.H, **place).mT.contiguous()
        signs = torch.as_tensor(network.signs, **place)
        self.flow = Flow(problem, signs, scaling_of(scaling, network.width))
        self.interval = problem.activation.interval if interval is None else interval
        require(self.interval[0] < self.interval[1], "interval", "(left, right) with left < right", self.interval)
        self.recorder = Recorder(self.flow, self.h0, self.interval)

    def trajectory(
        self, h: torch.Tensor, status: Status, stats: RunStatistics, integrator: str, options: dict[str, Any]
    ) -> Trajectory:
        return Trajectory(
            problem=self.problem,
            width=self.network.width,
            scale=self.network.scale,
            seed=self.seed,
            init=self.init,
            scaling=self.scaling,
            dtype=self.dtype,
            device=self.device,
            integrator=integrator,
            interval=self.interval,
            errors=self.recorder.errors(),
            initial=self.network,
            final=Network(h.to("cpu", torch.float64).numpy().T, self.network.signs),
            status=status,
            stats=stats,
            options=options,
            **self.recorder.arrays(),
        )


def check_time(name: str, value: float) -> None:
    """`name` must be a positive finite time."""
    require(isinstance(value, int | float) and 0 < value < math.inf, name, "a positive finite number", value)


def _check_saves(save_at: Sequence[float] | np.ndarray | None, t_max: float) -> np.ndarray | None:
    if save_at is None:
        return None
    times = np.asarray(save_at, dtype=np.float64)
    ok = times.ndim == 1 and len(times) > 0 and bool(np.all(np.diff(times) > 0)) and times[0] >= 0
    require(ok and times[-1] <= t_max, "save_at", f"increasing times in [0, t_max = {t_max:g}]", save_at)
    return times


def gradient_flow(
    problem: Problem,
    *,
    width: int = 4096,
    scale: float = 1.0,
    seed: int = 0,
    t_max: float = 1e3,
    loss_ratio: float = 1e-8,
    rtol: float = 1e-6,
    init: str = "independent",
    scaling: str = "ours",
    dtype: str = "float64",
    device: str = "auto",
    save_at: Sequence[float] | np.ndarray | None = None,
    network: Network | None = None,
    interval: Interval | None = None,
    integrator: str = "exponential",
    max_steps: int = 100_000,
    progress: Callable[[float, float, int, float], None] | None = None,
) -> Trajectory:
    """Gradient flow (10) in function space, equation (11), until L <= loss_ratio L^0 or t_max.

    width, scale, seed, init, scaling: the draw (see sample_network), or `network` to start from. rtol: local error
    allowed per step, relative to the residual norm and to sqrt(G_aa). save_at: times to record (default: every step);
    interval: I of active_fraction; loss_ratio = 0 runs to t_max whatever the loss. progress(time, loss, step, tau).

    Returns a Trajectory, whose `errors` tell the numerical error of each observable. Raises ArgumentError for
    arguments out of range.
    """
    check_time("t_max", t_max)
    require(isinstance(rtol, int | float) and 1e-13 <= rtol <= 0.1, "rtol", "in [1e-13, 0.1]", rtol)
    require(isinstance(loss_ratio, int | float) and 0 <= loss_ratio < 1, "loss_ratio", "in [0, 1)", loss_ratio)
    require(isinstance(max_steps, int) and max_steps >= 1, "max_steps", "a positive integer", max_steps)
    stepper = get_integrator(integrator)
    saves = _check_saves(save_at, t_max)
    setup = _Setup(problem, width, scale, seed, init, scaling, dtype, device, network, interval)
    control = Control(float(t_max), float(rtol), float(loss_ratio), max_steps, saves, progress)
    with _threads(setup.h0.numel()):
        h, status, stats = integrate(setup.flow, stepper, setup.h0, setup.recorder, control)
    options = {"t_max": t_max, "rtol": rtol, "loss_ratio": loss_ratio}
    return setup.trajectory(h, status, stats, integrator, options)


def gradient_descent(
    problem: Problem,
    *,
    width: int = 4096,
    scale: float = 1.0,
    seed: int = 0,
    step: float = 1.0,
    steps: int = 50_000,
    loss_ratio: float = 0.0,
    init: str = "independent",
    scaling: str = "ours",
    dtype: str = "float64",
    device: str = "auto",
    save_every: int = 1,
    network: Network | None = None,
    interval: Interval | None = None,
    progress: Callable[[float, float, int, float], None] | None = None,
) -> Trajectory:
    """Gradient descent (9) in function space, exactly: h_ia <- h_ia - step c_i sum_b G_ab r_b sigma'(h_ib).

    step: delta > 0; steps: how many; save_every: record each so many steps. The other arguments as in gradient_flow.
    time = step * number of steps; path_length sums step sqrt(P_k). There is no discretisation error; `errors` holds
    the rounding. Raises ArgumentError for arguments out of range.
    """
    check_time("step", step)
    require(isinstance(steps, int) and steps >= 0, "steps", "a non-negative integer", steps)
    require(isinstance(save_every, int) and save_every >= 1, "save_every", "a positive integer", save_every)
    setup = _Setup(problem, width, scale, seed, init, scaling, dtype, device, network, interval)
    with _threads(setup.h0.numel()):
        h, status, stats = descend(
            setup.flow,
            setup.h0,
            setup.recorder,
            step=float(step),
            steps=steps,
            save_every=save_every,
            loss_ratio=loss_ratio,
            progress=progress,
        )
    return setup.trajectory(h, status, stats, "descent", {"step": step, "steps": steps})
