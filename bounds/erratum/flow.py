"""Gradient flow (11) and descent (9) in function space, ten lines of numpy: evidence independent of `simulate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bounds.progress import Progress

Array = np.ndarray


@dataclass(frozen=True)
class Flow:
    """dh_ia/dt = -c_i sum_b G_ab r_b sigma'(h_ib) for h (m, n): y (n,), signs c (m,), gram(V) = V G for V (m, n)."""

    y: Array
    signs: Array
    gram: Callable[[Array], Array]
    sigma: Callable[[Array], Array]
    slope: Callable[[Array], Array]

    def residual(self, h: Array) -> Array:
        """r_a = f(x_a) - y_a, (n,)."""
        return self.signs @ self.sigma(h) / len(h) - self.y

    def loss(self, h: Array) -> float:
        """L = sum_a r_a^2 / 2."""
        r = self.residual(h)
        return float(r @ r) / 2

    def velocity(self, h: Array) -> Array:
        """The right-hand side of (11), (m, n)."""
        return -self.signs[:, None] * self.gram(self.residual(h) * self.slope(h))

    def descend(self, h: Array, step: float, steps: int) -> list[Array]:
        """The states of gradient descent (9), from h on."""
        states = [h]
        for _ in range(steps):
            states.append(states[-1] + step * self.velocity(states[-1]))
        return states

    def run(self, h: Array, times: Sequence[float], rtol: float = 1e-9, method: str = "DOP853") -> list[Array]:
        """The states of the flow at `times`. Raises RuntimeError where the integrator gives up."""
        from scipy.integrate import solve_ivp

        with Progress("evaluations") as progress:

            def right_hand_side(t: float, z: Array) -> Array:
                progress.done += 1
                progress.say(f"flow to t = {times[-1]:g}", share=t / times[-1])
                return self.velocity(z.reshape(h.shape)).ravel()

            solution = solve_ivp(
                right_hand_side, (0.0, times[-1]), h.ravel(), method=method, rtol=rtol, atol=rtol / 10, t_eval=times
            )
        if not solution.success:
            raise RuntimeError(f"the flow stopped at t = {solution.t[-1:]}: {solution.message}")
        return [column.reshape(h.shape) for column in solution.y.T]


def matrix(G: Array) -> Callable[[Array], Array]:
    """The function V -> V G that `Flow` takes, for a Gram matrix G (n, n) that is given as an array."""
    return lambda V: V @ G


def tanh_slope(u: Array) -> Array:
    """tanh'(u) = 1 - tanh(u)^2, entry by entry."""
    return 1 - np.tanh(u) ** 2


def rademacher(rng: np.random.Generator, m: int, scale: float) -> Array:
    """The signs (m,) of a draw: each c_i is scale or -scale with probability 1/2."""
    return scale * rng.choice(np.array([-1.0, 1.0]), m)


def pairs(rng: np.random.Generator, m: int, n: int, scale: float) -> tuple[Array, Array]:
    """An antisymmetric draw for G = I: (signs, h) with (c, h) and (-c, h) in every pair; m even."""
    half = rademacher(rng, m // 2, scale)
    h = rng.standard_normal((m // 2, n))
    return np.concatenate([half, -half]), np.concatenate([h, h])
