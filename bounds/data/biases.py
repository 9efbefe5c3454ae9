"""Biases. Trained: a network h_i = (1/sqrt D) w_i.Phi(x) + b_0 b_i is one without biases, for another embedding.

Not trained: the flow is that without biases, and only the law of h^0 knows of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, repr=False)
class WithBias:
    """The embedding (Phi, b_0 sqrt D), by which b_i becomes one more weight: its Gram matrix is G + b_0^2 11'.

    embedding: Phi, an Embedding, with its own methods; size: b_0 > 0, the standard deviation of the biases b_0 b_i at
    the start, b_i ~ N(0, 1). They are trained with the mobility of the weights. `Problem(X, y, bias=b_0)` makes it.
    """

    embedding: Any
    size: float

    def __repr__(self) -> str:
        return f"{self.embedding!r} with biases of standard deviation {self.size:g}"

    def __getattr__(self, name: str) -> object:
        # An embedding without features or gram_error has none with biases either.
        if name in ("features", "gram_error") and hasattr(self.embedding, name):
            return getattr(self, f"_{name}")
        raise AttributeError(name)

    @property
    def random(self) -> bool:
        """The Gram matrix of Phi is the limit, not that of a realisation."""
        return bool(getattr(self.embedding, "random", False))

    def draw(self, dim: int, seed: int) -> WithBias:
        """One realisation of a random Phi, with biases."""
        return WithBias(self.embedding.draw(dim, seed), self.size)

    def gram(self, X: np.ndarray, X2: np.ndarray) -> np.ndarray:
        """(1/D) Phi(x_a).Phi(x_b) + b_0^2, (n, n2)."""
        gram: np.ndarray = self.embedding.gram(X, X2)
        return gram + self.size * self.size

    def _features(self, X: np.ndarray) -> np.ndarray:
        """((D + 1)/D)^{1/2} (Phi(x_a), b_0 sqrt D), (n, D + 1): so normalised that the mean of products is the Gram
        matrix, and the last of D + 1 weights is b_i."""
        phi: np.ndarray = self.embedding.features(X)
        D = phi.shape[1]
        bias = np.full((len(phi), 1), self.size * np.sqrt(D))
        return np.concatenate([phi, bias], axis=1) * np.sqrt((D + 1) / D)

    def _gram_error(self, X: np.ndarray) -> float:
        """Entrywise bound on the rounding of gram(X, X), relative to sqrt(G_aa G_bb), neither of which is below that
        without biases, or below b_0^2: the rounding of G, of b_0^2 and of their sum."""
        error: float = self.embedding.gram_error(X)
        return 1.01 * error + 4 * 2.0**-53


@dataclass(frozen=True, repr=False)
class FixedBias:
    """The embedding Phi of a network h_i = (1/sqrt D) w_i.Phi(x) + b_0 b_i whose biases are drawn and never trained.

    embedding: Phi, an Embedding, with its own methods; size: b_0 > 0, b_i ~ N(0, 1). Its Gram matrix G is that of Phi,
    which is all that the flow sees; `start` has the covariance of the h_i^0, G + b_0^2 11'. It has no features, for
    weights alone do not say what h is. `Problem(X, y, bias=b_0, train_bias=False)` makes it.
    """

    embedding: Any
    size: float

    def __repr__(self) -> str:
        return f"{self.embedding!r} with fixed biases of standard deviation {self.size:g}"

    def __getattr__(self, name: str) -> object:
        if name == "gram_error" and hasattr(self.embedding, name):
            return self.embedding.gram_error
        raise AttributeError(name)

    @property
    def random(self) -> bool:
        """The Gram matrix of Phi is the limit, not that of a realisation."""
        return bool(getattr(self.embedding, "random", False))

    @property
    def start(self) -> WithBias:
        """The embedding whose Gram matrix is the covariance of the h_i^0."""
        return WithBias(self.embedding, self.size)

    def draw(self, dim: int, seed: int) -> FixedBias:
        """One realisation of a random Phi, with biases."""
        return FixedBias(self.embedding.draw(dim, seed), self.size)

    def gram(self, X: np.ndarray, X2: np.ndarray) -> np.ndarray:
        """(1/D) Phi(x_a).Phi(x_b), (n, n2)."""
        gram: np.ndarray = self.embedding.gram(X, X2)
        return gram
