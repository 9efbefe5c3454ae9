"""Networks: their state (pre-activations and signs), how an initial one is drawn, and the rows of Table 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bounds.checks import (
    as_float_array,
    check_init,
    check_scale,
    check_seed,
    check_width,
    choice,
    instance,
    numpy_defaults,
    real_array,
    require_finite,
)
from bounds.errors import ArgumentError, require, unknown_name
from bounds.memory import require_memory
from bounds.presented import Facts, Presented
from bounds.problem import Problem
from simulate.field.model import Scaling

SCALINGS = ("ours", "ntk", "mf")  # the rows of Table 1: of the paper, neural tangent kernel, mean field


@dataclass(frozen=True, repr=False)
class Network(Presented):
    """The state of one network, which the flow needs no more of.

    H (m, n): the pre-activations h_i(x_a) of m neurons on n training points; signs (m,): the output weights c_i, each
    +scale or -scale unless the last layer was trained; H_test (m, k): the pre-activations on k test points, None if
    these are not followed; scaling: the row of Table 1 that it was drawn or trained with, None if that is not known.

    Raises ArgumentError for shapes that do not fit together, DataError for entries that are no real numbers.
    """

    H: np.ndarray
    signs: np.ndarray
    H_test: np.ndarray | None = None
    scaling: str | None = None

    def __post_init__(self) -> None:
        if self.scaling is not None:
            choice("scaling", self.scaling, SCALINGS)
        for name in ("H", "signs", "H_test"):
            if name != "H_test" or self.H_test is not None:
                object.__setattr__(self, name, _real_array(name, getattr(self, name)))
        H, signs, test = self.H, self.signs, self.H_test
        if H.ndim != 2 or signs.shape != (len(H),):
            raise ArgumentError(
                f"a network needs H of shape (m, n) and signs of shape (m,). Found {H.shape} and {signs.shape}."
            )
        require(len(H) >= 1, "network", "of at least one neuron", H.shape)
        if test is not None and (test.ndim != 2 or len(test) != len(H)):
            raise ArgumentError(f"H_test must be of shape (m, k) with m = {len(H)}. Found {test.shape}.")

    def _facts(self) -> Facts:
        test = {} if self.H_test is None else {"test points": str(self.H_test.shape[1])}
        return {"m": str(self.width), "n": str(self.H.shape[1]), "scale": f"{self.scale:g}", **test}

    @property
    def width(self) -> int:
        """The number m of neurons."""
        return len(self.signs)

    @property
    def scale(self) -> float:
        """c hat: the magnitude that the signs have in common; their root mean square once they were trained."""
        sizes = np.abs(self.signs)
        return float(sizes[0]) if np.all(sizes == sizes[0]) else float(np.sqrt(np.mean(np.square(sizes))))


def _real_array(name: str, value: Any) -> np.ndarray:
    """The value as an array of floats. An array of floats is neither copied nor searched for infinities: a state may be
    large, and may be what a run that diverged ended with. Anything else becomes a float64 array, or a typed error."""
    if type(value) is np.ndarray and value.dtype.kind == "f":
        return value
    return as_float_array(name, value, 1 if name == "signs" else 2)


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
    if not isinstance(name, str) or name not in table:
        raise unknown_name("scaling", name, table)
    return table[name]


def square_root(gram: np.ndarray) -> np.ndarray:
    """The symmetric square root (n, n) of G. Unlike a Cholesky factor it exists for a singular G too, and it does not
    depend on the signs of the eigenvectors."""
    values, vectors = np.linalg.eigh(gram)
    root: np.ndarray = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root


def test_inputs(problem: Problem, X_test: Any) -> np.ndarray:
    """The test points as a float array (k, d).

    Raises ArgumentError if they do not fit the problem, DataError for entries that are not finite.
    """
    if problem.embedding is None:
        raise ArgumentError(
            "X_test needs a problem with inputs and an embedding; this one was made from its Gram matrix alone."
            " Use Problem(X, y)."
        )
    inputs = as_float_array("X_test", X_test, 2)
    require(inputs.shape[1] == problem.d, "X_test", f"of shape (k, d) with d = {problem.d}", inputs.shape)
    require(len(inputs) >= 1, "X_test", "of at least one row", inputs.shape)
    return inputs


def gram_between(problem: Problem, X_test: np.ndarray) -> np.ndarray:
    """The Gram matrix (k, n) between test points x and training points x_b, in the problem's embedding.

    Raises DataError if the embedding returns something else, ArgumentError for a wrong shape.
    """
    assert problem.embedding is not None
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is an error below
        gram = real_array("embedding.gram(X_test, X)", problem.embedding.gram(X_test, problem.X), 2)
    shape = (len(X_test), problem.n)
    require(gram.shape == shape, "embedding.gram(X_test, X)", f"of shape {shape}", gram.shape)
    require_finite("embedding.gram(X_test, X)", gram)
    return gram


def regression_of(problem: Problem, X_test: np.ndarray) -> np.ndarray:
    """G_*X G^+ (k, n): by what it moves on the training points, a pre-activation moves on the test points."""
    values, vectors = np.linalg.eigh(problem.gram)
    noise = problem.n * np.finfo(np.float64).eps * values[-1]
    inverse = np.where(values > noise, 1.0 / np.maximum(values, noise), 0.0)
    found: np.ndarray = (gram_between(problem, X_test) @ vectors * inverse) @ vectors.T
    return found


def _draw_test(problem: Problem, X_test: np.ndarray, H: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Pre-activations (k, m) on test points, drawn given those on the training points.

    They are Gaussian with mean G_*X G^+ h and, for each neuron, the Schur complement as covariance. H (n, m): the given
    pre-activations; draws (m, k): independent standard normal numbers. G^+ is the pseudo-inverse: a singular G has no
    inverse, but every h lies in its range.
    """
    cross, regression = gram_between(problem, X_test), regression_of(problem, X_test)
    assert problem.embedding is not None
    with np.errstate(over="ignore", invalid="ignore"):
        own = real_array("embedding.gram(X_test, X_test)", problem.embedding.gram(X_test, X_test), 2)
    require_finite("embedding.gram(X_test, X_test)", own)
    schur = own - regression @ cross.T
    # What is rounding alone is zero: a test point that is a training point gets its pre-activations exactly.
    values, vectors = np.linalg.eigh((schur + schur.T) / 2)
    floor = 1e3 * (len(own) + problem.n) * np.finfo(np.float64).eps * max(float(np.trace(own)), float(np.trace(schur)))
    root = (vectors * np.sqrt(np.where(values > floor, values, 0.0))) @ vectors.T
    drawn: np.ndarray = regression @ H + root @ draws.T
    return drawn


