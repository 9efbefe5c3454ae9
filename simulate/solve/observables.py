"""What is observed at a save point, and how sure it is; compiled, for numpy's calls would take longer than the work.

An observable is a number (in `scalars`, (R, SCALARS)) or one for each data point (in `vectors`, (R, VECTORS, n)). Each
loop is called from one place only, in recorder.py, with the same argument names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import EXACT, INNER_EXACT

SCALARS = ("loss", "path_length", "dissipated", "power", "kernel_min_eig", "kernel_max_eig")
VECTORS = ("output", "mean_square_slope", "movement", "movement_rms", "movement_max")
LOSS, PATH_LENGTH, DISSIPATED, POWER, MIN_EIG, MAX_EIG = range(len(SCALARS))
OUTPUT, MEAN_SQUARE_SLOPE, MOVEMENT, MOVEMENT_RMS, MOVEMENT_MAX = range(len(VECTORS))
ULPS_OF_SUM = 64  # the rounding of a sum of positive terms, in units of the last place
ULPS_OF_H = 8  # the rounding of h, which is added up from displacements


@njit(**EXACT)
def observe(
    y: Any,
    speed: float,
    m: int,
    residual: Any,
    slope_gram: Any,
    rates: Any,
    basis: Any,
    path: Any,
    moments: Any,
    scalars: Any,
    vectors: Any,
) -> None:
    """Fills scalars and vectors for each run.

    y (n,); speed, m: as in Flow; residual (R, n); slope_gram (R, n, n); rates (R, n), basis (R, n, n): eigenvalues and
    eigenvectors of speed Theta; path (R, 3 + n): see Followed; moments (4, R, n): see Flow.moments.
    """
    for s in range(len(residual)):
        # P = r' (speed Theta) r, by modes.
        power = 0.0
        for k in range(len(y)):
            mode = 0.0
            for a in range(len(y)):
                mode += basis[s, a, k] * residual[s, a]
            power += rates[s, k] * mode * mode
        scalars[s, POWER] = power
        for a in range(len(y)):
            vectors[s, MEAN_SQUARE_SLOPE, a] = slope_gram[s, a, a]
    observe_vectors(y, speed, m, residual, rates, path, moments, scalars, vectors)


@njit(**EXACT)
def observe_from_afar(
    y: Any,
    speed: float,
    m: int,
    residual: Any,
    squares: Any,
    rates: Any,
    modes: Any,
    path: Any,
    moments: Any,
    scalars: Any,
    vectors: Any,
) -> None:
    """Fills scalars and vectors for each run whose matrices are on a GPU: squares (R, n) is the diagonal of slope_gram,
    modes (R, n) r in the eigenbasis; the others as for `observe`."""
    for s in range(len(residual)):
        power = 0.0
        for k in range(len(y)):
            power += rates[s, k] * modes[s, k] * modes[s, k]
            vectors[s, MEAN_SQUARE_SLOPE, k] = squares[s, k]
        scalars[s, POWER] = power
    observe_vectors(y, speed, m, residual, rates, path, moments, scalars, vectors)


@njit(**INNER_EXACT)
def observe_vectors(
    y: Any, speed: float, m: int, residual: Any, rates: Any, path: Any, moments: Any, scalars: Any, vectors: Any
) -> None:
    """Fills what needs no matrix; see observe."""
    for s in range(len(residual)):
        square = 0.0
        for a in range(len(y)):
            square += residual[s, a] * residual[s, a]
        scalars[s, LOSS] = square / 2
        scalars[s, PATH_LENGTH], scalars[s, DISSIPATED] = path[s, 0], path[s, 1]
        scalars[s, MIN_EIG], scalars[s, MAX_EIG] = rates[s, 0] / speed, rates[s, -1] / speed
        for a in range(len(y)):
            vectors[s, OUTPUT, a] = residual[s, a] + y[a]
            vectors[s, MOVEMENT, a] = moments[0, s, a] / m
            vectors[s, MOVEMENT_RMS, a] = np.sqrt(moments[1, s, a] / m)
            vectors[s, MOVEMENT_MAX, a] = moments[2, s, a]


@njit(**EXACT)
def differences(
    scalars: Any,
    other_scalars: Any,
    vectors: Any,
    other_vectors: Any,
    residual: Any,
    apart: Any,
    scalar_errors: Any,
    distances: Any,
) -> None:
    """How far the observables of two integrations are apart, in norms that do not vanish where one component happens to
    cross. Writes scalar_errors (R, SCALARS) and distances (R, VECTORS, 1), which count for every data point.

    residual (R, n): that of the fine integration; apart (R, n): how far it is from the coarse one.
    """
    n = residual.shape[1]
    for s in range(len(scalars)):
        for k in range(scalars.shape[1]):
            scalar_errors[s, k] = abs(scalars[s, k] - other_scalars[s, k])
        # |L - L'| <= |r - r'| (|r| + |r - r'|/2)
        distance, size = np.sqrt((apart[s] * apart[s]).sum()), np.sqrt((residual[s] * residual[s]).sum())
        scalar_errors[s, LOSS] = distance * (size + distance / 2)
        for k in range(vectors.shape[1]):
            largest = square = 0.0
            for a in range(n):
                gap = abs(vectors[s, k, a] - other_vectors[s, k, a])
                square += gap * gap
                largest = gap if gap > largest or gap != gap else largest  # NaN stays
            distances[s, k] = np.sqrt(square) if k == OUTPUT else largest


@njit(**EXACT)
def add_rounding(
    epsilon: float,
    speed: float,
    scalars: Any,
    vectors: Any,
    residual: Any,
    of_output: Any,
    largest: Any,
    moved: Any,
    scalar_errors: Any,
    vector_errors: Any,
) -> None:
    """Adds to scalar_errors (R, SCALARS) and vector_errors (R, VECTORS, n) what rounding may have done.

    of_output (R, n): the rounding of r; largest (R,): the largest |h| at the start; moved (R,): whether anything has
    moved, before which sums over the run are exactly zero. What is not finite gets no finite error.
    """
    for s in range(len(scalars)):
        for k in range(scalars.shape[1]):
            if k == LOSS:
                for a in range(residual.shape[1]):
                    scalar_errors[s, k] += abs(residual[s, a]) * of_output[s, a] + of_output[s, a] ** 2 / 2
            elif moved[s] or k not in (PATH_LENGTH, DISSIPATED):
                # An eigenvalue is as exact as the largest of its matrix lets it be, and with it r' (speed Theta) r.
                size = scalars[s, k]
                if k == MIN_EIG:
                    size = scalars[s, MAX_EIG]
                elif k == POWER:
                    size = 2 * speed * scalars[s, MAX_EIG] * scalars[s, LOSS]
                scalar_errors[s, k] += ULPS_OF_SUM * epsilon * abs(size)
            scalar_errors[s, k] += 0.0 * scalars[s, k]
        for k in range(vectors.shape[1]):
            for a in range(residual.shape[1]):
                if k == OUTPUT:
                    vector_errors[s, k, a] += of_output[s, a]
                elif k == MEAN_SQUARE_SLOPE:
                    vector_errors[s, k, a] += ULPS_OF_SUM * epsilon * abs(vectors[s, k, a])
                elif moved[s]:  # h is stored to a few ulps of itself, however little it moved
                    vector_errors[s, k, a] += ULPS_OF_H * epsilon * largest[s]
                vector_errors[s, k, a] += 0.0 * vectors[s, k, a]


@njit(**EXACT)
def never_falling(runs: Any, found: Any, last: Any) -> None:
    """Errors of sums over a run, which never fall: raises each of found (B,), in order, to the one before it of the
    same run (B,). last (S,): those before, by run; afterwards the last of each."""
    for b in range(len(runs)):
        before = last[runs[b]]
        if before > found[b] or before != before:  # NaN stays
            found[b] = before
        last[runs[b]] = found[b]


@njit(**EXACT)
def raise_errors(share: Any, low: Any, high: Any, errors: Any) -> None:
    """Errors inside a step (B, K), raised to what those at its ends, low before and high after it, make of them; share
    (B,): how much of the step is done.

    Inside a long step two integrations may agree by chance, while they are apart on either side. Errors are taken to
    grow or fall by the same factor in equal times; or to grow as the square of time, from nothing, if that is more.
    """
    for b in range(len(errors)):
        part = share[b]
        for k in range(errors.shape[1]):
            before, after = low[b, k], high[b, k]
            if not np.isfinite(after):
                continue
            least = before ** (1.0 - part) * after**part
            if after > before:
                least = max(least, after * part * part)
            if errors[b, k] < least:  # NaN stays
                errors[b, k] = least
