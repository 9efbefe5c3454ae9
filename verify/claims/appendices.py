"""Appendix B: Xavier initialisation explains the factor m of (9). Appendix C: r of the abc-parametrisations."""

from __future__ import annotations

import numpy as np

from bounds import Problem, constants
from bounds.data.datasets import load_builtin
from simulate import Network, gradient_descent
from verify.claims.base import Claim, Comparison

STEP, STEPS, WIDTH, SEED = 0.3, 20, 32, 0  # of the descent that is compared
ROUNDING = 1e-10  # largest difference that twenty steps in float64 may cause
SHIFTS = (-1.0, -0.25, 0.0, 0.5, 1.0, 3.0)  # values of theta
# (a, b, c) of Appendix C of three parametrisations.
MODEL = {"a_first": 0.0, "a_middle": 0.5, "a_last": 1.0, "b_last": 0.0, "c": -1.0}
MUP = {"a_first": -0.5, "a_middle": 0.0, "a_last": 0.5, "b_last": 0.5, "c": 0.0}
NTK = {"a_first": 0.0, "a_middle": 0.5, "a_last": 0.5, "b_last": 0.0, "c": 0.0}


def weights_by_autograd(X: np.ndarray, y: np.ndarray, W: np.ndarray, c: np.ndarray, xavier: bool) -> np.ndarray:
    """W (m, d) after STEPS steps of descent of the loss of (27)-(28) with D = d, by torch's gradients.

    xavier: whether the steps of size STEP are made on theta = W/sqrt(m), or steps of size m STEP on W itself.
    """
    import torch

    m, root = len(c), len(c) ** 0.5
    inputs, targets, signs = (torch.tensor(v, dtype=torch.float64) for v in (X, y, c))
    factor, step = (root, STEP) if xavier else (1.0, m * STEP)
    weights = torch.tensor(W / factor, dtype=torch.float64, requires_grad=True)
    for _ in range(STEPS):
        h = inputs @ (factor * weights).T / inputs.shape[1] ** 0.5
        loss = torch.sum((torch.tanh(h) @ signs / m - targets) ** 2) / 2
        (gradient,) = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            weights -= step * gradient
    found: np.ndarray = factor * weights.detach().numpy()
    return found


def check_xavier() -> list[Comparison]:
    """Compare the pre-activations after descent on theta, on W with the factor m, and in function space (9)."""
    X, y = load_builtin("reference", n=4, d=6)
    rng = np.random.default_rng(SEED)
    W, c = rng.standard_normal((WIDTH, 6)), rng.choice([-1.0, 1.0], WIDTH)
    theta, W_moved = (weights_by_autograd(X, y, W, c, xavier) @ X.T / 6**0.5 for xavier in (True, False))
    run = gradient_descent(
        Problem(X, y, activation="tanh"), network=Network(W @ X.T / 6**0.5, c), step=STEP, steps=STEPS
    )
    found: list[Comparison] = []
    one = np.ones(1)
    for method, other in (("m dL/dW", W_moved), ("function space (9)", run.final.H)):
        apart = float(np.max(np.abs(theta - other)))
        found.append(
            Comparison("largest difference of h", "upper", ROUNDING * one, apart * one, 0 * one, 0 * one, method)
        )
    return found


def check_shift() -> list[Comparison]:
    """Compare r with 0 for muP and the model, and 1/2 for NTK, before and after every shift."""
    found: list[Comparison] = []
    for name, p, r in (("model", MODEL, 0.0), ("muP", MUP, 0.0), ("NTK", NTK, 0.5)):
        measured = [float(constants.r_abc(**p)), *(float(constants.r_abc_shifted(**p, theta=t)) for t in SHIFTS)]
        theory = np.full(len(measured), r)
        found.append(Comparison("r", "equal", theory, np.array(measured), 0 * theory, np.array([0.0, *SHIFTS]), name))
    shifted = {k: v + {"a": 0.5, "b": -0.5, "c": -1.0}[k[0]] for k, v in MUP.items()}
    model, image = np.array([MODEL[k] for k in MODEL]), np.array([shifted[k] for k in MODEL])
    return [*found, Comparison("(a, b, c)", "equal", model, image, 0 * model, 0 * model, "theta = 1/2")]


XAVIER = Claim(
    id="appendix-b",
    title="a step on Xavier-scaled weights is m times that step on W",
    latex=r"W = \sqrt m\,\theta:\quad \theta \leftarrow \theta - \delta \,\partial L/\partial\theta"
    r" \iff W \leftarrow W - m \delta \,\partial L/\partial W",
    source="Appendix B, (29), (30); (9)",
    kind="constants",
    hypotheses="theta, W of one hidden layer; any step",
    whose="paper",
    proved=True,
    check=check_xavier,
)
SHIFT = Claim(
    id="appendix-c",
    title="r does not change under theta; it is 0 for muP and the model",
    latex=r"r(a, b, c) = r(a + \theta, b - \theta, c - 2\theta),\quad r_{\mu P} = r_{\mathrm{model}} = 0,"
    r"\ r_{\mathrm{NTK}} = \tfrac12",
    source="Appendix C, (35), (36), theta = 1/2 (E16)",
    kind="constants",
    hypotheses="abc-parametrisations of L layers",
    whose="paper, repaired",
    proved=True,
    check=check_shift,
)
