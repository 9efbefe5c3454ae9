"""What to do about data whose Gram matrix is not certified positive definite: only ways out that were tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bounds.data.biases import FixedBias, WithBias
from bounds.data.embeddings import Identity, Quadratic
from bounds.data.random_features import RandomFeatures
from bounds.numerics.spectrum import spectrum

if TYPE_CHECKING:
    from bounds.data.embeddings import Embedding

MOST_TRIED = 1500  # rows up to which other embeddings are tried, which takes seconds
DIM = 4096  # of the random features that are drawn to be tried: what is simulated needs one realisation
# What is tried, with what the command line calls it.
CANDIDATES: tuple[tuple[str, str, Embedding], ...] = (
    ("Quadratic()", "--embedding quadratic", Quadratic()),
    ("RandomFeatures(depth=1)", "--embedding random-features:depth=1,activation=relu", RandomFeatures(depth=1)),
    (
        f"one draw of it, RandomFeatures(depth=1, dim={DIM})",
        f"the same with ,dim={DIM}, which can be simulated",
        RandomFeatures(depth=1, dim=DIM),
    ),
)


def why_dependent(X: np.ndarray, embedding: object) -> str:
    """Why the rows of X (n, d) may have a singular Gram matrix. With biases they need only be affinely independent."""
    n, d = X.shape
    if isinstance(embedding, FixedBias):
        return why_dependent(X, embedding.embedding)  # G is that without them
    if isinstance(embedding, WithBias) and isinstance(embedding.embedding, Identity):
        if n > d + 1:
            return f"n={n} > d+1={d + 1}: more rows than columns and a bias are always affinely dependent"
        return "duplicate or affinely dependent rows"
    limit, words = _features_of(embedding, d)
    if n > limit:
        return f"n={n} > {limit}, the number of {words}: so many rows are always linearly dependent"
    if not isinstance(embedding, Identity):
        return f"n={n}, and the embedding of the rows is linearly dependent, or nearly so"
    if n > d:
        return f"n={n} > d={d}: more rows than columns are always linearly dependent"
    means, sizes = np.abs(X.mean(axis=0)), np.sqrt(np.mean(np.square(X), axis=0))
    if n > 1 and np.all(means <= 1e-9 * (sizes + 1e-300)):
        return "the columns are centred, so that the rows add up to zero"
    return "duplicate or linearly dependent rows"


def ways_out(X: np.ndarray, embedding: object) -> str:
    """What makes the Gram matrix of these data positive definite: each embedding in the answer was tried on them."""
    n, d = X.shape
    ways = []
    size = embedding.size if isinstance(embedding, WithBias) else None
    plain = embedding.embedding if isinstance(embedding, WithBias | FixedBias) else embedding
    if isinstance(plain, Identity):
        kind, rank = "linearly", int(np.linalg.matrix_rank(X))
        if size is not None:
            kind, rank = "affinely", int(np.linalg.matrix_rank(np.column_stack([X, np.ones(n)])))
        ways.append(f"keep at most {rank} {kind} independent rows" if rank < n else "remove nearly dependent rows")
        if n <= MOST_TRIED and size is None and (low := _least_eigenvalue(X, WithBias(plain, 1.0))) > 0:
            ways.append(f"train biases (bias=1.0, --bias 1), whose smallest eigenvalue is at least {low:.3g}")
    else:
        limit = _features_of(embedding, d)[0]
        ways.append(f"keep at most {limit} rows, or fewer" if n > limit else "remove dependent rows")
    if n <= MOST_TRIED:
        ways += [
            f"use {name} ({option}), whose smallest eigenvalue is at least {low:.3g}"
            for name, option, candidate in CANDIDATES
            if candidate != plain
            and (low := _least_eigenvalue(X, candidate if size is None else WithBias(candidate, size))) > 0
        ]
    return "What helps: " + "; or ".join(ways) + "."


def _features_of(embedding: object, d: int) -> tuple[float, str]:
    """(how many linearly independent features an embedding of d inputs has at most, what they are)."""
    if isinstance(embedding, WithBias):
        limit, words = _features_of(embedding.embedding, d)
        return limit + 1, f"{words} and a bias"
    if isinstance(embedding, Quadratic):
        return d * (d + 1) // 2, f"products of two of d={d} columns"
    if isinstance(embedding, RandomFeatures) and embedding.dim is not None:
        return embedding.dim, "random features"
    return np.inf, "features"


def _least_eigenvalue(X: np.ndarray, embedding: Embedding) -> float:
    """A lower bound of the smallest eigenvalue of the embedding's Gram matrix, its rounding included."""
    with np.errstate(all="ignore"):
        gram = embedding.gram(X, X)
    if not np.all(np.isfinite(gram)):
        return 0.0
    relative: float = getattr(embedding, "gram_error")(X)  # noqa: B009  (not every Embedding has it, these do)
    return spectrum((gram + gram.T) / 2, 1.01 * relative * float(np.trace(gram))).lmin[0]


def most_parallel_rows(X: np.ndarray) -> tuple[int, int, float]:
    """(a, b, |cosine|) of the two rows of X, counted from 0, that are nearest to parallel. X has two rows or more."""
    sizes = np.linalg.norm(X, axis=1, keepdims=True)
    unit = X / np.where(sizes > 0, sizes, 1.0)
    cosines = np.abs(unit @ unit.T)
    np.fill_diagonal(cosines, -1.0)
    a, b = sorted(int(k) for k in np.unravel_index(int(np.argmax(cosines)), cosines.shape))
    return a, b, float(min(cosines[a, b], 1.0))
