"""The lazy flow at infinite width: the tangent kernel stays what it is at the start, and the output has a closed form.

The baseline against which features that move are compared. It is computed in floating point, and bounds nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bounds.activation.base import Activation
from bounds.activation.gaussian_kernels import slope_kernel
from bounds.checks import as_float_array, check_scale, instance, numpy_defaults
from bounds.errors import AssumptionError, require
from bounds.presented import Facts, Portable, Presented
from bounds.problem import Problem
from bounds.rounding import rounded


@dataclass(frozen=True, repr=False)
class KernelFlow(Presented, Portable):
    """The lazy flow at T times: time (T,); loss (T,): L = 1/2 ||f - y||^2; output (T, n): f(x_a); test_output (T, k): f
    at the test points, None without; scale: c hat."""

    time: np.ndarray
    loss: np.ndarray
    output: np.ndarray
    scale: float
    test_output: np.ndarray | None = None

    def plot(self, ax: Any = None) -> Any:
        """Draw the loss on a log scale, beside what is on `ax` already; returns the axes.

            ax = run.plot()                                         # a simulated run
            bounds.kernel_flow(problem, run.time, scale=run.scale).plot(ax)

        Raises ArgumentError where `ax` is no axes of matplotlib, AssumptionError where that is not installed.
        """
        from bounds.pictures.style import on_axes

        with on_axes(ax) as axes:
            self._draw(axes)
            axes.legend()
        return axes

    def _draw(self, axes: Any, clock: float = 1.0) -> None:
        """The curve itself; clock: the time of the picture over that of the flow."""
        from bounds.pictures.style import LAZY

        shown = self.loss > 0
        axes.set_yscale("log")
        axes.plot(clock * self.time[shown], self.loss[shown], label="lazy flow at infinite width", **LAZY)

    def _facts(self) -> Facts:
        return {
            "scale": f"{self.scale:g}",
            "times": str(len(self.time)),
            "loss at the start": rounded(float(self.loss[0])),
            "loss at the end": rounded(float(self.loss[-1])),
        }


@numpy_defaults
def kernel_flow(problem: Problem, times: Any, *, scale: float = 1.0, X_test: Any = None) -> KernelFlow:
    """f' = -c^2 Theta (f - y) from f = 0, with Theta_ab = G_ab E sigma'(h_a) sigma'(h_b), h ~ N(0, G): (11) at infinite
    width with the kernel frozen at the start, where f^0 tends to 0.

    The network of (1) follows it as its width and then its scale c grow without end, at the times t/c^2. At the
    training points f = (I - exp(-c^2 Theta t)) y; at a test point f = Theta_*X Theta^-1 (I - exp(-c^2 Theta t)) y, also
    for a singular Theta.

    times: (T,), at least 0; scale: c hat; X_test: (k, d) test points. Raises ArgumentError for arguments out of range,
    AssumptionError for an activation with kinks that is not linear on both sides of 0, a random embedding that was not
    drawn, a trained last layer, or test points of a problem that is known by its Gram matrix alone.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    if problem.random:
        raise AssumptionError("the kernel flow needs one Gram matrix. Draw the embedding: problem.draw(dim=D).")
    if problem.last_layer:
        raise AssumptionError(
            f"the kernel flow is that of a fixed last layer. Found last_layer = {problem.last_layer:g}. Use"
            " last_layer=0, or simulate.gradient_flow at a large width."
        )
    t = as_float_array("times", times, 1)
    require(len(t) > 0 and bool(np.all(t >= 0)), "times", "at least one number >= 0", t)
    c = check_scale(scale)
    inputs = None if X_test is None else as_float_array("X_test", X_test, 2)
    theta = _tangent_kernel(problem, inputs)
    n = problem.n
    values, vectors = np.linalg.eigh(theta[:n, :n])
    values = np.maximum(values, 0.0)  # Theta is positive semidefinite, so what is below 0 is rounding
    with np.errstate(over="ignore"):
        exponent = np.minimum(np.outer(t, c * c * values), 700.0)  # exp(-700) is 0 for every purpose
    parts = vectors.T @ problem.y
    grown = -np.expm1(-exponent)
    residual = -(np.exp(-exponent) * parts) @ vectors.T
    output = (grown * parts) @ vectors.T
    test = None
    if inputs is not None:
        # (1 - exp(-c^2 v t)) / v, which is c^2 t for v = 0.
        weight = np.where(values > 0, grown / np.where(values > 0, values, 1.0), c * c * t[:, None])
        test = (weight * parts) @ (theta[n:, :n] @ vectors).T
    loss = np.sum(np.square(residual), axis=1) / 2
    return KernelFlow(t, loss, output, c, test)


def _tangent_kernel(problem: Problem, inputs: np.ndarray | None) -> np.ndarray:
    """Theta of the training points, then the test points if there are any, (n + k, n + k)."""
    gram, law = problem.gram, problem.start.gram  # the latter has biases that are drawn and not trained
    if inputs is not None:
        if problem.embedding is None:
            raise AssumptionError("X_test needs a problem with inputs; this one is known by its Gram matrix alone.")
        require(inputs.shape[1] == problem.d, "X_test", f"of shape (k, d) with d = {problem.d}", inputs.shape)
        every = np.concatenate([problem.X, inputs])
        assert problem.start.embedding is not None
        gram, law = problem.embedding.gram(every, every), problem.start.embedding.gram(every, every)
        require(bool(np.all(np.isfinite(gram + law))), "X_test", "of a finite Gram matrix; rescale it", "an overflow")
        gram, law = (gram + gram.T) / 2, (law + law.T) / 2
    theta: np.ndarray = gram * _slope_means(problem.activation, np.diagonal(law), law)
    return (theta + theta.T) / 2


def _slope_means(activation: Activation, variance: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """E sigma'(u) sigma'(v), in closed form if sigma is linear on both sides of 0."""
    if activation.pieces is None:
        return slope_kernel(activation, variance, covariance)[0]
    left, right = activation.pieces
    root = np.sqrt(variance)
    cosine = covariance / np.maximum(np.outer(root, root), 1e-300)
    np.fill_diagonal(cosine, 1.0)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    # The two have the same sign with probability (pi - angle)/pi, each sign with half of it.
    return ((left**2 + right**2) * (math.pi - angle) + 2 * left * right * angle) / (2 * math.pi)
