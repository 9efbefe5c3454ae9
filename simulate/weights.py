"""Weights in, weights out: the flow itself never needs the matrix W (m, D)."""

from __future__ import annotations

from typing import Any

import numpy as np

from bounds.checks import as_float_array, instance, numpy_defaults
from bounds.data.weights import features_of, pre_activations
from bounds.errors import require
from bounds.problem import Problem
from simulate.network import Network, test_inputs
from simulate.trajectory import Trajectory


@numpy_defaults
def network_of_weights(problem: Problem, W: Any, signs: Any, *, X_test: Any = None) -> Network:
    """The network of weights W (m, D) and signs c (m,): h_i(x_a) = (1/sqrt D) sum_j W_ij phi_j(x_a).

    X_test (k, d): test points whose pre-activations come along. Raises ArgumentError for wrong shapes, AssumptionError
    where the features are not known.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    features_of(problem, problem.X[:1])  # an embedding without features is named before anything else
    weights, c = as_float_array("W", W, 2), as_float_array("signs", signs, 1)
    H = pre_activations(problem, weights, problem.X, "X")
    require(len(c) == len(weights), "signs", f"of shape (m,) with m = {len(weights)}, the rows of W", c.shape)
    test = None if X_test is None else pre_activations(problem, weights, test_inputs(problem, X_test), "X_test")
    return Network(H, c, test)


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
