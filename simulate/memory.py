"""The memory that a run needs, counted before anything is allocated: what its arrays take at the greediest moment.

The counts follow from reading what each method holds at once, and are tested against measured peaks
(tests/simulate/test_memory.py). They are meant to be on the safe side. What nobody knows before a run is not in them:
what is recorded where no times are asked for, some 200 bytes a data point and step.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from simulate.field.arrays import MANY_POINTS
from simulate.field.chunks import GPU_CHUNK, MOST_CHUNKS, cpu_chunks
from simulate.field.flow import KEEP_SLOPES_BELOW, KEEP_SLOPES_ON_GPU, SPARES
from simulate.field.subsets import LEAST
from simulate.field.tiles import STRIP
from simulate.integrators.piecewise_linear.kernel_changes import LEAST_BATCH
from simulate.integrators.piecewise_linear.kernel_changes import MOMENTS as MOMENTS_OF_KERNEL
from simulate.integrators.piecewise_linear.method import KEPT, MATRICES
from simulate.integrators.piecewise_linear.sweep import BLOCK
from simulate.network import DRAWN_TOGETHER

SMALL = 2**15  # entries of a state below which a second thread costs more than it saves, and runs are advanced together
TOGETHER = 2**18  # entries of all states, or of all matrices (n, n), of the runs that are advanced together
REAL = 8  # bytes of a float64
# Bytes of compiled code that is loaded in the course of a run, and of holes in the heap; the same once more where torch
# finds eigenvectors.
CODE = 2**24
VECTORS = 2  # over the neurons, besides the signs: c_i and gains; chunks of several runs have copies of their own
STATIC = 3  # matrices (n, n): G of the problem and of the flow, and the latter in units of the speed
DRAWING = 6  # matrices (n, n) and (k, k) while a network is drawn: eigenvectors, roots, and what finds them
# Matrices (n, n) of each run: five states (the coarse run before and after a step, the fine one before, in the middle
# and after it) have three or four, and each step two; besides, there is what finds eigenvectors. With slopes that are
# kept, states inside a step and those before a step that may be taken back come on top. With a trained last layer
# slopes have two matrices.
DURING = {"large": 20, "kept": 32, "piecewise-linear": 32, "descent": 12}
PANELS = 2500  # numbers for each data point: the exponentials on the panels of a step of piecewise-linear
WORKING = 4  # strips of neurons (n, STRIP) that a thread works on
AT_KINKS = 8  # arrays as large as a chunk, where neurons near a kink are counted
WRITING = 2**25  # bytes of the pieces in which numpy writes an array
RECORD = 6000  # bytes of a save point, besides its numbers: the objects that hold them
OF_POINT = 12  # numbers of a save point for each data point: six observables and their errors


@dataclass(frozen=True, kw_only=True)
class Run:
    """What decides how much memory a run needs.

    n: data points; tests: test points; carried: whether states have rows for them; width: m of the whole network; size,
    here: how many processes share it, and how many of them this machine runs; seeds: networks that are to be followed,
    of which the first `runs` go together, and `later` after them; drawn: whether the network is drawn,
    not given; method: the name of the integrator, or "descent"; saves: how many save points are asked for, None where
    nobody knows; kinks: of sigma, 0 where sigma' is continuous; trained: whether the last layer is; threads: of the
    passes over the neurons.
    """

    n: int
    width: int
    method: str
    tests: int = 0
    carried: bool = True
    size: int = 1
    here: int = 1
    seeds: int = 1
    drawn: bool = True
    saves: int | None = None
    kinks: int = 0
    trained: bool = False
    low_memory: bool = False
    checkpoint: bool = False
    dtype: str = "float64"
    gpu: bool = False
    threads: int = 1

    @property
    def itemsize(self) -> int:
        """Bytes of an entry of a state."""
        return 4 if self.dtype == "float32" else REAL

    @property
    def rows(self) -> int:
        """Of a state."""
        return self.n + (self.tests if self.carried else 0) + self.trained

    @property
    def runs(self) -> int:
        """How many runs are advanced together: of small states as many as fill TOGETHER entries, in none of their
        arrays more."""
        entries = self.rows * self.width
        if self.method == "descent" or entries >= SMALL:
            return 1
        return min(self.seeds, max(1, TOGETHER // max(entries, self.n**2)))

    @property
    def later(self) -> int:
        """How many of them follow when these have ended."""
        return self.seeds - self.runs

    @property
    def keeps_slopes(self) -> bool:
        """Whether slopes are kept from step to step; see Flow."""
        below = KEEP_SLOPES_ON_GPU if self.gpu else KEEP_SLOPES_BELOW
        return self.trained or (not self.low_memory and self.n * self.width < below)

    @cached_property
    def chunks(self) -> tuple[int, int]:
        """(P, w): how many chunks of neurons a process has, and how many neurons there are in one."""
        if self.gpu:
            return 1, min(self.neurons, max(1, GPU_CHUNK // self.rows))
        every = cpu_chunks(self.n, self.width, self.itemsize, low_memory=self.low_memory and not self.trained)
        return math.ceil(len(every) / self.size), int(every[0][1])

    @property
    def neurons(self) -> int:
        """How many a process has at most."""
        if self.gpu:
            return min(self.width, math.ceil(MOST_CHUNKS / self.size) * math.ceil(self.width / MOST_CHUNKS))
        count, width = self.chunks
        return min(self.width, count * width)


def needed(run: Run) -> int:
    """Bytes that the run needs on the device where it takes place."""
    code = CODE if run.n < MANY_POINTS else 2 * CODE
    together = max(_drawing(run), _going(run), _between(run)) + _matrices(run) + _recorded(run) + code
    return run.here * (together + run.later * _result(run))


def threads_of(entries: int) -> int:
    """How many threads may take passes over a state of so many entries at most; see run.py."""
    if entries < SMALL:
        return 1
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    asked = os.environ.get("OMP_NUM_THREADS", "")  # which torch will go by
    return int(asked) if asked.isdigit() and int(asked) else os.cpu_count() or 1


def largest(run: Run, name: str, fits: Callable[[Run], bool]) -> int | None:
    """The largest size of that name, at most that of the run, with which it fits; None if 1 is too large."""
    low, high = 0, getattr(run, name) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(changed(run, {name: middle})) else (low, middle)
    return low or None


def changed(run: Run, changes: dict[str, Any]) -> Run:
    """The run with other values of these names."""
    return replace(run, **changes)


def _network(run: Run) -> int:
    """Bytes of a network on the CPU: float64 always."""
    return REAL * run.neurons * (run.n + run.tests + 1)


def _state(run: Run) -> int:
    """Bytes of the states of all runs."""
    return run.runs * run.rows * run.neurons * run.itemsize


def _start(run: Run) -> int:
    """Bytes of the networks, of the states at the start and of vectors over the neurons."""
    vectors = VECTORS * (1 if run.runs == 1 else 2) * REAL * run.runs * run.neurons
    tests = 0 if run.carried else run.runs * run.tests * run.neurons * run.itemsize
    if run.gpu:
        return _state(run) + tests + vectors
    if run.drawn and run.runs == 1 and run.dtype == "float64" and not run.trained:
        return _network(run) + vectors  # whose arrays the states at the start share
    return (run.runs * _network(run) if run.drawn else 0) + _state(run) + tests + vectors


def _drawing(run: Run) -> int:
    """Bytes while the networks are drawn."""
    if run.gpu or not run.drawn:
        return 0
    block = REAL * min(run.neurons, DRAWN_TOGETHER) * (run.n + run.tests)
    return run.runs * _network(run) + 2 * block + DRAWING * REAL * (run.n**2 + run.tests**2)


def _slopes_and_states(run: Run) -> tuple[int, int]:
    """(a, b): how many arrays of slopes and how many states are held at once, besides the states at the start.

    Steps hold the slopes of their stages, of which the exponential method has two and runge-kutta six, besides those at
    the start. A state that keeps slopes has those at its start and at that of the step before, too; then save points
    are interpolated (`inside`) and the whole step is held as long as that takes.
    """
    inside = run.saves is not None and run.keeps_slopes
    # The state that is taken back, of either run; see advance.looks_back.
    below = KEEP_SLOPES_ON_GPU if run.gpu and not run.low_memory else KEEP_SLOPES_BELOW
    back = 2 if run.kinks == 0 and run.rows * run.width < below else 0
    if run.method == "descent":
        return (3 if run.keeps_slopes else 0 if run.low_memory else 1), 1
    if run.method == "piecewise-linear":
        if run.low_memory:
            return 0, 2
        # Both ends of the coarse step, and of both halves of the fine one; inside a step also those before the save
        # point and at it.
        return 0, 5 + (4 if inside else 0)
    if run.method == "runge-kutta":
        return (14 if run.keeps_slopes else 0 if run.low_memory else 7), 2 + back
    if not run.keeps_slopes:
        return (0 if run.low_memory else 2), 2
    return (11 if inside or back else 8), 2 + back + (2 if inside else 0)


def _going(run: Run) -> int:
    """Bytes of neurons in the course of a step, or at the end of the run."""
    slopes, states = _slopes_and_states(run)
    of_slopes = run.runs * run.n * run.neurons * run.itemsize * (2 if run.trained else 1)
    count, width = run.chunks
    threads, chunk = min(run.threads, count), run.runs * run.rows * width
    # Copies of a chunk: stages that are computed again, and their h.
    stages, copies = {"exponential": 3, "runge-kutta": 8}.get(run.method, 1), 0
    if not run.gpu and (not run.keeps_slopes or run.method == "runge-kutta"):
        copies = stages + (2 if count > 1 else 0)  # the last chunk may be narrower, so that it has buffers of its own
        copies *= 2 if run.neurons % width else 1
    copies = max(copies, 2)  # what is looked for over the states, as the largest |h|
    if run.kinks and run.method != "piecewise-linear":
        copies = max(copies, AT_KINKS)
    work = threads * chunk * copies * run.itemsize
    if run.gpu:
        work = max(4 * GPU_CHUNK * run.itemsize, work)
    going = slopes * of_slopes + states * _state(run)
    if run.method == "piecewise-linear":  # the sides of these states
        going += states * run.runs * run.n * run.neurons + _saved_on_the_way(run)
    if run.runs > 1:  # some of the runs may be selected, which copies them
        going *= 2
    # At the end: the spare arrays of slopes, the last state and, in float64 on the CPU, that which is returned.
    fetched = run.runs * REAL * run.neurons * (run.rows if run.dtype == "float32" else 0)
    tested = 0 if run.carried else run.runs * run.neurons * (run.n + 2 * run.tests) * run.itemsize
    ended = min(slopes, SPARES) * of_slopes + _state(run) + (0 if run.gpu else fetched) + tested
    return _start(run) + max(going + work, ended)


def _between(run: Run) -> int:
    """Bytes of neurons while a checkpoint is written or read, all of it in float64."""
    if not run.checkpoint or run.gpu:
        return 0
    slopes, _ = _slopes_and_states(run)
    layers, states = 1 + run.trained, 1 if run.method == "descent" else 2
    past = run.n * layers if run.method != "descent" and run.keeps_slopes and not run.kinks else 0
    sides = run.n if run.method == "piecewise-linear" else 0  # as int64
    file = states * REAL * run.neurons * (run.rows + past + sides)
    fetched = file if run.dtype == "float32" else states * REAL * run.neurons * sides
    held = states * _state(run) + min(slopes, 2 * SPARES) * layers * run.n * run.neurons * run.itemsize
    return _start(run) + held + fetched + file * 9 // 8 + WRITING  # the stream grows by an eighth at a time


def _saved_on_the_way(run: Run) -> int:
    """Bytes of the save points that a coarse step and its two halves hold, as `PiecewiseLinear.step` keeps them."""
    if run.saves is None or not run.keeps_slopes:
        return 0
    one = run.width * (run.rows * run.itemsize + run.n) + REAL * MATRICES * run.n**2
    most = int(KEPT / run.runs / one)
    return run.runs * one * (min(run.saves, most) + min(run.saves, 2 * most))


def _matrices(run: Run) -> int:
    """Bytes of all that is as large as the data: matrices (n, n), of which each run has its own, and what the threads
    and the chunks have of them."""
    n, rows, runs, (count, _) = run.n, run.rows, run.runs, run.chunks
    prepared = (3.5 if n >= LEAST else 2.5) * n * rows  # G as the compiled loops read it, in float32 too
    static = STATIC * n * n + prepared + 4 * n * run.tests
    kind = run.method if run.method in DURING else "kept" if run.keeps_slopes else "large"
    sums = (2 * count + 2) * runs * n * n * (2 if run.trained else 1)  # those of the chunks, and of all
    thread = n * n + WORKING * (n + rows) * STRIP
    if run.method == "piecewise-linear":
        places = 1 + (0 if run.saves is None or not run.keeps_slopes else run.saves)
        parts = max(MOMENTS_OF_KERNEL, min(places, 1 + int(KEPT / (REAL * MATRICES * n * n + n * run.width))))
        sums += (2 * count + 4) * parts * n * n
        events = 6 * n * run.kinks + 100 + max(LEAST_BATCH, n)
        thread += 2 * n * n + 3 * events * n + 2 * parts * n * n + BLOCK * n * (8 + 4 * parts)
        static += PANELS * n
    during = DURING[kind] * (2 if run.trained else 1) * (1 if runs == 1 else 2)  # some of the runs may be selected
    return int(REAL * (static + runs * during * n * n + sums + run.threads * thread))


def _recorded(run: Run) -> int:
    """Bytes of what is recorded, where it is known how much that is: by the recorder and in the trajectory."""
    if run.saves is None:
        return 0
    return run.runs * (run.saves + 2) * (RECORD + 2 * REAL * (OF_POINT * run.n + 2 * run.tests))  # and both ends


def _result(run: Run) -> int:
    """Bytes of what a run leaves: the networks at its start and at its end, and what was recorded."""
    return 0 if run.gpu else 2 * _network(run) + _recorded(replace(run, seeds=1))
