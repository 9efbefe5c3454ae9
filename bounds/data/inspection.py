"""What looks wrong about a data set: warnings that come before any theory; the data are not changed."""

from __future__ import annotations

import numpy as np

DIFFERENT = 1e3  # of the largest to the smallest column size: from this ratio on there is a warning
CENTRED = 1e-9  # of a column's size: a mean below counts as zero


def scaled_columns(X: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """X (n, d) with each column divided by its root mean square, or by that of the same column of `like` (k, d), as
    test points are by those of the training points; a column of zeros stays as it is.

    Nothing is centred: centred columns make the rows add up to zero, so that they are linearly dependent.
    """
    sizes = np.sqrt(np.mean(np.square(X if like is None else like), axis=0))
    scaled: np.ndarray = X / np.where(sizes > 0, sizes, 1.0)
    return scaled


def warnings_about(X: np.ndarray, y: np.ndarray) -> list[str]:
    """Sentences about inputs X (n, d) and targets y (n,) that a user should read before the numbers."""
    found = []
    n, d = X.shape
    if n > 1 and np.all(y == y[0]):
        found.append(f"y is constant ({y[0]:.4g}): every point has the same target. Is the right column y?")
    sizes = np.sqrt(np.mean(np.square(X), axis=0))
    if np.any(sizes > 0):
        least, most = float(np.min(sizes[sizes > 0])), float(np.max(sizes))
        if most > DIFFERENT * least:
            found.append(
                f"columns are of very different sizes, from {least:.2g} to {most:.2g}, so that the largest ones decide"
                " everything. --scale-columns divides each by its root mean square."
            )
    if np.any(sizes == 0):
        found.append(f"column {int(np.flatnonzero(sizes == 0)[0]) + 1} of the inputs is zero everywhere.")
    if 1 < n <= d and np.all(np.abs(X.mean(axis=0)) <= CENTRED * (sizes + 1e-300)):
        found.append(
            "every column is centred, so that the rows add up to zero and are linearly dependent. Leave the columns"
            " uncentred, or drop one row."
        )
    return found


def counts_rows(column: np.ndarray) -> bool:
    """Whether a column (n,), n > 2, is 0, 1, 2, ... or 1, 2, 3, ..., as a row index is."""
    n = len(column)
    return n > 2 and any(np.array_equal(column, np.arange(start, start + n)) for start in (0, 1))
