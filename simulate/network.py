"""The initial state: pre-activations drawn from N(0, G), signs, and Table 1 as three numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bounds.errors import ArgumentError, require, unknown_name
from bounds.guarantee import check_init, check_scale
from bounds.problem import Problem


@dataclass(frozen=True)
class Network:
    """A state of the network on the training set.

    H: (m, n) pre-activations h_i(x_a); signs: (m,) the c_i = +scale or -scale.
    """

    H: np.ndarray
    signs: np.ndarray

    def __post_init__(self) -> None:
        H, signs = np.asarray(self.H), np.asarray(self.signs)
        if H.ndim != 2 or signs.shape != (len(H),):
            raise ArgumentError(
                f"a network needs H of shape (m, n) and signs of shape (m,). Found {H.shape} and {signs.shape}."
            )

    @property
    def width(self) -> int:
        """m."""
        return len(self.signs)

    @property
    def scale(self) -> float:
        """c hat, the common magnitude of the signs."""
        return float(abs(self.signs[0]))


@dataclass(frozen=True)
class Scaling:
    """Table 1: f = (alpha/m) sum_i c_i sigma(h_i), dh_i/dt = -beta c_i G (r * sigma'(h_i)), h^0 ~ spread N(0, G)."""

    alpha: float
    beta: float
    spread: float


def scaling_of(name: str, width: int) -> Scaling:
    """The row of Table 1 ("ours", "ntk" or "mf") at this width, for D = m.

    Raises ArgumentError for another name.
    """
    root = width**0.5
    table = {
        "ours": Scaling(1.0, 1.0, 1.0),
        "ntk": Scaling(root, 1.0 / root, 1.0),
        "mf": Scaling(1.0, 1.0, 1.0 / root),
    }
    if name not in table:
        raise unknown_name("scaling", name, table)
    return table[name]


def square_root(gram: np.ndarray) -> np.ndarray:
    """The symmetric square root of G, which singular G has too and which does not depend on eigenvector signs."""
    values, vectors = np.linalg.eigh(gram)
    root: np.ndarray = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root


def check_width(width: int, init: str) -> None:
    """width must be a positive integer, even for antisymmetric pairs."""
    whole = isinstance(width, int | np.integer) and not isinstance(width, bool)
    require(whole and width >= 1, "width", "a positive integer", width)
    require(
        init != "antisymmetric" or width % 2 == 0,
        "width",
        "even with init='antisymmetric', which draws pairs",
        width,
        f"Use width={int(width) + 1}.",
    )


def sample_network(
    problem: Problem, *, width: int, scale: float, seed: int, init: str = "independent", scaling: str = "ours"
) -> Network:
    """Draw the initial network (Assumptions 1 and 3): rows of H from N(0, G), signs Rademacher times the scale.

    Drawn on the CPU by numpy, so that the same seed gives the same network on every device. init="antisymmetric"
    draws width/2 neurons and repeats them with opposite signs, so that f^0 = 0.

    Raises ArgumentError for width < 1, an odd width with antisymmetric pairs, a scale that is not positive, or a
    negative seed.
    """
    check_scale(scale)
    check_init(init)
    check_width(width, init)
    require(isinstance(seed, int | np.integer) and seed >= 0, "seed", "a non-negative integer", seed)
    paired = init == "antisymmetric"
    weights_stream, signs_stream = np.random.SeedSequence(int(seed)).spawn(2)
    drawn = int(width) // 2 if paired else int(width)
    draws = np.random.default_rng(weights_stream).standard_normal((drawn, problem.n))
    columns = square_root(problem.gram) @ draws.T  # (n, m), neurons contiguous as the flow wants them
    columns *= scaling_of(scaling, int(width)).spread
    signs = scale * (2.0 * np.random.default_rng(signs_stream).integers(0, 2, drawn) - 1.0)
    if paired:
        columns, signs = np.concatenate([columns, columns], axis=1), np.concatenate([signs, -signs])
    return Network(columns.T, signs)
