"""Networks: their state (pre-activations and signs), how an initial one is drawn, and the rows of Table 1."""

from __future__ import annotations

import math
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
from bounds.data.biases import WithBias
from bounds.data.random_features import RandomFeatures
from bounds.errors import ArgumentError, require, unknown_name
from bounds.memory import require_memory
from bounds.presented import Facts, Presented
from bounds.problem import Problem
from simulate.field.equal_points import first_equal
from simulate.field.model import Scaling

DRAWN_TOGETHER = 2**16  # neurons that one stream of random numbers draws; each further such block has its own
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


def part(network: Network, first: int, beyond: int) -> Network:
    """The neurons first..beyond of a network."""
    test = None if network.H_test is None else network.H_test[first:beyond]
    return Network(network.H[first:beyond], network.signs[first:beyond], test, network.scaling)


def _real_array(name: str, value: Any) -> np.ndarray:
    """The value as an array of floats. An array of floats is neither copied nor searched for infinities: a state may be
    large, and may be what a run that diverged ended with. Anything else becomes a float64 array, or a typed error."""
    if type(value) is np.ndarray and value.dtype.kind == "f":
        return value
    return as_float_array(name, value, 1 if name == "signs" else 2)


def scaling_of(name: str, width: int, dim: int | None = None) -> Scaling:
    """The row of Table 1 ("ours", "ntk" or "mf") at this width m; dim: D of random features, by default m.

    D plays a part in the mean-field row alone, where h = (1/D) sum_j W_ij phi_j is 1/sqrt D times that of the others,
    and the gradient has the factor m D in place of m^2, so that time is the same.

    Raises ArgumentError for another name.
    """
    root = width**0.5
    table = {
        "ours": Scaling(1.0, 1.0, 1.0),
        "ntk": Scaling(root, 1.0 / root, 1.0),
        "mf": Scaling(1.0, 1.0, 1.0 / (root if dim is None else dim**0.5)),
    }
    if not isinstance(name, str) or name not in table:
        raise unknown_name("scaling", name, table)
    return table[name]


def _features_of(problem: Problem) -> int | None:
    """The number D of random features of a problem, None for another embedding."""
    embedding = problem.embedding
    plain = embedding.embedding if isinstance(embedding, WithBias) else embedding
    return plain.dim if isinstance(plain, RandomFeatures) else None


def in_papers_scaling(network: Network, scaling: str) -> tuple[Network, float]:
    """(network, clock): the network whose flow in the paper's scaling has the same H and the same outputs as that of
    the given one in another row of Table 1, at `clock` times the time. Its signs are alpha c_i, for f and dh_i/dt then
    have the factors 1 and beta/alpha."""
    row = scaling_of(scaling, network.width)
    return Network(network.H, row.alpha * network.signs, network.H_test, "ours"), row.beta / row.alpha


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


class _Law:
    """The law of the rows of H and H_test of a problem (`Problem.start`).

    root (n, n): the symmetric square root of G, in which equal points have one row; on test points a pre-activation is
    Gaussian given those on the training points, with mean regression h (k, n) and, for each neuron, the Schur
    complement root_test root_test' as covariance.
    G^+ is the pseudo-inverse: a singular G has no inverse, but every h lies in its range.
    """

    def __init__(self, problem: Problem, X_test: np.ndarray | None) -> None:
        # The roots of what rounding leaves of zero eigenvalues would set equal points apart by 1e-8 of them.
        self.root = square_root(problem.gram)[first_equal(problem.gram)]
        self.n, self.k = problem.n, 0 if X_test is None else len(X_test)
        if X_test is None:
            return
        cross, self.regression = gram_between(problem, X_test), regression_of(problem, X_test)
        assert problem.embedding is not None
        with np.errstate(over="ignore", invalid="ignore"):
            own = real_array("embedding.gram(X_test, X_test)", problem.embedding.gram(X_test, X_test), 2)
        require_finite("embedding.gram(X_test, X_test)", own)
        schur = own - self.regression @ cross.T
        # What is rounding alone is zero: a test point that is a training point gets its pre-activations exactly.
        values, vectors = np.linalg.eigh((schur + schur.T) / 2)
        eps, trace = np.finfo(np.float64).eps, max(float(np.trace(own)), float(np.trace(schur)))
        floor = 1e3 * (len(own) + problem.n) * eps * trace
        self.root_test = (vectors * np.sqrt(np.where(values > floor, values, 0.0))) @ vectors.T

    def draw(self, streams: list[np.random.SeedSequence], count: int) -> _Drawn:
        """The first `count` neurons of these streams: the weights', the signs' and the test points'."""
        weights, signs, test = (np.random.default_rng(stream) for stream in streams)
        columns = self.root @ weights.standard_normal((count, self.n)).T  # neurons contiguous as the flow wants them
        on_test = None
        if self.k:
            on_test = self.regression @ columns + self.root_test @ test.standard_normal((count, self.k)).T
        return columns, 2.0 * signs.integers(0, 2, count) - 1.0, on_test


