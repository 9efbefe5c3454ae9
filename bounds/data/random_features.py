"""Random feature embeddings: P-3L (depth 1) and the partially trained L-layer model of Appendix H (depth L - 2).

phi_j(x) = sigma(z_j . x / sqrt(d)), z_j standard normal, and so on layer by layer, each of width D. As D grows the Gram
matrix tends to the recursion Kern^(1) = X X'/d, Kern^(l+1) = E sigma(u) sigma(u)' with u ~ N(0, Kern^(l)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import arb

from bounds.activation.base import Activation
from bounds.activation.gaussian import value_square
from bounds.activation.gaussian_kernels import value_kernel
from bounds.activation.registry import get_activation
from bounds.checks import check_seed, integer
from bounds.errors import require
from bounds.memory import require_memory
from bounds.numerics.spectrum import gamma

LARGEST_DEPTH = 1000  # layers; the kernels have converged long before
ROWS = 1024  # the number of random features drawn at a time


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
        rule = f"an integer in [1, {LARGEST_DEPTH}], the number of random layers"
        depth = integer("depth", self.depth, 1, None, rule)
        require(depth <= LARGEST_DEPTH, "depth", rule, depth)
        dim = None if self.dim is None else integer("dim", self.dim, 1, rule="an integer >= 1, or None for the limit")
        checked = {"depth": depth, "dim": dim, "seed": check_seed(self.seed)}
        for field, value in {**checked, "activation": get_activation(self.activation)}.items():
            object.__setattr__(self, field, value)

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
        inputs = X.shape[1] if self.depth == 1 else max(self.dim, X.shape[1])
        needed = 8 * (3 * len(X) * self.dim + ROWS * inputs)  # a layer twice, its rows, and one block of z
        require_memory(
            needed, f"an embedding of dim={self.dim} at {len(X)} points", "Use a smaller dim, or fewer rows."
        )
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

        In the limit, an error e of a layer's covariances, relative in the same way, is at most 3 k^2 e in the next with
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
