"""Problem: data, activation and embedding, checked once; no theory."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import arb

from bounds.activation.base import Activation
from bounds.activation.registry import get_activation
from bounds.checks import as_float_array, check_seed, integer, numpy_defaults, real, real_array, text
from bounds.data.biases import FixedBias, WithBias
from bounds.data.embeddings import Embedding, Identity, embedding_name, with_bias
from bounds.data.random_features import RandomFeatures
from bounds.errors import ArgumentError, AssumptionError, DataError, require
from bounds.gram import GramMatrix, GramRange
from bounds.presented import Facts, Portable, Presented
from bounds.rounding import rounded

if TYPE_CHECKING:
    import pandas as pd

SHOWN_AT_ONCE = 500  # data points up to which showing a problem may compute its eigenvalues


def check_mobility(last_layer: Any) -> float:
    """The mobility of the last layer as a float. Raises ArgumentError unless it is 0 or in [1e-100, 1e100]."""
    rule = "the mobility of the last layer, 0 or in [1e-100, 1e100]"
    return real("last_layer", last_layer, rule, lambda kap: kap == 0 or 1e-100 <= kap <= 1e100)


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Problem(GramMatrix, Presented, Portable):
    """A training set with its activation and embedding (section 2.1 of arXiv 2204.10782).

    X: (n, d) inputs; y: (n,) targets; activation: a registered name or an Activation; embedding: an object with
    .gram(X, X2) (see Embedding), None if only the Gram matrix is known (from_gram). Frozen: the arrays are read-only
    copies.

    bias: the standard deviation b_0 of biases that are drawn and trained with the first layer, None without: the
    embedding then holds them, with the Gram matrix G + b_0^2 11', which is positive definite for affinely independent
    x_a. train_bias=False: they are drawn and stay: G is then that without biases, and only `start`, the law of the h^0,
    has them (biases that start at 0 and are trained are not covered). last_layer: the mobility kap >= 0 of the weights
    c_i of the last layer, dc_i/dt = -kap sum_a r_a sigma(h_ia), 0 where they are fixed (Assumption 1).

    Example: Problem(X, y, bias=1.0, last_layer=1.0).

    Raises DataError for entries that are no finite numbers, ArgumentError for wrong shapes or unknown names,
    AssumptionError for a Gram matrix that is zero, or taken as exact and certainly not positive semidefinite.
    """

    X: np.ndarray
    y: np.ndarray
    activation: Activation
    embedding: Embedding | None
    name: str
    gram_radius: float = 0.0
    gram_range: GramRange | None = None
    last_layer: float = 0.0

    @numpy_defaults
    def __init__(
        self,
        X: Any,
        y: Any,
        activation: str | Activation = "tanh",
        embedding: Embedding | None = None,
        *,
        name: str = "data",
        bias: float | None = None,
        train_bias: bool = True,
        last_layer: float = 0.0,
    ) -> None:
        embedding = Identity() if embedding is None else embedding
        ok = isinstance(embedding, Embedding) and not isinstance(embedding, type)
        way = "Use one of bounds.Identity(), bounds.Quadratic() and bounds.RandomFeatures(depth=1)."
        require(ok, "embedding", "an object with a method gram(X, X2)", embedding, way)
        inputs = as_float_array("X", X, 2)
        require(inputs.shape[1] >= 1, "X", "of at least one column", inputs.shape)
        require(isinstance(train_bias, bool | np.bool_), "train_bias", "True or False", train_bias)
        require(bool(train_bias) or bias is not None, "bias", "their standard deviation where train_bias=False", bias)
        embedding = embedding if bias is None else with_bias(embedding, bias, trained=bool(train_bias))
        self._set(inputs, y, activation, embedding, name, last_layer)

    @classmethod
    @numpy_defaults
    def from_gram(
        cls,
        G: Any,
        y: Any,
        *,
        activation: str | Activation = "tanh",
        name: str = "gram",
        last_layer: float = 0.0,
    ) -> Problem:
        """A problem of which only the Gram matrix G (n, n), symmetric positive semidefinite, is known. With biases of
        standard deviation b_0 pass G + b_0**2.

        G is taken as exact, and as positive semidefinite if its smallest eigenvalue is 0 within rounding, as that of a
        computed Gram matrix of linearly dependent data may be.

        Raises DataError for entries that are not finite, ArgumentError if G is not square or not symmetric,
        AssumptionError if an eigenvalue is certainly negative.
        """
        gram = as_float_array("G", G, 2)
        require(len(gram) > 0, "G", "of at least one row", gram.shape)
        require(gram.shape[0] == gram.shape[1], "G", "square", gram.shape)
        with np.errstate(over="ignore"):  # of a large entry and its negative
            gap = float(np.max(np.abs(gram - gram.T), initial=0.0))
        require(gap == 0, "G", f"symmetric, but max |G - G'| = {gap:.3g}", gram, "Pass (G + G') / 2.")
        problem = object.__new__(cls)
        problem._set(gram, y, activation, None, name, last_layer)
        return problem

    def _set(
        self, X: np.ndarray, y: Any, activation: Any, embedding: Embedding | None, name: str, last_layer: Any
    ) -> None:
        """Set the fields of a new problem from inputs (or a Gram matrix) X that are checked already; check the rest."""
        fields: dict[str, Any] = {
            "X": X,
            "y": as_float_array("y", y, 1),
            "embedding": embedding,
            "name": text("name", name),
        }
        fields["last_layer"] = check_mobility(last_layer)
        for field, value in {**fields, "activation": get_activation(activation)}.items():
            object.__setattr__(self, field, value)
        if len(X) == 0:
            raise DataError(f"the data must hold at least one row. Found shape {X.shape}.")
        require(len(self.y) == len(X), "y", f"of shape (n,) = ({len(X)},) to match {X.shape} inputs", self.y.shape)
        if not np.all(np.isfinite(self.gram)):
            largest = float(np.max(np.abs(X)))
            raise DataError(f"the Gram matrix overflows: the largest |X| is {largest:.3g}. Rescale X.")
        if not np.max(np.abs(self.gram)) > 1e-280:
            raise AssumptionError("the Gram matrix is zero: every x_a is mapped to 0 or nearly so. Rescale the data.")
        if getattr(self.embedding, "gram_error", None) is None:
            self._require_semidefinite()  # a matrix that is taken as exact has no other check

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone; what is computed from them is computed again where it is needed."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)  # a pickled array forgets this
            object.__setattr__(self, name, value)

    def _headline(self) -> str:
        return (
            f"{self.name}: n={self.n}, d={self.d}, {self.activation.name}, {self.embedding_name}"
            f"{f', G known within {self.gram_radius:g}' if self.gram_radius else ''}"
            f"{f', last layer trained with mobility {self.last_layer:g}' if self.last_layer else ''}"
        )

    def _facts(self) -> Facts:
        found = {
            "data": self.name,
            "points n": str(self.n),
            "input dimension d": str(self.d),
            "activation": self.activation.name,
            "embedding": self.embedding_name,
        }
        if self.last_layer:
            found["mobility of the last layer"] = f"{self.last_layer:g}"
        if self.n <= SHOWN_AT_ONCE or "spectrum" in vars(self):
            low, high = self.spectrum.lmin[0], self.spectrum.lmax[1]
            positive = "" if low > 0 else ": not certified positive, as Theorem 1 asks"
            found["lambda_min(G) at least"] = rounded(low, "down") + positive
            found["lambda_max(G) at most"] = rounded(high, "up")
        found["||y||"] = rounded(float(self.y_norm), "nearest")
        return found

    def to_dict(self) -> dict[str, Any]:
        """The fields by name; activation and embedding by the names that commands know them by."""
        return {**super().to_dict(), "embedding": self.embedding_name}

    def to_frame(self) -> pd.DataFrame:
        """The data: one row per point, columns x_0, ..., x_{d-1} and y."""
        import pandas as pd

        return pd.DataFrame({**{f"x_{j}": self.X[:, j] for j in range(self.d)}, "y": self.y})

    @property
    def d(self) -> int:
        """Input dimension (n if only the Gram matrix is known)."""
        return int(self.X.shape[1])

    @property
    def bias(self) -> float | None:
        """b_0, the standard deviation of the trained biases; None without."""
        return self.embedding.size if isinstance(self.embedding, WithBias) else None

    @property
    def fixed_bias(self) -> float | None:
        """b_0, the standard deviation of biases that are drawn and not trained; None without."""
        return self.embedding.size if isinstance(self.embedding, FixedBias) else None

    @cached_property
    def start(self) -> Problem:
        """The problem whose Gram matrix is the covariance of the h_i^0: itself, or with biases that are drawn and not
        trained the one in which they are."""
        if not isinstance(self.embedding, FixedBias):
            return self
        last = self.last_layer
        drawn = Problem(self.X, self.y, self.activation, self.embedding.start, name=self.name, last_layer=last)
        if self.gram_range is not None:
            return drawn.given(self.gram_range.with_biases(self.embedding.size))
        return drawn.within(self.gram_radius) if self.gram_radius else drawn

    def without_bias(self) -> Problem:
        """The same problem without biases; itself if it has none."""
        if not isinstance(self.embedding, WithBias | FixedBias):
            return self
        plain = self.embedding.embedding
        return Problem(self.X, self.y, self.activation, plain, name=self.name, last_layer=self.last_layer)

    @property
    def random(self) -> bool:
        """The embedding is random and not drawn yet: gram is the limit Gbar, and Theorem 2 applies."""
        fixed = self.gram_radius > 0 or self.gram_range is not None
        return not fixed and bool(getattr(self.embedding, "random", False))

    def draw(self, *, dim: int, seed: int = 0) -> Problem:
        """One realisation of a random embedding: a problem with a fixed embedding and a Gram matrix of its own.

        dim: D, the number of random features (of each layer); seed: names the draw. Raises AssumptionError for an
        embedding that is not random, or drawn already.
        """
        if not self.random:
            raise AssumptionError(
                f"only a random embedding can be drawn. Found {self.embedding_name!r}. Use RandomFeatures(depth=1)."
            )
        drawn = getattr(self.embedding, "draw")(integer("dim", dim, 1), check_seed(seed))  # noqa: B009  (not every Embedding has it)
        return Problem(self.X, self.y, self.activation, drawn, name=self.name, last_layer=self.last_layer)

    def draw_inner(self, *, dim: int, seed: int = 0) -> Problem:
        """The problem with all random layers drawn but the last, which is then a random embedding of one layer.

        dim, seed: as for `draw`. The new X (n, dim) are the drawn features, so that statements about one random layer
        speak about the last one, given the others. Raises AssumptionError for an embedding of fewer than two random
        layers.
        """
        features = self.embedding
        if not (self.random and isinstance(features, RandomFeatures) and features.depth > 1):
            raise AssumptionError(
                f"only an embedding of at least two random layers has inner ones. Found {self.embedding_name!r}."
                " Use RandomFeatures(depth=2), or draw the whole embedding: problem.draw(dim=D)."
            )
        inner = RandomFeatures(features.depth - 1, features.activation, integer("dim", dim, 1), check_seed(seed))
        last = RandomFeatures(1, features.activation)
        return Problem(
            inner.features(self.X), self.y, self.activation, last, name=self.name, last_layer=self.last_layer
        )

    def within(self, radius: float) -> Problem:
        """These data with a Gram matrix known only up to `radius` in the spectral norm: every number computed from it
        holds for each such matrix. For a random embedding these are the realisations within `radius` of the limit, and
        a statement holds given that the one drawn is among them.

        Raises ArgumentError after `given`: a range has its own bounds, which are to be widened instead."""
        if self.gram_range is not None:
            raise ArgumentError(
                f"within({radius!r}) is for a Gram matrix that is known. Of this one a range is given: widen its bounds"
                " by the radius, in problem.given(GramRange(...)), or call within before any range is given."
            )
        radius = real("radius", radius, "a finite number >= 0", lambda u: 0 <= u < np.inf)
        return self._known(gram_radius=self.gram_radius + radius)

    def given(self, known: GramRange) -> Problem:
        """These data with a Gram matrix of which only `known` is known: every number computed from it holds for each
        such matrix, and methods that need the matrix itself refuse."""
        return self._known(gram_radius=0.0, gram_range=known)

    def _known(self, **about_gram: Any) -> Problem:
        """A copy with other fields about the Gram matrix."""
        clone = object.__new__(Problem)
        kept = {field: getattr(self, field) for field in ("X", "y", "activation", "embedding", "name", "last_layer")}
        for field, value in {**kept, **about_gram}.items():
            object.__setattr__(clone, field, value)
        return clone

    @np.errstate(all="ignore")
    def output(self, H: Any, signs: Any) -> np.ndarray:
        """f_a = (1/m) sum_i c_i sigma(h_ia), (n,): the output of one network on the training set (2), in float64.

        H: (m, n) pre-activations h_i(x_a); signs: (m,) second-layer weights c_i. An entry that is not finite, or
        overflows, gives an output that is not finite, without a warning.

        Raises ArgumentError for wrong shapes, DataError for entries that are no numbers.
        """
        pre_activation = real_array("H", H, 2)
        width = len(pre_activation)
        fits = width > 0 and pre_activation.shape[1] == self.n
        require(fits, "H", f"of shape (m, n) with n = {self.n}", pre_activation.shape)
        c = real_array("signs", signs, 1)
        require(c.shape == (width,), "signs", f"of shape ({width},)", c.shape)
        f: np.ndarray = c @ self.activation.value(pre_activation) / width
        return f

    @np.errstate(all="ignore")
    def residual(self, H: Any, signs: Any) -> np.ndarray:
        """r = f - y (11), (n,), of one network; arguments and errors as for `output`."""
        return self.output(H, signs) - self.y

    @property
    def embedding_name(self) -> str:
        """The name written to reports."""
        return embedding_name(self.embedding)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What every guarantee and certificate takes on trust: the Gram matrix of an embedding without gram_error."""
        if self.embedding is None or getattr(self.embedding, "gram_error", None) is not None:
            return ()
        return (
            f"the Gram matrix of the embedding {self.embedding_name!r} is taken as exact, for it has no method"
            " gram_error(X), a bound of the rounding of gram(X, X)",
        )

    @cached_property
    def y_norm(self) -> arb:
        """||y||, enclosed."""
        total = arb(0)
        for value in self.y.tolist():
            total += arb(value) ** 2
        return total.sqrt()