@numpy_defaults
def sample_network(
    problem: Problem,
    *,
    width: int,
    scale: float,
    seed: int,
    init: str = "independent",
    scaling: str = "ours",
    X_test: Any = None,
) -> Network:
    """Draw the initial network (Assumptions 1 and 3): rows of H from N(0, G), signs Rademacher times the scale.

    Drawn on the CPU by numpy, so that the same seed gives the same network on every device. init="antisymmetric"
    draws width/2 neurons and repeats them with opposite signs, so that f^0 = 0. X_test (k, d): also draw H_test,
    jointly with H, which stays the same as without.

    Raises ArgumentError for width < 1, an odd width with antisymmetric pairs, a scale that is not positive, or a
    negative seed.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    scale, init, seed = check_scale(scale), check_init(init), check_seed(seed)
    width = check_width(width, init)
    spread = scaling_of(scaling, width).spread
    paired = init == "antisymmetric"
    rows = problem.n if X_test is None else problem.n + len(test_inputs(problem, X_test))
    require_memory(8 * width * rows * (1 if paired else 2), f"a network of {width} neurons", "Use a smaller width.")
    weights_stream, signs_stream, test_stream = np.random.SeedSequence(seed).spawn(3)
    drawn = width // 2 if paired else width
    draws = np.random.default_rng(weights_stream).standard_normal((drawn, problem.n))
    columns = square_root(problem.gram) @ draws.T  # (n, m), neurons contiguous as the flow wants them
    test = None
    if X_test is not None:
        inputs = test_inputs(problem, X_test)
        draws = np.random.default_rng(test_stream).standard_normal((drawn, len(inputs)))
        test = spread * _draw_test(problem, inputs, columns, draws)
    columns *= spread
    signs = scale * (2.0 * np.random.default_rng(signs_stream).integers(0, 2, drawn) - 1.0)
    if paired:
        columns, signs = np.concatenate([columns, columns], axis=1), np.concatenate([signs, -signs])
        test = None if test is None else np.concatenate([test, test], axis=1)
    return Network(columns.T, signs, None if test is None else test.T, scaling)
