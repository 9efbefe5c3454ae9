"""From the weights of the first layer to the pre-activations that the theory is about."""

from __future__ import annotations

import numpy as np

from bounds.errors import AssumptionError, DataError, require
from bounds.problem import Problem


def features_of(problem: Problem, X: np.ndarray) -> np.ndarray:
    """phi(x)/sqrt(D) at the rows of X, (k, D). Raises AssumptionError for an embedding without features to compute."""
    features = getattr(problem.embedding, "features", None)
    if features is None or problem.random:
        raise AssumptionError(
            f"weights need an embedding whose features can be computed. Found {problem.embedding_name!r}."
            " Use Identity, Quadratic, or a RandomFeatures drawn with problem.draw(dim=D)."
        )
    phi: np.ndarray = features(X)
    return phi / np.sqrt(phi.shape[1])


def pre_activations(problem: Problem, weights: np.ndarray, inputs: np.ndarray, name: str) -> np.ndarray:
    """h_i(x) = (1/sqrt D) sum_j W_ij phi_j(x) for weights W (m, D) at the rows of inputs (k, d), (m, k).

    name: of the inputs, for messages. Raises ArgumentError for wrong shapes, DataError if a product overflows, and
    AssumptionError where the features are not known.
    """
    phi = features_of(problem, inputs)
    require(weights.shape[1] == phi.shape[1], "W", f"of shape (m, D) with D = {phi.shape[1]}", weights.shape)
    require(len(weights) >= 1, "W", "of at least one row", weights.shape)
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is an error below
        found: np.ndarray = weights @ phi.T
    if not np.all(np.isfinite(found)):
        largest = float(np.max(np.abs(weights)))
        raise DataError(f"W times the features of {name} overflows. Found max |W| = {largest:.3g}. Rescale W.")
    return found
