"""Runs on which every claim about runs is tried: inside and outside the theorems' regime, flow and descent."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import simulate
from bounds import Activation, Problem, guarantee
from bounds.data.datasets import load_builtin
from bounds.numerics.arithmetic import Ops
from simulate import Network
from verify.claims.base import Claim, Comparison, NotApplicable
from verify.run import Run
from verify.runs.regimes import paper_guarantee, plain_run, regime_run


def leaning(bend: float) -> Activation:
    """u + bend tanh(u): smooth with inf |sigma'| = 1, as (16) requires."""

    def both(o: Ops, u: Any) -> tuple[Any, Any]:
        t = o.tanh(u)
        return u + bend * t, 1 + bend - bend * t**2

    return Activation(
        name=f"u + {bend:g} tanh(u)",
        both=both,
        lipschitz=lambda o: 1 + o.number(bend),
        slope_lipschitz=lambda o: 4 * o.number(bend) / (3 * o.sqrt(o.number(3))),
        bounded_by=None,
        active=(-math.inf, math.inf),
        slopes_at_ends=(1.0, 1.0),
        interval=(-1.0, 1.0),
        strip=(math.pi / 4, 1 + 2.0000001 * bend),  # as for tanh
    )


def small(activation: str | Activation, n: int = 3, d: int = 5, size: float = 0.5) -> Problem:
    """A small problem whose targets are about `size`."""
    X, y = load_builtin("reference", n=n, d=d)
    return Problem(X, 2 * size * y, activation=activation, name="small")


def in_regime(activation: str) -> Run:
    """The reference problem at the width and scale that the best method requires of antisymmetric pairs."""
    problem = Problem(*load_builtin("reference"), activation=activation, name="reference")
    return regime_run(problem, guarantee(problem, init="antisymmetric"), seed=0)


def paper_regime() -> Run:
    """The reference problem at the width and scale of the paper's method repaired, where Lemma 1 is not vacuous."""
    problem = Problem(*load_builtin("reference"), name="reference")
    g = paper_guarantee(problem)
    assert g is not None
    return regime_run(problem, g, seed=0)


def marching() -> Run:
    """All neurons side by side, leaving I = (-1, 1) from the edge of its middle third: Lemma 1 is nearly tight."""
    gram = np.array([[1.0, 0.02], [0.02, 1.0]])
    problem = Problem.from_gram(gram, np.array([3.0, 0.1]), activation=leaning(0.05), name="marching")
    network = Network(np.linspace([0.31, 0.1], [0.33, 0.2], 8), np.ones(8))
    return plain_run(problem, network=network, t_max=3.0, interval=(-1.0, 1.0), loss_ratio=0.0, rtol=1e-8)


def descent(activation: str, share: float = 0.25) -> Run:
    """Descent at twice the scale of the guarantee, with a step that loses about this share of the flow's decrease."""
    problem = small(activation)
    g = guarantee(problem, init="antisymmetric", method="envelope" if activation == "relu" else "slopes")
    scale = 2 * g.scale
    step = 2 * share / (scale**2 * float(problem.spectrum.lmax_ceiling) * float(problem.activation.Ls) ** 2)
    return Run.of(
        simulate.gradient_descent(
            problem, width=g.width, scale=scale, init=g.init, seed=0, step=step, steps=60, loss_ratio=1e-12
        )
    )


def descent_of_all_layers() -> Run:
    """Descent on both layers at four times the scale of the guarantee, by steps that lose a part of the decrease."""
    problem = Problem(*load_builtin("reference", n=3, d=30), last_layer=1.0)
    g = guarantee(problem, init="antisymmetric", method="slopes")
    scale = 4 * g.scale
    step = 0.5 / (scale**2 * float(problem.spectrum.lmax_ceiling))
    return Run.of(
        simulate.gradient_descent(
            problem, width=g.width, scale=scale, init=g.init, seed=0, step=step, steps=60, loss_ratio=1e-12
        )
    )


def all_layers() -> Run:
    """n = d + 1 affinely independent points, trained biases and a trained last layer, inside the regime."""
    X, y = load_builtin("reference", n=4, d=3)
    problem = Problem(X, y, bias=1.0, last_layer=2.0, name="affine")
    return regime_run(problem, guarantee(problem, init="antisymmetric", method="slopes"), seed=0)


def with_biases() -> Run:
    """The same points and biases with a fixed last layer."""
    X, y = load_builtin("reference", n=4, d=3)
    problem = Problem(X, y, bias=1.0, name="affine")
    return regime_run(problem, guarantee(problem, init="antisymmetric", method="slopes"), seed=0)


def with_fixed_biases() -> Run:
    """Linearly independent points, biases that are drawn and stay."""
    X, y = load_builtin("reference", n=3, d=4)
    problem = Problem(X, y, bias=1.0, train_bias=False, name="fixed biases")
    return regime_run(problem, guarantee(problem, init="antisymmetric", method="slopes"), seed=0)


EXAMPLES: dict[str, Callable[[], Run]] = {
    "tanh in its regime": lambda: in_regime("tanh"),
    "softplus in its regime": lambda: in_regime("softplus"),
    "the paper's method": paper_regime,
    "ReLU": lambda: plain_run(small("relu"), width=64, scale=1.0, seed=0, t_max=1.0, rtol=1e-3),
    "tanh on a slope": lambda: plain_run(small(leaning(1.0)), width=64, scale=1.0, seed=0, t_max=20.0),
    "targets out of reach": lambda: plain_run(small("tanh", size=8.0), width=50, scale=1.0, seed=0, t_max=60.0),
    "singular G": lambda: plain_run(small("softplus", n=6, d=4), width=512, scale=4.0, seed=0, t_max=5.0),
    "marching neurons": marching,
    "biases": with_biases,
    "fixed biases": with_fixed_biases,
    "all layers trained": all_layers,
    "descent of all layers": descent_of_all_layers,
    "tanh descent": lambda: descent("tanh"),
    "ReLU descent": lambda: descent("relu"),
}


@cache
def example(name: str) -> Run:
    """The run of that name, made at the first call."""
    return EXAMPLES[name]()


def sweep(claim: Claim) -> list[tuple[Comparison, Run | None]]:
    """The comparisons of the claim on its own examples (with None for a run), and on every run here it applies to."""
    found: list[tuple[Comparison, Run | None]] = [(c, None) for c in claim.check()] if claim.check else []
    for name in EXAMPLES:
        run = example(name)
        try:
            found += [(comparison, run) for comparison in claim.compare(run)]
        except NotApplicable:
            continue
    return found
