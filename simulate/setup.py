"""What a run needs before it starts, the same for flow and descent: networks on a device, a flow, a recorder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from bounds.checks import (
    check_scale,
    require_finite,
)
from bounds.errors import ArgumentError, DataError, require
from bounds.problem import Problem
from simulate import processes
from simulate.checkpoint import Saver
from simulate.device import choose_device, require_memory
from simulate.field import reduction
from simulate.field.arrays import Array, Arrays
from simulate.field.chunks import share
from simulate.field.flow import Flow
from simulate.field.last_layer import TrainedFlow
from simulate.integrators.piecewise_linear import pieces_of
from simulate.memory import Run, threads_of
from simulate.network import Network, gram_between, part, regression_of, sample_neurons, scaling_of, test_inputs
from simulate.options import Options
from simulate.solve.on_tests import Regression
from simulate.solve.outcome import Outcome
from simulate.solve.recorder import Recorder
from simulate.trajectory import Trajectory

UNDRAWN = (
    "the random features are not drawn, so that G is its limit, of infinitely many of them; problem.draw(dim=D) draws D"
)


def _checked(network: Network, problem: Problem, inputs: np.ndarray | None) -> Network:
    """The network that a user gave to start from, without H_test if there are no test points.

    inputs: the test points (k, d), or None. Raises ArgumentError if it does not fit the problem or the test points,
    DataError for entries that are not finite.
    """
    shape = network.H.shape
    require(shape[1] == problem.n, "network", f"one with H of shape (m, {problem.n})", shape)
    require_finite("network.H", network.H)
    require_finite("network.signs", network.signs)
    check_scale(network.scale, "network.scale")
    rule = "finite, with signs of one magnitude (Assumption 1)"
    fits = problem.last_layer > 0 or bool(np.all(np.abs(network.signs) == network.scale))
    require(fits, "network", rule, network.signs, "Or train the last layer: Problem(X, y, last_layer=1.0).")
    if inputs is None:
        return network if network.H_test is None else Network(network.H, network.signs, scaling=network.scaling)
    require(
        network.H_test is not None,
        "network",
        f"one with H_test of shape (m, {len(inputs)}), its pre-activations on X_test, when X_test is given",
        "H_test=None",
        "Pass Network(H, signs, H_test) with H_test = Phi(X_test) W' / sqrt(D) transposed.",
    )
    assert network.H_test is not None
    shape = network.H_test.shape
    require(shape[1] == len(inputs), "H_test", f"of shape (m, {len(inputs)}) to match X_test", shape)
    require_finite("network.H_test", network.H_test)
    return network


class Demand(NamedTuple):
    """What else runs are asked for that decides how many go together, and how much memory they need; see memory.Run."""

    method: str
    saves: int | None = None
    checkpoint: bool = False


A_FLOW = Demand("exponential")


class Setup:
    """S networks of one problem on a device, ready to run.

    networks, seeds: the networks, and the seeds that they were drawn with (None for one that was given); inputs: the
    test points (k, d), or None; carried: whether states have rows for them, else their regression; device: its name;
    width: m; entries: of the state of one network; arrays: the kind of array that states are made of; h0 (S, rows, m):
    the initial states; flow, recorder: see there. Where several processes share the neurons, `share` says which are
    here; only those are in the networks and in h0.

    Raises ArgumentError for a network, device or X_test that does not fit, or a state that does not fit in memory,
    DataError for numbers that would overflow.
    """

    def __init__(self, problem: Problem, seeds: Sequence[int], options: Options, demand: Demand = A_FLOW) -> None:
        """seeds: of the networks to be drawn, of which the first are taken, as many as go together; if options.network
        is given, that one is used and they are not."""
        self.problem, self.options = problem, options
        self.interval = problem.activation.interval if options.interval is None else options.interval
        inputs = None if options.X_test is None else test_inputs(problem, options.X_test)
        self.inputs, given = inputs, options.network
        self.trained = problem.last_layer > 0  # then the last row of a state holds the c_i
        if self.trained and options.low_memory:
            raise ArgumentError(
                "low_memory keeps no slopes, which a trained last layer needs. Leave it out, or use last_layer=0."
            )
        cross, regression, self.carried = None, None, True
        if inputs is not None:
            cross, regression = gram_between(problem, inputs), regression_of(problem, inputs)
            self.carried = not Regression.applies(regression, problem.gram, cross)
        tests = 0 if inputs is None else len(inputs)
        rows = problem.n + (tests if self.carried else 0) + self.trained
        self.width = given.width if given is not None else options.width
        self.entries = rows * self.width
        self.device = processes.own_device(choose_device(options.device, self.entries))
        self.arrays = Arrays(options.dtype, self.device)
        self.scale = given.scale if given is not None else options.scale
        asked = self._run(tests, demand, 1 if given is not None else len(seeds))
        self.seeds: list[int | None] = [None] if given is not None else list(seeds[: asked.runs])
        # Which of the neurons are here, if several processes share them.
        rank, size = reduction.place()
        processes.require_alike(self._identity)
        if given is not None:
            given = _checked(given, problem, inputs)
        require_memory(asked, self.device)
        sizes = {"n": problem.n, "rows": rows, "m": self.width, "itemsize": self.arrays.real(0).nbytes}
        gpu = not self.arrays.numpy
        self.share = reduction.deal(share(**sizes, low_memory=options.low_memory, gpu=gpu, rank=rank, size=size))
        first, beyond = self.share.first, self.share.beyond
        if given is not None:
            self.networks = [given if size == 1 else part(given, first, beyond)]
        else:
            draw: dict[str, Any] = {"width": self.width, "scale": options.scale, "init": options.init}
            draw |= {"scaling": options.scaling, "X_test": inputs}
            self.networks = [sample_neurons(problem, first, beyond, seed=s, **draw) for s in seeds[: asked.runs]]
        # (S, rows, m); shared with a single drawn network on the CPU, for nothing writes into it.
        states = [self._state(k) for k in range(len(self.networks))]
        self.h0: Array = states[0][None] if len(states) == 1 else self.arrays.xp.stack(states)
        signs = [np.asarray(network.signs, dtype=np.float64) for network in self.networks]
        stacked = signs[0][None] if len(signs) == 1 else np.stack(signs)
        row = scaling_of(options.scaling, self.width)
        here: dict[str, Any] = {"cross": cross, "carried": self.carried, "share": self.share}
        self.flow = (
            TrainedFlow(problem, stacked, row, self.arrays, scale=self.scale, **here)
            if self.trained
            else Flow(problem, stacked, row, self.arrays, low_memory=options.low_memory, **here)
        )
        self.regression = None
        if regression is not None and not self.carried:
            self.regression = Regression.from_start(regression, self.flow, self.h0, self._tests())
        self.recorder = Recorder(self.flow, self.h0, self.interval, self.regression)
        self._check_magnitudes()

    def _run(self, tests: int, demand: Demand, seeds: int) -> Run:
        """What decides how many runs go together and how much memory they need. tests, seeds: how many there are."""
        options, n = self.options, self.problem.n
        pieces = pieces_of(self.problem.activation) if demand.method == "piecewise-linear" else None
        return Run(
            n=n,
            width=self.width,
            tests=tests,
            carried=self.carried,
            size=reduction.place()[1],
            here=processes.neighbours() if self.arrays.numpy else 1,
            seeds=seeds,
            drawn=options.network is None,
            kinks=len(pieces.kinks) if pieces is not None else int(not self.problem.activation.smooth),
            trained=self.trained,
            low_memory=options.low_memory,
            dtype=options.dtype,
            gpu=not self.arrays.numpy,
            threads=threads_of(self.entries),
            **demand._asdict(),
        )

    def _check_magnitudes(self) -> None:
        """DataError where the loss, or its rate of fall, may overflow: what is reported would be infinite or NaN."""
        flow, act = self.flow, self.problem.activation
        slope, scale = float(act.Ls.upper()), self.networks[0].scale  # which all of them share
        with np.errstate(all="ignore"):  # an overflow is what is looked for
            h = float(np.max(self.recorder.largest))
            at_zero, _, most = flow.sizes
            value = min(at_zero + slope * h, most)
            residual = float(np.max(np.abs(self.problem.y))) + abs(flow.alpha) * scale * value
            loss = self.problem.n * residual * residual / 2
            power = 2 * flow.speed * slope**2 * float(np.trace(self.problem.gram)) * loss
        limit = 1e300 if self.options.dtype == "float64" else 1e36
        for name, size in (("a pre-activation", h), ("the loss", loss), ("its rate of fall", power)):
            if not size <= limit:
                raise DataError(
                    f"{name} may be as large as {size:.3g} for these data and scale = {scale:.3g}, beyond {limit:g},"
                    f" where {self.options.dtype} overflows. Multiply X, y or the scale by a smaller constant."
                )

    def _state(self, k: int) -> Array:
        """The state (rows, m) of network k on the device, neurons contiguous; carried test points last."""
        network, n = self.networks[k], self.problem.n
        rows = np.asarray(network.H).T
        if network.H_test is not None and self.carried:  # one array for both, which the state then need not copy
            rows = np.concatenate([rows, np.asarray(network.H_test).T])
            self.networks[k] = Network(rows[:n].T, network.signs, rows[n:].T, network.scaling)
        if self.trained:
            rows = np.concatenate([rows, np.asarray(network.signs)[None]])
        return self.arrays.put(np.ascontiguousarray(rows, dtype=np.float64))

    def _tests(self) -> Array:
        """The test points at the start, (S, k, m), which states do not carry."""
        found = [np.ascontiguousarray(np.asarray(network.H_test, dtype=np.float64).T) for network in self.networks]
        states = [self.arrays.put(rows) for rows in found]
        return states[0][None] if len(states) == 1 else self.arrays.xp.stack(states)

    @property
    def clock(self) -> float:
        """The time that the user sees over that of the flow of the summed loss (6): n for the mean loss, else 1."""
        return float(self.problem.n) if self.options.loss == "mean" else 1.0

    def saver(self, path: Any, resume: bool, chosen: dict[str, Any]) -> Saver:
        """What writes and reads the checkpoints of this run.

        path: the file, or None for no checkpoints; resume: whether to go on from it; chosen: the arguments of the run,
        besides those that flow and descent share. A checkpoint made with other arguments is refused.
        """

        def described() -> dict[str, Any]:
            return {**self._identity(), **chosen}

        processes.require_alike(described)
        return Saver(path, {} if path is None else described(), resume=resume)

    def _identity(self) -> dict[str, Any]:
        """What flow and descent share of the arguments that make a run what it is, by name."""
        o, p = self.options, self.problem
        network = None if o.network is None else _digest(o.network.H, o.network.signs, o.network.H_test)
        alone = processes.together() is None  # if not, each has a GPU of its own
        found: dict[str, Any] = {"width": self.width, "scale": self.scale, "seed": self.seeds[0], "init": o.init}
        found |= {
            "scaling": o.scaling,
            "dtype": o.dtype,
            "device": self.device if alone else self.device.partition(":")[0],
        }
        if self.trained:  # a checkpoint of another run says nothing about it
            found |= {"last_layer": p.last_layer}
        if p.fixed_bias is not None:
            found |= {"fixed_bias": p.fixed_bias}
        found |= {"network": network, "loss": o.loss, "activation": p.activation.name, "data": _digest(p.gram, p.y)}
        return found | {"X_test": None if self.inputs is None else _digest(self.inputs)}

    def trajectories(self, outcomes: list[Outcome], integrator: str, options: dict[str, Any]) -> list[Trajectory]:
        """The trajectories that are returned to the user, in the order of the networks; options: what they report
        of the arguments."""
        return [self._trajectory(run, outcome, integrator, options) for run, outcome in enumerate(outcomes)]

    def _trajectory(self, run: int, outcome: Outcome, integrator: str, options: dict[str, Any]) -> Trajectory:
        observed: dict[str, Any] = dict(self.recorder.arrays(run))
        errors = self.recorder.errors(run)
        observed["time"] = observed["time"] * self.clock
        observed["power"], errors["power"] = observed["power"] / self.clock, errors["power"] / self.clock
        h, n, signs = self.arrays.fetch(outcome.h), self.problem.n, self.networks[run].signs
        detail = "; ".join(words for words in (outcome.detail, UNDRAWN if self.problem.random else "") if words)
        tests = None
        if self.regression is not None:
            found = self.regression.of(np.array([run])).rows(outcome.h[None], 0, outcome.h.shape[1])
            tests = self.arrays.fetch(found[0]).T
        if self.trained:
            h, signs = h[:-1], h[-1].copy()
        if self.inputs is not None and self.carried:
            tests = h[n:].T
        return Trajectory(
            problem=self.problem,
            width=self.width,
            scale=self.networks[run].scale,
            seed=self.seeds[run],
            init="given" if self.options.network is not None else self.options.init,
            scaling=self.options.scaling,
            dtype=self.options.dtype,
            device=self.device,
            integrator=integrator,
            interval=self.interval,
            errors=errors,
            initial=self.networks[run],
            final=Network(h[:n].T, signs, tests, self.options.scaling),
            status=outcome.status,
            stats=outcome.stats,
            options=options,
            X_test=self.inputs,
            detail=detail,
            share=self.share,
            **observed,
        )


def _digest(*arrays: np.ndarray | None) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of arrays, by which a checkpoint recognises its data."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(b"none" if array is None else np.ascontiguousarray(array, dtype=np.float64).tobytes())
    return found.hexdigest()[:16]
