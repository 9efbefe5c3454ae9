"""The Gram matrix of a training set, and what is known of it: enclosures that hold the rounding of forming it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import arb

from bounds.checks import numpy_defaults, real_array
from bounds.data.embeddings import Embedding
from bounds.dependence import ways_out, why_dependent
from bounds.errors import AssumptionError, require
from bounds.numerics.arithmetic import ball, float_up
from bounds.numerics.spectrum import Spectrum, spectrum


@dataclass(frozen=True)
class GramRange:
    """All that is known of the Gram matrix of an embedding that is not drawn yet: diagonal encloses each G_aa, spectrum
    the extreme eigenvalues."""

    diagonal: tuple[arb, ...]
    spectrum: Spectrum

    def with_biases(self, size: float) -> GramRange:
        """What is known of G + b_0^2 11', b_0 = size, from what is known of G: lambda_min does not fall, lambda_max
        rises by at most n b_0^2."""
        square = arb(size) ** 2
        (low, _), (high_low, high) = self.spectrum.lmin, self.spectrum.lmax
        diagonal = tuple(g + square for g in self.diagonal)
        ceiling = float_up(min((g.upper() for g in diagonal), key=float))
        largest = float_up(arb(high) + len(diagonal) * square)
        return GramRange(diagonal, Spectrum((low, ceiling), (high_low, largest)))


class GramMatrix:
    """What is known of the Gram matrix of a problem: a part of Problem, which has the fields below."""

    X: np.ndarray
    embedding: Embedding | None
    gram_radius: float
    gram_range: GramRange | None

    @property
    def n(self) -> int:
        """Number of data points."""
        return len(self.X)

    @cached_property
    @numpy_defaults
    def gram(self) -> np.ndarray:
        """G_ab = (1/D) Phi(x_a).Phi(x_b), (n, n), read-only (definition after (11))."""
        if self.embedding is None:
            return self.X
        with np.errstate(over="ignore", invalid="ignore"):
            gram = real_array("embedding.gram(X, X)", self.embedding.gram(self.X, self.X), 2)
            require(
                gram.shape == (self.n, self.n), "embedding.gram(X, X)", f"of shape ({self.n}, {self.n})", gram.shape
            )
            gap = float(np.max(np.abs(gram - gram.T)))
            # Rounding is symmetrised away; a kernel that is not symmetric is no Gram matrix.
            symmetric = not gap > 1e-8 * float(np.max(np.abs(gram)))
            require(symmetric, "embedding.gram(X, X)", f"symmetric, but max |G - G'| = {gap:.3g}", gram)
            gram = (gram + gram.T) / 2
        gram.setflags(write=False)
        return gram

    @cached_property
    def gram_relative_error(self) -> float:
        """Bound on the rounding of each G_ab, relative to sqrt(G_aa G_bb); 0 if G is taken as exact (caveats)."""
        error = getattr(self.embedding, "gram_error", None)
        if error is None:
            return 0.0
        found = float(error(self.X))
        require(0 <= found < math.inf, "embedding.gram_error(X)", "a finite number >= 0", found)
        return found

    @cached_property
    def gram_diagonal(self) -> list[arb]:
        """G_aa for each a, enclosed with the rounding of forming them."""
        if self.gram_range is not None:
            return list(self.gram_range.diagonal)
        e = self.gram_relative_error
        u = self.gram_radius
        return [ball(max(g * (1 - 2 * e) - u, 0.0), g * (1 + 2 * e) + u) for g in np.diagonal(self.gram).tolist()]

    @cached_property
    @numpy_defaults
    def spectrum(self) -> Spectrum:
        """Certified enclosures of lambda_min(G) and lambda_max(G), the error of forming G included."""
        if self.gram_range is not None:
            return self.gram_range.spectrum
        # |E_ab| <= e sqrt(G_aa G_bb) gives ||E||_2 <= e tr(G).
        error = 1.01 * self.gram_relative_error * float(np.trace(self.gram))
        return spectrum(self.gram, error + self.gram_radius)

    @property
    def gmax(self) -> arb:
        """The largest diagonal entry of G, enclosed."""
        return ball(max(g.lower() for g in self.gram_diagonal), max(g.upper() for g in self.gram_diagonal))

    @property
    def gmin(self) -> arb:
        """The smallest diagonal entry of G, enclosed."""
        return ball(min(g.lower() for g in self.gram_diagonal), min(g.upper() for g in self.gram_diagonal))

    def _require_semidefinite(self) -> None:
        """AssumptionError if G certainly has a negative eigenvalue."""
        # G_aa is a squared norm, so a computed one is never negative. Other minors may be, by rounding.
        least = min(float(np.min(np.diagonal(self.gram))), self.spectrum.lmin[1])
        if least < 0:
            raise AssumptionError(
                f"the Gram matrix must be positive semidefinite. Certified lambda_min <= {least:.3g}."
                " A Gram matrix has no negative eigenvalue; check how it was computed."
            )

    def require_positive_definite(self, method: str) -> None:
        """AssumptionError naming Theorem 1's assumption unless lambda_min(G) > 0 is certified."""
        low, high = self.spectrum.lmin
        if low > 0:
            return
        why, way = self.dependence
        raise AssumptionError(
            f"method {method!r} needs lambda_min(G) > 0 (Theorem 1); certified lambda_min in [{low:.3g}, {high:.3g}]"
            f" ({why}). {way}"
        )

    @cached_property
    @numpy_defaults
    def dependence(self) -> tuple[str, str]:
        """(why, what helps) where lambda_min(G) > 0 is not certified; every way out was tried on these data."""
        if self.gram_radius > 0:  # a smaller matrix may be certified, but these data were told to be uncertain
            return f"G is known only within {self.gram_radius:.3g}", "Use a smaller radius."
        twins = self._equal_rows()
        if twins is not None:
            why = f"rows {twins[0]} and {twins[1]} of X are equal, counted from 0"
            return why, "Keep one of them: no embedding and no method can tell them apart."
        return why_dependent(self.X, self.embedding), ways_out(self.X, self.embedding)

    def _equal_rows(self) -> tuple[int, int] | None:
        """Two equal rows of X, if there are any."""
        _, first, inverse = np.unique(self.X, axis=0, return_index=True, return_inverse=True)
        again = np.flatnonzero(first[inverse.ravel()] != np.arange(self.n))
        return (int(first[inverse.ravel()[again[0]]]), int(again[0])) if len(again) else None
