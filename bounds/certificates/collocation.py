"""Chebyshev collocation of U' = F(U), h = H - c G U: a reference path, polynomial in time, one step at a time.

Nothing here is certified, and nothing has to be: for any path, shadowing.py bounds how far it is from solving the flow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from flint import arb, ctx

from bounds.problem import Problem

DEGREE = 12  # of the polynomial in time that stands for U' over one step
INSIDE = 64  # parts into which a step is divided; the loss is bounded at the end of each
SWEEPS = 12  # the most in one step; each gains a factor of about the relative change of the slopes over the step


@dataclass(frozen=True)
class Grid:
    """Chebyshev points x_j = (1 - cos(j pi/N))/2 of [0, 1] for polynomials of degree N.

    integral (N+1, N+1): integral over [0, x_j] of the l-th Lagrange polynomial; coefficients (N+1, N+1): values at the
    nodes to coefficients of T_k(2x - 1). Both rounded to nearest from 120 bits. inside (INSIDE,): later points of
    [0, 1], the last one 1; interpolate (INSIDE, N+1): values at the nodes to values there, to a few roundings.
    """

    integral: np.ndarray
    coefficients: np.ndarray
    inside: np.ndarray
    interpolate: np.ndarray


@lru_cache(maxsize=8)
def grid(degree: int = DEGREE) -> Grid:
    """The grid of that degree, at least 2."""
    N = degree
    with ctx.workprec(120):
        half = [arb(1) / (2 if j in (0, N) else 1) for j in range(N + 1)]
        cosine = [(arb.pi() * k / N).cos() for k in range(2 * N)]
        x = [-cosine[j] for j in range(N + 1)]

        def T(k: int, j: int) -> arb:
            return (-1) ** k * cosine[k * j % (2 * N)]

        def integral_of_T(k: int, j: int) -> arb:  # over [-1, x_j]
            if k == 0:
                return x[j] + 1
            if k == 1:
                return (x[j] * x[j] - 1) / 2
            end = T(k + 1, j) / (k + 1) - T(k - 1, j) / (k - 1)
            start = (-1) ** (k + 1) * (arb(1) / (k + 1) - arb(1) / (k - 1))
            return (end - start) / 2

        C = [[2 * half[k] * half[j] * T(k, j) / N for j in range(N + 1)] for k in range(N + 1)]
        A = [
            [sum((integral_of_T(k, j) * C[k][i] for k in range(N + 1)), arb(0)) / 2 for i in range(N + 1)]
            for j in range(N + 1)
        ]
        coefficients = np.array([[float(v) for v in row] for row in C])
        angles = np.pi * np.arange(1, INSIDE + 1) / INSIDE
        values = np.cos(np.outer(np.pi - angles, np.arange(N + 1)))
        return Grid(
            np.array([[float(v) for v in row] for row in A]),
            coefficients,
            (1 - np.cos(angles)) / 2,
            values @ coefficients,
        )


def neuron_mean(values: np.ndarray) -> np.ndarray:
    """(J, n): the mean over axis 1 of values (J, m, n), in blocks of about sqrt(m) neurons: depth(m) roundings."""
    m = values.shape[1]
    block = math.isqrt(m - 1) + 1
    parts: np.ndarray = np.add.reduceat(values, np.arange(0, m, block), axis=1)
    return np.asarray(parts.sum(axis=1)) / m


def depth(m: int) -> int:
    """The number of roundings that one term meets in neuron_mean, the division included."""
    block = math.isqrt(m - 1) + 1
    return block + -(-m // block) + 1


@dataclass(frozen=True)
class Reference:
    """One step of the path, at the nodes j = 0..N.

    duration: the length of the step in time; derivative (N+1, m, n): the values F_j of the polynomial U'; velocity
    (N+1, m, n): those of h', -c_i G F_j; H (N+1, m, n): the pre-activations H_j; slope (N+1, m, n): sigma'(H_j);
    residual (N+1, n): f(H_j) - y. The path solves the flow at a node if F_j = slope_j * residual_j.
    """

    duration: float
    derivative: np.ndarray
    velocity: np.ndarray
    H: np.ndarray
    slope: np.ndarray
    residual: np.ndarray

    @property
    def mismatch(self) -> np.ndarray:
        """(N+1,) root mean squares over the neurons of ||F_j - slope_j * residual_j||."""
        gap = self.derivative - self.slope * self.residual[:, None, :]
        return np.sqrt(np.einsum("jia,jia->j", gap, gap) / gap.shape[1])


def evaluate(problem: Problem, H: np.ndarray, signs: np.ndarray, duration: float, derivative: np.ndarray) -> Reference:
    """The path from H (m, n) for which U' takes the values `derivative` (N+1, m, n) at the nodes, with the slopes and
    residuals there."""
    N1, m, n = derivative.shape
    velocity = (derivative.reshape(-1, n) @ problem.gram).reshape(N1, m, n)
    velocity *= -signs[:, None]
    moved = H + duration * (grid().integral @ velocity.reshape(N1, -1)).reshape(N1, m, n)
    value, slope = problem.activation.value_and_slope(moved)
    residual = neuron_mean(value * signs[:, None]) - problem.y
    return Reference(duration, derivative, velocity, moved, slope, residual)


def reference_step(problem: Problem, H: np.ndarray, signs: np.ndarray, duration: float, goal: float) -> Reference:
    """Collocate over [0, duration] from H (m, n), until the mismatch is at most `goal` or stops falling.

    The stiff part of the flow acts only through r (n,), so each sweep freezes the slopes and solves for r at all nodes
    at once; only the slow change of the slopes remains to be iterated.
    """
    first = problem.activation.slope(H) * problem.residual(H, signs)
    # Begin with the constant U' of the start of the step.
    best = now = evaluate(problem, H, signs, duration, np.repeat(first[None], DEGREE + 1, axis=0))
    reached = math.inf
    for _ in range(SWEEPS):
        mismatch = float(np.max(now.mismatch))
        if not mismatch < reached:
            break
        best, reached = now, mismatch
        if mismatch <= goal:
            break
        try:
            derivative = now.slope * _residual_at_nodes(problem, signs, now)[:, None, :]
        except np.linalg.LinAlgError:  # a singular system ends the sweeps: any path may serve as the reference
            break
        now = evaluate(problem, H, signs, duration, derivative)
    return best


def _residual_at_nodes(problem: Problem, signs: np.ndarray, now: Reference) -> np.ndarray:
    """(N+1, n): r at the nodes to first order in the change of the path, with the slopes frozen.

    It solves r(t) = r_now(t) - int_0^t (c^2 Theta r + df_now/dt) at all nodes at once, Theta along the present path.
    """
    N1, m, n = now.derivative.shape
    kernels = float(signs[0]) ** 2 / m * problem.gram * np.stack([s.T @ s for s in now.slope])
    falling = -np.einsum("i,jia,jia->ja", signs, now.slope, now.velocity) / m  # -df/dt along the present path
    A = grid().integral
    system = np.eye(N1 * n) + now.duration * np.einsum("jl,lab->jalb", A, kernels).reshape(N1 * n, N1 * n)
    right = now.residual + now.duration * A @ falling
    return np.linalg.solve(system, right.ravel()).reshape(N1, n)
