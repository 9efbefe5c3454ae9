"""Embeddings Phi: R^d -> R^D, known to the theory only through their Gram matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bounds.checks import real
from bounds.data.biases import FixedBias, WithBias
from bounds.data.random_features import RandomFeatures
from bounds.errors import require, unknown_name
from bounds.numerics.spectrum import gamma


@runtime_checkable
class Embedding(Protocol):
    """Anything with gram(X, X2) -> (n, n2), the matrix (1/D) Phi(x_a).Phi(x_b).

    So that guarantees include its rounding it also has gram_error(X) -> float, a bound of |error of gram(X, X)_ab| /
    sqrt(G_aa G_bb): for an inner product of D terms, `bounds.numerics.spectrum.gamma(D + 2)` plus the error of the
    entries of Phi. Without it the matrix is taken as exact, and every guarantee and certificate says so in its
    `caveats`.
    """

    def gram(self, X: np.ndarray, X2: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Identity:
    """phi_j(x) = x_j, D = d: the shallow network (1), whose Gram matrix is (20)."""

    def gram(self, X: np.ndarray, X2: np.ndarray) -> np.ndarray:
        """(1/d) X X2', shape (n, n2)."""
        return X @ X2.T / X.shape[1]

    def features(self, X: np.ndarray) -> np.ndarray:
        """phi(x_a), (n, D)."""
        return X

    def gram_error(self, X: np.ndarray) -> float:
        """Entrywise bound on the rounding of gram(X, X), relative to sqrt(G_aa G_bb)."""
        return gamma(X.shape[1] + 2)


@dataclass(frozen=True)
class Quadratic:
    """Phi(x) = vec(x x'), D = d^2 (Experiment 2): G_ab = (x_a.x_b)^2 / d^2."""

    def gram(self, X: np.ndarray, X2: np.ndarray) -> np.ndarray:
        """((1/d) X X2')^2 entrywise, shape (n, n2)."""
        return np.square(X @ X2.T / X.shape[1])

    def features(self, X: np.ndarray) -> np.ndarray:
        """phi(x_a) = vec(x_a x_a'), (n, d^2)."""
        return (X[:, :, None] * X[:, None, :]).reshape(len(X), -1)

    def gram_error(self, X: np.ndarray) -> float:
        """Entrywise bound on the rounding of gram(X, X), relative to sqrt(G_aa G_bb): squaring doubles that of Identity
        and rounds once more."""
        return gamma(2 * X.shape[1] + 6)


BIAS = "+bias="  # after the name of an embedding, before the size of its biases
FIXED = "+fixed-bias="  # the same, where they are not trained


def with_bias(embedding: Embedding, size: Any, *, trained: bool = True) -> WithBias | FixedBias:
    """The embedding with biases of standard deviation `size`, a number or its digits.

    Raises ArgumentError for a size that is no positive number whose square is a float, or biases twice.
    """
    rule = "None, or the standard deviation of the biases, in [1e-100, 1e100]"
    if isinstance(size, str):
        try:
            size = float(size)
        except ValueError:
            require(False, "bias", rule, size)
    without = not isinstance(embedding, WithBias | FixedBias)
    require(without, "embedding", "one without biases where bias is given", embedding)
    kind = WithBias if trained else FixedBias
    return kind(embedding, real("bias", size, rule, lambda b: 1e-100 <= b <= 1e100))


def embedding_name(embedding: object) -> str:
    """The name written to reports: the embedding's own, or the class's in lower case."""
    if isinstance(embedding, WithBias):
        return f"{embedding_name(embedding.embedding)}{BIAS}{embedding.size!r}"
    if isinstance(embedding, FixedBias):
        return f"{embedding_name(embedding.embedding)}{FIXED}{embedding.size!r}"
    return "gram" if embedding is None else str(getattr(embedding, "name", type(embedding).__name__.lower()))


EMBEDDINGS: dict[str, Embedding] = {"identity": Identity(), "quadratic": Quadratic()}
RANDOM = "random-features"
MOST_DIGITS = 30  # of a number among the options


def get_embedding(text: str) -> Embedding:
    """The embedding of that name: identity, quadratic, or random-features with options, such as
    random-features:depth=2,activation=erf,dim=8192,seed=0 (without dim: the limit of infinite dimension), each with
    trained biases of standard deviation 0.5 if "+bias=0.5" stands behind it, "+fixed-bias=0.5" if they stay as drawn.

    Raises ArgumentError for an unknown name or option.
    """
    if not isinstance(text, str):
        raise unknown_name("embedding", text, [*EMBEDDINGS, RANDOM])
    for mark in (BIAS, FIXED):
        if mark in text:
            base, _, size = text.rpartition(mark)
            require(BIAS not in base and FIXED not in base, "embedding", "one with biases once", text[:80])
            return with_bias(get_embedding(base), size, trained=mark == BIAS)
    name, _, rest = text.partition(":")
    if name in EMBEDDINGS and not rest:
        return EMBEDDINGS[name]
    if name != RANDOM:
        raise unknown_name("embedding", text, [*EMBEDDINGS, RANDOM])
    options: dict[str, Any] = {}
    for item in filter(None, rest.split(",")):
        key, _, value = item.partition("=")
        if key not in ("depth", "activation", "dim", "seed"):
            raise unknown_name("option of random-features", key, ["depth", "activation", "dim", "seed"])
        if key != "activation":
            digits = value.isdecimal() and value.isascii() and len(value) <= MOST_DIGITS
            require(digits, f"{key} of random-features", f"a whole number of at most {MOST_DIGITS} digits", value)
        options[key] = value if key == "activation" else int(value)
    return RandomFeatures(**options)
