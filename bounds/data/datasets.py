"""The built-in data sets: the paper's, the reference problem, and two real ones; further points of those drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bounds.checks import check_seed, integer
from bounds.errors import ArgumentError, require, unknown_name
from bounds.memory import require_memory

Data = tuple[np.ndarray, np.ndarray]
TEACHER_WIDTH = 5  # of the network whose output is y in Experiment 2
# Streams of random numbers besides that of the seed itself, so that no two are the same.
TEACHER, TEST = 1, 2


@dataclass(frozen=True)
class DataSet:
    """A built-in data set.

    n, d: the default sizes; largest_n: the number of rows there are, None for a set that is drawn; fixed_d: the inputs
    are measured, so d cannot be chosen; load(n, d, seed): returns X (n, d) and y (n,). further(k, d, seed): k other
    points of the law that `load` draws from with this seed; None if there are none.
    """

    name: str
    description: str
    n: int
    d: int
    largest_n: int | None
    fixed_d: bool
    load: Callable[[int, int, int], Data]
    further: Callable[[int, int, int], Data] | None = None


def _gaussian(n: int, d: int, seed: int | list[int]) -> Data:
    """X standard normal, y uniform on [-1/2, 1/2]."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, rng.uniform(-0.5, 0.5, n)


def _experiment_2(n: int, d: int, seed: int, points: int | list[int] | None = None) -> Data:
    """X standard normal; y is the output of a teacher: a shallow ReLU network of TEACHER_WIDTH neurons on vec(x x'), as
    (2) and (3), but divided by the root of the width, so that y is of size one. The seed names the teacher; points: the
    seed of X, by default the same number."""
    teacher = np.random.default_rng([seed, TEACHER])
    W = teacher.standard_normal((TEACHER_WIDTH, d, d))
    signs = 2.0 * teacher.integers(0, 2, TEACHER_WIDTH) - 1.0
    X = np.random.default_rng(seed if points is None else points).standard_normal((n, d))
    h = np.einsum("ijk,aj,ak->ai", W, X, X, optimize=True) / d
    return X, np.maximum(h, 0.0) @ signs / np.sqrt(TEACHER_WIDTH)


def _experiment_3(n: int, d: int, seed: int | list[int]) -> Data:
    """Two relevant coordinates at the corners of a square, (93)-(96); y = 1 on one axis and -1 on the other."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, d))
    corner = rng.integers(0, 4, n)
    X[:, :2] = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])[corner]
    return X, np.where(corner < 2, 1.0, -1.0)


def _digits(n: int, d: int, seed: int) -> Data:
    """Rows of zeros and ones of the UCI digits, chosen by the seed."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    # The mean image of the whole set is removed (a subset's own mean would make its rows dependent), and one global
    # factor makes the mean squared pixel 1, so that G_aa is about 1.
    images = images - images.mean(axis=0)
    images /= np.sqrt(np.mean(np.square(images)))
    rows = np.flatnonzero(labels < 2)
    chosen = np.sort(np.random.default_rng(seed).choice(rows, size=n, replace=False))
    return images[chosen], labels[chosen] - 0.5


def _diabetes(n: int, d: int, seed: int) -> Data:
    """Rows of the diabetes data, chosen by the seed; y is centred and scaled to a range of 1."""
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    X = X * np.sqrt(len(X))  # unit variance in each column
    y = (y - y.mean()) / (y.max() - y.min())
    chosen = np.sort(np.random.default_rng(seed).choice(len(y), size=n, replace=False))
    return X[chosen], y[chosen]


def _others(k: int, d: int, seed: int) -> Data:
    return _gaussian(k, d, [seed, TEST])


DATASETS: dict[str, DataSet] = {
    s.name: s
    for s in (
        DataSet(
            "reference", "X standard normal, y uniform on [-1/2, 1/2], n <= d", 10, 100, None, False, _gaussian, _others
        ),
        DataSet(
            "experiment-1", "Experiment 1 of the paper: as reference, d = 20", 20, 20, None, False, _gaussian, _others
        ),
        DataSet(
            "experiment-2",
            "Experiment 2 of the paper: a teacher of 5 ReLU neurons on vec(x x')",
            50,
            30,
            None,
            False,
            _experiment_2,
            lambda k, d, seed: _experiment_2(k, d, seed, [seed, TEST]),
        ),
        DataSet(
            "experiment-3",
            "Experiment 3 of the paper, (93)-(96): two relevant coordinates",
            600,
            50,
            None,
            False,
            _experiment_3,
            lambda k, d, seed: _experiment_3(k, d, [seed, TEST]),
        ),
        DataSet("digits", "8x8 images of zeros and ones (UCI), targets -1/2 and 1/2", 40, 64, 360, True, _digits),
        DataSet("diabetes", "disease progression of 442 patients, 10 measurements", 8, 10, 442, True, _diabetes),
    )
}


def load_builtin(name: str, *, n: int | None = None, d: int | None = None, seed: int = 0) -> Data:
    """(X, y) of a built-in data set: X (n, d), y (n,); the same seed gives the same data.

    Raises ArgumentError for an unknown name (with the nearest one) or a size that the set does not have.
    """
    s = _known(name)
    n = s.n if n is None else integer("n", n, 1, rule="at least 1")
    d = s.d if d is None else integer("d", d, 1, rule="at least 1")
    require(d >= 2 or s.load is not _experiment_3, "d", "at least 2 for experiment-3", d)
    require(s.largest_n is None or n <= s.largest_n, "n", f"at most {s.largest_n} for {name!r}", n)
    require(not s.fixed_d or d == s.d, "d", f"{s.d} for {name!r}, whose inputs are measured", d)
    needed = 8 * (2 * n * d + 3 * n * n)  # the inputs, and the Gram matrix with its eigenvectors
    require_memory(needed, f"a data set of n={n} points in d={d} dimensions", "Use a smaller n or d.")
    return s.load(n, d, check_seed(seed))


def load_test(name: str, *, k: int = 500, d: int | None = None, seed: int = 0) -> Data:
    """(X, y) of k further points of the law that `load_builtin` draws from with the same d and seed: test points. For
    experiment-2 their targets come from the same teacher.

    Raises ArgumentError for an unknown name, a size out of range, or a set of measured data, which has no law.
    """
    s = _known(name)
    if s.further is None:
        drawn = ", ".join(repr(other.name) for other in DATASETS.values() if other.further is not None)
        raise ArgumentError(f"{name!r} holds measured data, of which no further points can be drawn. Use {drawn}.")
    k, d = integer("k", k, 1), s.d if d is None else integer("d", d, 1, rule="at least 1")
    require(d >= 2 or s.load is not _experiment_3, "d", "at least 2 for experiment-3", d)
    require_memory(8 * 2 * k * d, f"{k} test points in d={d} dimensions", "Use a smaller k or d.")
    return s.further(k, d, check_seed(seed))


def _known(name: str) -> DataSet:
    """The data set of that name; ArgumentError for another."""
    if not isinstance(name, str) or name not in DATASETS:
        raise unknown_name("built-in data set", name, DATASETS)
    return DATASETS[name]