_Drawn = tuple[np.ndarray, np.ndarray, np.ndarray | None]  # H' (n, w), signs of magnitude 1 (w,), H_test' (k, w)


def _draw(law: _Law, seed: int, drawn: int, first: int, beyond: int) -> _Drawn:
    """Neurons first..beyond of the `drawn` ones of this seed, block by block.

    What a block holds depends on the seed and its number alone, and is computed by the same products whoever asks. The
    first one has the three streams of the seed, block b their children of number b.
    """
    streams = np.random.SeedSequence(seed).spawn(3)
    if first == 0 and beyond == drawn <= DRAWN_TOGETHER:
        return law.draw(streams, drawn)
    # Parts that are put together at the end would leave holes in the heap, and so do those of the last block, which are
    # smaller than the others, unless they come first: malloc keeps what is smaller than what was freed before.
    count = beyond - first
    columns, signs, test = np.empty((law.n, count)), np.empty(count), np.empty((law.k, count)) if law.k else None
    for b in reversed(range(first // DRAWN_TOGETHER, math.ceil(beyond / DRAWN_TOGETHER))):
        start = b * DRAWN_TOGETHER
        own = [np.random.SeedSequence(seed, spawn_key=(*s.spawn_key, b)) for s in streams] if b else streams
        block = law.draw(own, min(DRAWN_TOGETHER, drawn - start))
        wanted = slice(max(first - start, 0), beyond - start)
        there = slice(max(start - first, 0), start + DRAWN_TOGETHER - first)
        for found, drawn_now in zip((columns, signs, test), block, strict=True):
            if found is not None and drawn_now is not None:
                found[..., there] = drawn_now[..., wanted]
    return columns, signs, test


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
    """Draw the initial network (Assumptions 1 and 3): rows of H from N(0, G) (with biases that are not trained from
    N(0, G + b_0^2 11')), signs Rademacher times the scale.

    Drawn on the CPU by numpy, so that the same seed gives the same network on every device. init="antisymmetric"
    draws width/2 neurons and repeats them with opposite signs, so that f^0 = 0. X_test (k, d): also draw H_test,
    jointly with H, which stays the same as without. Networks of different widths share their first neurons; each 2^16
    of them are drawn by streams of their own.

    Raises ArgumentError for width < 1, an odd width with antisymmetric pairs, a scale that is not positive, or a
    negative seed.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    width = check_width(width, check_init(init))
    chosen = {"width": width, "scale": scale, "seed": seed, "init": init, "scaling": scaling, "X_test": X_test}
    return sample_neurons(problem, 0, width, **chosen)


def sample_neurons(
    problem: Problem,
    first: int,
    beyond: int,
    *,
    width: int,
    scale: float,
    seed: int,
    init: str,
    scaling: str,
    X_test: Any,
) -> Network:
    """Neurons first..beyond of the network that sample_network draws, as they are there, bit for bit."""
    scale, init, seed = check_scale(scale), check_init(init), check_seed(seed)
    spread = scaling_of(scaling, width, _features_of(problem)).spread
    paired = init == "antisymmetric"
    inputs = None if X_test is None else test_inputs(problem, X_test)
    rows = problem.n + (0 if inputs is None else len(inputs))
    needed = 8 * (beyond - first) * rows * (1 if paired else 2)
    require_memory(needed, f"a network of {beyond - first} neurons", "Use a smaller width.")
    law, drawn = _Law(problem.start, inputs), width // 2 if paired else width
    if not paired:
        columns, signs, test = _draw(law, seed, drawn, first, beyond)
    else:  # neuron i + drawn is neuron i with the other sign
        halves = [(first, min(beyond, drawn)), (max(first, drawn) - drawn, beyond - drawn)]
        found = {half: _draw(law, seed, drawn, *half) for half in halves if half[0] < half[1]}
        parts = [(*found[half], sign) for half, sign in zip(halves, (1.0, -1.0), strict=True) if half in found]
        columns = np.concatenate([H for H, _, _, _ in parts], axis=1)
        signs = np.concatenate([sign * magnitudes for _, magnitudes, _, sign in parts])
        test = None if inputs is None else np.concatenate([H for _, _, H, _ in parts if H is not None], axis=1)
    columns *= spread
    if test is not None:
        test *= spread
    return Network(columns.T, scale * signs, None if test is None else test.T, scaling)
