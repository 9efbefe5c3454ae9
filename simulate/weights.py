"""Weights in, weights out: the flow itself never needs the matrix W (m, D)."""

from __future__ import annotations

from typing import Any

import numpy as np

from bounds.checks import as_float_array, instance, numpy_defaults
from bounds.errors import AssumptionError, DataError, require
from bounds.problem import Problem
from simulate.network import Network, test_inputs
from simulate.trajectory import Trajectory


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


@numpy_defaults
def network_of_weights(problem: Problem, W: Any, signs: Any, *, X_test: Any = None) -> Network:
    """The network of weights W (m, D) and signs c (m,): h_i(x_a) = (1/sqrt D) sum_j W_ij phi_j(x_a).

    X_test (k, d): test points whose pre-activations come along. Raises ArgumentError for wrong shapes, AssumptionError
    where the features are not known.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    phi = features_of(problem, problem.X)
    weights, c = as_float_array("W", W, 2), as_float_array("signs", signs, 1)
    require(weights.shape[1] == phi.shape[1], "W", f"of shape (m, D) with D = {phi.shape[1]}", weights.shape)
    require(len(c) == len(weights), "signs", f"of shape (m,) with m = {len(weights)}, the rows of W", c.shape)
    require(len(weights) >= 1, "W", "of at least one row", weights.shape)
    inputs = None if X_test is None else test_inputs(problem, X_test)
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is an error below
        pre_activations = weights @ phi.T
        test = None if inputs is None else weights @ features_of(problem, inputs).T
    for name, found in (("X", pre_activations), ("X_test", test)):
        if found is not None and not np.all(np.isfinite(found)):
            largest = float(np.max(np.abs(weights)))
            raise DataError(f"W times the features of {name} overflows. Found max |W| = {largest:.3g}. Rescale W.")
    return Network(pre_activations, c, test)


@numpy_defaults
def weights_of(trajectory: Trajectory, W: Any) -> np.ndarray:
    """The weights (m, D) at the end of a run that began from W (m, D).

    They move in the span of the features of the training points alone, dW = dH (Phi/sqrt D)^+, whatever the rank of G;
    the rounding of dH is magnified by up to 1/sqrt(lambda_min(G)), over the nonzero eigenvalues. Raises ArgumentError
    where the run did not begin from these weights.
    """
    instance("trajectory", trajectory, Trajectory, "Use what simulate.gradient_flow returns.")
    problem, start = trajectory.problem, trajectory.initial
    weights = as_float_array("W", W, 2)
    require(len(weights) == start.width, "W", f"of shape (m, D) with m = {start.width}", weights.shape)
    begun = network_of_weights(problem, weights, start.signs)
    gap = float(np.max(np.abs(begun.H - start.H), initial=0.0))
    allowed = 1e-10 if trajectory.dtype == "float64" else 1e-4
    require(gap <= allowed * (1 + float(np.max(np.abs(start.H)))), "W", "the weights that the run began from", gap)
    moved = trajectory.final.H - start.H
    change, *_ = np.linalg.lstsq(features_of(problem, problem.X), moved.T, rcond=1e-13)
    found: np.ndarray = weights + change.T
    return found
