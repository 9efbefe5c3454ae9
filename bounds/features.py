"""Random feature embeddings: P-3L (depth 1) and the partially trained L-layer model of Appendix H (depth L - 2).

phi_j(x) = sigma(z_j . x / sqrt(d)), z_j standard normal, and so on layer by layer, each of width D. As D grows the Gram
matrix tends to the recursion Kern^(1) = X X'/d, Kern^(l+1) = E sigma(u) sigma(u)' with u ~ N(0, Kern^(l)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import arb

from bounds.activation import Activation
from bounds.activations import get_activation
from bounds.errors import require
from bounds.expectations import value_square
from bounds.kernels import value_kernel
from bounds.memory import require_bytes
from bounds.spectrum import gamma

ROWS = 1024  # random features drawn at a time
DEEPEST = 1000  # layers; each needs certified integrals, or a matrix of random weights
SMALLER = "Use a smaller dim, or leave it out for the limit of infinite dimension."


@dataclass(frozen=True, repr=False)
class RandomFeatures:
    """`depth` layers of random features. Without `dim`, the limit of infinite dimension; with it, one realisation.

    activation: of the random layers, a name or an Activation; dim: D, the width of every random layer; seed: names the
    draw. A realisation defines phi by its float64 values: the same seed gives the same embedding at every x.

    Raises ArgumentError for a depth or dim below 1.
    """

    depth: int = 1
    activation: str | Activation = "relu"
    dim: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        ok = isinstance(self.depth, int) and self.depth >= 1
        require(ok, "depth", "an integer >= 1, the number of random layers", self.depth)
        require(self.depth <= DEEPEST, "depth", f"at most {DEEPEST}: each layer is an embedding of its own", self.depth)
        require(self.dim is None or self.dim >= 1, "dim", "an integer >= 1, or None for the limit", self.dim)
        object.__setattr__(self, "activation", get_activation(self.activation))

    @property
    def sigma(self) -> Activation:
        """The activation of the random layers."""
        return get_activation(self.activation)

    def __repr__(self) -> str:
        return f"RandomFeatures({self.name.partition(':')[2]})"

    @property
    def name(self) -> str:
        """What reports and command lines call it."""
        size = "" if self.dim is None else f",dim={self.dim},seed={self.seed}"
        return f"random-features:depth={self.depth},activation={self.sigma.name}{size}"

    @property
    def random(self) -> bool:
        """The Gram matrix is the limit, not that of a realisation."""
        return self.dim is None

    def draw(self, dim: int, seed: int) -> RandomFeatures:
        """One realisation of dimension D = dim."""
        return RandomFeatures(self.depth, self.activation, dim, seed)

    def gram(self, X: np.ndarray, X2: np.ndarray) -> np.ndarray:
        """(n, n2): Gbar_ab = Kern^(depth+1) in the limit, (1/D) phi(x_a).phi(x_b) for a realisation."""
        if self.dim is not None:
            first = self.features(X)
            return first @ (first if X2 is X else self.features(X2)).T / self.dim
        d = X.shape[1]
        a, b = (np.sum(np.square(Z), axis=1) / d for Z in (X, X2))
        covariance = X @ X2.T / d
        for _ in range(self.depth):
            covariance, _ = value_kernel(self.sigma, a, b, covariance)
            a, b = self._variances(a), self._variances(b)
        return covariance

    def _variances(self, g: np.ndarray) -> np.ndarray:
        known = {v: float(value_square(self.sigma, arb(v))) for v in set(g.tolist())}
        return np.array([known[v] for v in g.tolist()])

    def features(self, X: np.ndarray) -> np.ndarray:
        """phi(x_a) of a realisation, (n, D)."""
        assert self.dim is not None
        # Two layers, and a block of weights from the wider side, all float64.
        needed = 8 * (2 * len(X) * self.dim + ROWS * (self.dim if self.depth > 1 else X.shape[1]))
        require_bytes(needed, f"a realisation of {len(X)} inputs in dimension {self.dim}", SMALLER)
        layer = X
        for k in range(self.depth):
            rows = []
            for block, start in enumerate(range(0, self.dim, ROWS)):
                # Blocks have seeds of their own, so that a wider embedding begins with the narrower one's first layer.
                rng = np.random.default_rng([self.seed, k, block])
                z = rng.standard_normal((ROWS, layer.shape[1]))[: self.dim - start]
                rows.append(self.sigma.value(layer @ z.T / np.sqrt(layer.shape[1])))
            layer = np.concatenate(rows, axis=1)
        return layer

    def gram_error(self, X: np.ndarray) -> float:
        """Entrywise bound on the rounding of gram(X, X), relative to sqrt(G_aa G_bb).

        In the limit an error e of a layer's covariances, relative likewise, is at most 3 k^2 e in the next, where
        k = max_a max(1, Ls sqrt(g_aa) / sqrt(E sigma(h_a)^2)), plus the error of evaluating the kernel.
        """
        if self.dim is not None:
            return gamma(self.dim + 2)
        error = gamma(X.shape[1] + 2)
        g = np.sum(np.square(X), axis=1) / X.shape[1]
        covariance = X @ X.T / X.shape[1]
        ls = float(self.sigma.Ls.upper())
        for _ in range(self.depth):
            covariance, evaluation = value_kernel(self.sigma, g, g, covariance)
            second = self._variances(g)
            k = max(1.0, float(np.max(ls * np.sqrt(g / np.maximum(second, 1e-300)))))
            error = 1.01 * (3 * k * k * error + evaluation)
            g = second
        return error
