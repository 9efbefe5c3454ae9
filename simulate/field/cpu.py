"""The backend for the CPU: the compiled loops of kernels.py, shared among threads.

Each method is the adapter of one compiled loop: it allocates the results, names every argument and calls the loop.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulate.field import kernels, sigmas, single
from simulate.field.arrays import Array
from simulate.field.chunks import map_chunks
from simulate.field.model import Displacement, Model, Sums
from simulate.field.subsets import columns_of
from simulate.field.threads import run_on_threads, thread_count
from simulate.field.tiles import MOST_TILED, panels
from simulate.field.work_queue import work_queue

MOST_SLOPES = 4  # in one compiled pass, which always takes this number of arguments, so that it is compiled once
NO_COEFFICIENTS = np.empty((0, 1, 1))
# Entries of one run in a piece that numpy or torch activates: the allocator keeps temporaries of this size, while
# larger ones are fetched from the system each time.
PIECE = 2**13
ONE_THREAD_BELOW = 2**15  # entries of h for which one more thread is worth its start
ONE_CHUNK = work_queue(1, 1)


class Compiled:
    """The Backend (see backend.py) whose loops numba compiles. Everything is computed in float64, whatever the dtype of
    the state, apart from the step of descent in single.py; sums are over chunks of neurons, one entry of the result for
    each."""

    most_slopes = MOST_SLOPES

    def __init__(self, gram: np.ndarray) -> None:
        """gram: (n + k, n), the Gram matrix between all rows of a state and the training points."""
        self.panels, self.columns = panels(gram), columns_of(gram)
        with np.errstate(over="ignore"):  # a step in float32 that meets an infinite entry is refused
            self.single = self.panels.astype(np.float32)

    def evaluate(
        self,
        model: Model,
        h: Array,
        displacement: Displacement,
        *,
        displaced: Array | None = None,
        slopes: Array | None = None,
        gram: bool = True,
        work: bool = False,
    ) -> Sums:
        """See backend.Backend."""
        runs, n, chunks = model.runs, model.n, model.chunks
        count, size = len(chunks), n if gram else 0
        sums = Sums(
            np.zeros((count, runs, n)),
            np.zeros((count, runs, size, size)),
            np.zeros((count, runs if work else 0)),
        )
        loop = sigmas.loop_of(model.activation)
        if loop is None:
            self._evaluate_in_pieces(model, h, displacement, displaced, slopes, sums)
            return sums
        # A step of descent moves h by the slopes there, which those at the end replace.
        descends = displaced is h and work and not gram and len(displacement.slopes) == 1
        descends = descends and slopes is displacement.slopes[0]
        kind, sigma = loop
        if descends and kind == sigmas.TANH and model.arrays.real is np.float32 and n <= MOST_TILED:
            self._descend(model, h, displacement, sums)
            return sums
        given, coefficients = _arguments(displacement, h)
        nothing = model.arrays.nothing

        def run(queue: np.ndarray, thread: int) -> None:
            kernels.evaluate(
                kind=kind,
                sigma=sigma,
                chunks=chunks,
                queue=queue,
                thread=thread,
                h=h,
                slopes=given,
                coefficients=coefficients,
                panels=self.panels,
                columns=self.columns,
                gain=model.gain,
                signs=model.signs,
                displaced=nothing if displaced is None else displaced,
                slopes_out=nothing if slopes is None else slopes,
                output=sums.output,
                gram=sums.gram,
                work=sums.work,
            )

        _share(model, run)
        return sums

    def _descend(self, model: Model, h: Array, displacement: Displacement, sums: Sums) -> None:
        """`evaluate` for a step of descent in float32. Adds to the sums in place."""
        coefficients = displacement.coefficients[0].astype(np.float32)

        def run(queue: np.ndarray, thread: int) -> None:
            single.descend(
                chunks=model.chunks,
                queue=queue,
                thread=thread,
                h=h,
                slopes=displacement.slopes[0],
                coefficients=coefficients,
                panels=self.single,
                gain=model.gain,
                signs=model.signs,
                output=sums.output,
                work=sums.work,
            )

        _share(model, run)

    def _evaluate_in_pieces(
        self,
        model: Model,
        h: Array,
        displacement: Displacement,
        displaced: Array | None,
        slopes: Array | None,
        sums: Sums,
    ) -> None:
        """`evaluate` for an activation without a compiled loop: compiled code displaces a piece of a chunk,
        numpy or torch applies sigma and sigma', compiled code sums the result. Adds to the sums in place."""
        arrays, runs, n = model.arrays, model.runs, model.n
        given, coefficients = _arguments(displacement, h)
        width = max(1, PIECE // n)  # counted for one run: the number of runs must not change a result

        def evaluate_chunk(k: int, _: int) -> None:
            first, beyond = model.chunks[k]
            for start in range(first, beyond, width):
                stop = min(start + width, beyond)
                value, slope = (arrays.empty(runs, n, stop - start) for _ in range(2))
                kernels.displace(
                    start=start,
                    stop=stop,
                    h=h,
                    slopes=given,
                    coefficients=coefficients,
                    panels=self.panels,
                    gain=model.gain,
                    displaced=arrays.nothing if displaced is None else displaced,
                    x=value,
                    work=sums.work[k],
                )
                arrays.activate(model.activation, value, value, slope)
                kernels.add_sums(
                    value=value,
                    slope=slope,
                    start=start,
                    signs=model.signs,
                    output=sums.output[k],
                    gram=sums.gram[k],
                )
                if slopes is not None:
                    slopes[:, :, start:stop] = slope

        map_chunks(evaluate_chunk, [(k, k + 1) for k in range(len(model.chunks))])

    def displacement_sizes(
        self, model: Model, displacement: Displacement, against: Array
    ) -> tuple[np.ndarray, np.ndarray]:
        """See backend.Backend."""
        change, square = (np.zeros((len(model.chunks), model.runs, model.n)) for _ in range(2))
        given, coefficients = _arguments(displacement, against)

        def run(queue: np.ndarray, thread: int) -> None:
            kernels.displacement_sizes(
                chunks=model.chunks,
                queue=queue,
                thread=thread,
                slopes=given,
                coefficients=coefficients,
                panels=self.panels,
                against=against,
                change=change,
                square=square,
            )

        _share(model, run)
        return change, square

    def moments(self, model: Model, h: Array, h0: Array) -> tuple[np.ndarray, np.ndarray]:
        """See backend.Backend."""
        sums, maxima = (np.empty((len(model.chunks), 2, model.runs, model.n)) for _ in range(2))

        def run(queue: np.ndarray, thread: int) -> None:
            kernels.moments(h=h, h0=h0, chunks=model.chunks, queue=queue, thread=thread, sums=sums, maxima=maxima)

        _share(model, run)
        return sums, maxima

    def count_inside(self, model: Model, fine: Array, coarse: Array, interval: tuple[float, float]) -> np.ndarray:
        """See backend.Backend."""
        counts = np.empty((len(model.chunks), 2, model.runs, model.n))
        left, right = interval

        def run(queue: np.ndarray, thread: int) -> None:
            kernels.count_inside(
                fine=fine,
                coarse=coarse,
                left=left,
                right=right,
                chunks=model.chunks,
                queue=queue,
                thread=thread,
                counts=counts,
            )

        _share(model, run)
        return counts


def _arguments(displacement: Displacement, any_array: Array) -> tuple[tuple[Array, ...], np.ndarray]:
    """A displacement as the loops take it: MOST_SLOPES arrays, of which as many count as there are coefficients, and
    the coefficients (J, S, n). any_array: what stands in for slopes if there are none; it is not read."""
    slopes, coefficients = displacement
    if not slopes:
        return (any_array,) * MOST_SLOPES, NO_COEFFICIENTS
    return (*slopes, *slopes[:1] * (MOST_SLOPES - len(slopes))), np.array(coefficients)


def _share(model: Model, run: Callable[[np.ndarray, int], None]) -> None:
    """run(queue, thread) on as many threads as the chunks are worth; the queue deals the chunks out."""
    chunks = len(model.chunks)
    if chunks == 1:
        run(ONE_CHUNK.copy(), 0)
        return
    worth = min(chunks, model.runs * model.n * model.m // ONE_THREAD_BELOW)
    queue = work_queue(chunks, thread_count(worth))
    run_on_threads(lambda thread: run(queue, thread), len(queue))
