"""One step of gradient descent of one network in weight space, as others would take it: by autograd as it is, compiled
by torch.compile, and by jax.jit.

A peer is a function of a Start that returns a function, each call of which takes one step and returns the loss before
it. jax comes with the extra `peers`; torch.compile needs a compiler for C++.
"""

from __future__ import annotations

import importlib.util
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

STEP = 0.1  # of descent, in the time of the flow


@dataclass(frozen=True)
class Start:
    """Where descent begins, and what it fits.

    weights (m, D); signs (m,): the c_i; features: the embedded data, (n, D); y (n,); activation: by name, "tanh" or
    "relu"; device: a torch device; dtype: "float64" or "float32", in which everything is computed.
    """

    weights: np.ndarray
    signs: np.ndarray
    features: np.ndarray
    y: np.ndarray
    activation: str
    device: str = "cpu"
    dtype: str = "float64"

    @classmethod
    def draw(cls, n: int, m: int, features: np.ndarray, activation: str, **options: str) -> Start:
        """Gaussian weights and targets of size one half."""
        rng = np.random.default_rng(0)
        W = rng.standard_normal((m, features.shape[1]))
        return cls(W, rng.choice([-1.0, 1.0], m), features, rng.uniform(-0.5, 0.5, n), activation, **options)

    def tensor(self, array: np.ndarray) -> torch.Tensor:
        """A copy of the array, in the dtype and on the device."""
        return torch.tensor(array, dtype=getattr(torch, self.dtype), device=self.device)


Steps = Callable[[], float]
Loss = Callable[[torch.Tensor], torch.Tensor]


def _loss(start: Start) -> Loss:
    """The loss as a function of the weights."""
    m, D = start.weights.shape
    Phi, c, y = (start.tensor(a) for a in (start.features, start.signs, start.y))
    sigma = {"tanh": torch.tanh, "relu": torch.relu}[start.activation]

    def loss(weights: torch.Tensor) -> torch.Tensor:
        output = c @ sigma(weights @ Phi.T / math.sqrt(D)) / m
        return 0.5 * ((output - y) ** 2).sum()

    return loss


def autograd(start: Start) -> Steps:
    """torch as it is, one operator after the other."""
    weights = start.tensor(start.weights).requires_grad_()
    loss_of, rate = _loss(start), len(weights) * STEP

    def step() -> float:
        loss = loss_of(weights)
        (gradient,) = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            weights.sub_(gradient, alpha=rate)
        return float(loss.detach())

    return step


def compiled(start: Start) -> Steps:
    """torch.compile of the whole step."""
    weights = start.tensor(start.weights)
    loss_of, rate = torch.func.grad_and_value(_loss(start)), len(weights) * STEP

    def take(weights: torch.Tensor) -> torch.Tensor:
        gradient, loss = loss_of(weights)
        weights.sub_(gradient, alpha=rate)
        return loss

    taken = torch.compile(take)
    return lambda: float(taken(weights))


def jitted(start: Start) -> Steps:
    """jax.jit of the whole step, which may overwrite the weights."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    m, D = start.weights.shape
    Phi, c, y = (jnp.asarray(a, dtype=start.dtype) for a in (start.features, start.signs, start.y))
    sigma = {"tanh": jnp.tanh, "relu": jax.nn.relu}[start.activation]

    def loss_of(weights: jax.Array) -> jax.Array:
        output = c @ sigma(weights @ Phi.T / math.sqrt(D)) / m
        return 0.5 * ((output - y) ** 2).sum()

    def take(weights: jax.Array) -> tuple[jax.Array, jax.Array]:
        loss, gradient = jax.value_and_grad(loss_of)(weights)
        return weights - m * STEP * gradient, loss

    taken = jax.jit(take, donate_argnums=0)
    weights = jnp.asarray(start.weights, dtype=start.dtype)

    def step() -> float:
        nonlocal weights
        weights, loss = taken(weights)
        return float(loss)

    return step


PEERS: dict[str, Callable[[Start], Steps]] = {
    "autograd": autograd,
    "torch.compile": compiled,
    "jax.jit": jitted,
}


def missing() -> dict[str, str]:
    """The peers that cannot run here, and why."""
    found = {}
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        found["torch.compile"] = "it needs a compiler for C++"
    if importlib.util.find_spec("jax") is None:
        found["jax.jit"] = "not installed: pip install jax"
    return found
