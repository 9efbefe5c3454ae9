"""Drawing random layers too wide for their weights: only the Gram matrix is needed, and its law is known.

Given the features of a layer, those of the next are sigma(u_j) with u_j independent N(0, G), G the layer's Gram matrix.
So a layer of width D costs D n normals, not D^2 weights, and G has the same law as by `Problem.draw`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bounds import Problem, RandomFeatures
from simulate.field.sigmas import value_and_slope
from simulate.network import square_root

WEIGHTS = 2**22  # entries of a weight matrix above which only the Gram matrix is drawn
BLOCK = 2**18  # features that are drawn at a time


@dataclass(frozen=True, eq=False)
class DrawnLayers:
    """One realisation of `depth` random layers of width `dim`, known on the training set by its Gram matrix (n, n)."""

    depth: int
    dim: int
    matrix: np.ndarray
    name: str

    def gram(self, X: np.ndarray, X2: np.ndarray) -> np.ndarray:
        """The drawn Gram matrix, for the training set only."""
        return self.matrix


def draw_layers(problem: Problem, dim: int, seed: int) -> Problem:
    """The problem with one realisation of its random embedding, of width dim.

    The weights are drawn if a weight matrix has at most WEIGHTS entries, else only the Gram matrix.
    """
    features = problem.embedding
    assert isinstance(features, RandomFeatures)
    if features.depth == 1 or dim * dim <= WEIGHTS:
        return problem.draw(dim=dim, seed=seed)
    rng = np.random.default_rng([seed, dim])
    gram = problem.X @ problem.X.T / problem.d
    for _ in range(features.depth):
        root, total = square_root(gram), np.zeros_like(gram)
        for start in range(0, dim, BLOCK):
            phi, _ = value_and_slope(features.sigma, root @ rng.standard_normal((problem.n, min(BLOCK, dim - start))))
            total += phi @ phi.T
        gram = total / dim
    drawn = DrawnLayers(features.depth, dim, (gram + gram.T) / 2, f"{features.name},dim={dim},gram-seed={seed}")
    return Problem(problem.X, problem.y, problem.activation, drawn, name=problem.name, last_layer=problem.last_layer)
