"""What is observed at a save point, and how sure it is; compiled, for its arrays are short and numpy's calls are not.

An observable is a number (in `scalars`, (R, SCALARS)) or one for each data point (in `vectors`, (R, VECTORS, n)).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import EXACT

SCALARS = ("loss", "path_length", "dissipated", "power", "kernel_min_eig", "kernel_max_eig")
VECTORS = ("output", "mean_square_slope", "movement", "movement_rms", "movement_max")
LOSS, PATH_LENGTH, DISSIPATED, POWER, MIN_EIG, MAX_EIG = range(len(SCALARS))
OUTPUT, MEAN_SQUARE_SLOPE, MOVEMENT, MOVEMENT_RMS, MOVEMENT_MAX = range(len(VECTORS))
FEW_ULPS, ULPS_OF_H = 64, 8  # rounding of a sum of positive terms; of h, which is added up from displacements


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
    """Fills scalars and vectors for each run. rates, basis: eigenvalues and eigenvectors of speed H; moments (4, R, n):
    see Engine.moments."""
    for s in range(len(residual)):
        power = square = 0.0
        for k in range(len(y)):
            mode = 0.0
            for a in range(len(y)):
                mode += basis[s, a, k] * residual[s, a]
            power += rates[s, k] * mode * mode
            square += residual[s, k] * residual[s, k]
        scalars[s, LOSS], scalars[s, POWER] = square / 2, power
        scalars[s, PATH_LENGTH], scalars[s, DISSIPATED] = path[s, 0], path[s, 1]
        scalars[s, MIN_EIG], scalars[s, MAX_EIG] = rates[s, 0] / speed, rates[s, -1] / speed
        for a in range(len(y)):
            vectors[s, OUTPUT, a] = residual[s, a] + y[a]
            vectors[s, MEAN_SQUARE_SLOPE, a] = slope_gram[s, a, a]
            vectors[s, MOVEMENT, a] = moments[0, s, a] / m
            vectors[s, MOVEMENT_RMS, a] = np.sqrt(moments[1, s, a] / m)
            vectors[s, MOVEMENT_MAX, a] = moments[2, s, a]


@njit(**EXACT)
def differ(
    values: Any, twins: Any, vectors: Any, twin_vectors: Any, residual: Any, apart: Any, scalars: Any, points: Any
) -> None:
    """scalars, points: how far the two runs are apart, in norms that do not vanish where one component happens to
    cross. residual (R, n): that of the fine run, apart: how far it is from the coarse one."""
    n = residual.shape[1]
    for s in range(len(values)):
        for k in range(values.shape[1]):
            scalars[s, k] = abs(values[s, k] - twins[s, k])
        distance, size = np.sqrt((apart[s] * apart[s]).sum()), np.sqrt((residual[s] * residual[s]).sum())
        scalars[s, LOSS] = distance * (size + distance / 2)
        for k in range(vectors.shape[1]):
            largest = square = 0.0
            for a in range(n):
                gap = abs(vectors[s, k, a] - twin_vectors[s, k, a])
                square += gap * gap
                largest = gap if gap > largest or gap != gap else largest  # NaN stays
            points[s, k] = np.sqrt(square) if k == OUTPUT else largest


@njit(**EXACT)
def round_off(
    epsilon: float,
    values: Any,
    vectors: Any,
    residual: Any,
    of_output: Any,
    of_h: Any,
    moved: Any,
    scalars: Any,
    points: Any,
) -> None:
    """Adds to scalars, points (R, VECTORS, n) what rounding may have done. of_output (R, n): that of r; of_h (R,): the
    largest |h| at the start; moved (R,): whether anything has moved, before which sums over the run are exactly zero.
    What is not finite has no finite error."""
    for s in range(len(values)):
        for k in range(values.shape[1]):
            if k == LOSS:
                for a in range(residual.shape[1]):
                    scalars[s, k] += abs(residual[s, a]) * of_output[s, a] + of_output[s, a] ** 2 / 2
            elif moved[s] or k not in (PATH_LENGTH, DISSIPATED):
                scalars[s, k] += FEW_ULPS * epsilon * abs(values[s, k])
            scalars[s, k] += 0.0 * values[s, k]
        for k in range(vectors.shape[1]):
            for a in range(residual.shape[1]):
                if k == OUTPUT:
                    points[s, k, a] += of_output[s, a]
                elif k == MEAN_SQUARE_SLOPE:
                    points[s, k, a] += FEW_ULPS * epsilon * abs(vectors[s, k, a])
                elif moved[s]:  # h is stored to a few ulps of itself, however little it moved
                    points[s, k, a] += ULPS_OF_H * epsilon * of_h[s]
                points[s, k, a] += 0.0 * vectors[s, k, a]
