"""The magnitudes that `certify` accepts: inside them no intermediate result of any method over- or underflows.

The flow has exact rescalings, for powers of two exact in floating point too:

(1) y and signs times a: the same paths; the scale and the critical scale times a, the rate times a^2.
(2) The Gram matrix times a, H kept: the same paths, run through a times as fast; the rate times a, the path length
    divided by sqrt(a).
(3) H and y times a, if sigma is linear on both sides of 0: paths and path length times a; the rate is the same.

So a network that is out of range can be brought inside without any loss, and each error names the power of two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from flint import arb

from bounds.checks import LARGEST_SCALE
from bounds.errors import ArgumentError, require
from bounds.numerics.arithmetic import float_down
from bounds.numerics.spectrum import Spectrum
from bounds.problem import Problem

# The least scale of a given network. It is smaller than LEAST_SCALE_ARGUMENT of bounds/checks.py, because a certificate
# squares the scale only in ball arithmetic, or after in_units has brought it to [1, 2). In float64 the scale is only
# multiplied by values of sigma; residual_norm counts what underflows there.
LEAST_SCALE_OF_SIGNS = 1e-290
LARGEST = 1e50  # the largest |h_ia|, and the largest max |y| / scale
LARGEST_GRAM = 1e100  # the largest G_max, and the largest 1/G_max
RATES = (1e-300, 1e300)  # the rates that are returned as a float


def power_of_two(value: float) -> int:
    """k with 2^k <= value < 2^(k+1); value positive and finite."""
    return math.frexp(value)[1] - 1


def check_magnitudes(problem: Problem, size: float, scale: float) -> None:
    """ArgumentError that names the quantity, its value and a rescaling, unless every magnitude is admissible.

    size: the largest |h_ia|; scale > 0. m needs no limit: memory ends long before it matters to a rounding.
    """
    target = float(np.max(np.abs(problem.y)))
    k = power_of_two(target) - power_of_two(scale) if target > 0 else 0
    require(
        target <= LARGEST * scale,
        "max |y| / scale",
        f"at most {LARGEST:g}",
        target / scale,
        f"Divide y by 2**{k}: no network of this scale comes near such targets.",
    )
    k = -power_of_two(scale)
    require(
        LEAST_SCALE_OF_SIGNS <= scale <= LARGEST_SCALE,
        "the scale, the magnitude of the signs,",
        f"in [{LEAST_SCALE_OF_SIGNS:g}, {LARGEST_SCALE:g}]",
        scale,
        _same_paths(k),
    )
    largest = float(np.max(np.diagonal(problem.gram)))
    k = -(power_of_two(largest) // 2)
    require(
        1 / LARGEST_GRAM <= largest <= LARGEST_GRAM,
        "the largest diagonal entry of the Gram matrix",
        f"in [{1 / LARGEST_GRAM:g}, {LARGEST_GRAM:g}]",
        largest,
        f"Multiply the Gram matrix by 2**{2 * k} (X by 2**{k} if there is no embedding) and keep H: the same paths, the"
        f" rate times 2**{2 * k}, the path length times 2**{-k}.",
    )
    homogeneous = problem.activation.pieces is not None
    k = -power_of_two(size) if size > 0 else 0
    require(
        size <= LARGEST,
        "max |H|",
        f"at most {LARGEST:g}",
        size,
        f"Multiply H and y by 2**{k}: the same rate, the path length times 2**{k}."
        if homogeneous
        else f"Bring X and the weights to smaller units: {problem.activation.name!r} has no exact rescaling of H.",
    )


def _same_paths(k: int) -> str:
    return (
        f"Multiply y and signs by 2**{k}: the same paths and beta, the critical scale times 2**{k}, the rate times"
        f" 2**{2 * k}."
    )


def rate_as_float(rate: arb) -> float:
    """A certified rate rounded down, 0 if it is not certified positive.

    Raises ArgumentError, with the rescaling that helps, for a rate outside RATES.
    """
    if not rate > 0:
        return 0.0
    if not RATES[0] <= rate <= RATES[1]:
        mantissa, exponent = rate.mid().man_exp()
        k = -((int(exponent) + int(mantissa).bit_length()) // 2)
        raise ArgumentError(
            f"the scale and the Gram matrix must allow a rate, 2 scale^2 rho^2, in [{RATES[0]:g}, {RATES[1]:g}]. Found"
            f" {rate.str(3, radius=False)}. {_same_paths(k)}"
        )
    return float_down(rate)


@dataclass(frozen=True)
class Units:
    """A network brought to a scale in [1, 2) and a G_max in [1, 4) by the rescalings (1) and (2).

    problem, signs: the rescaled ones; scale, gram: the scale was divided by 2**scale, G by 2**gram (gram is even).
    """

    problem: Problem
    signs: np.ndarray
    scale: int
    gram: int

    def convert(self, quantity: str, value: float) -> arb:
        """A value that was found for the rescaled network, converted to the units of the original one.

        quantity: one of "scale", "path", "time", "defect", "distance", or a name that begins with "rate"; a quantity of
        any other name has no unit.
        """
        c, G = self.scale, self.gram
        # U' is proportional to the scale, time to 1/(scale^2 G), and the norm of U to sqrt(G) times U.
        powers = {"scale": c, "path": -G // 2, "time": -2 * c - G, "defect": c + G // 2, "distance": -c - G // 2}
        power = 2 * c + G if quantity.startswith("rate") else powers.get(quantity, 0)
        return arb(value) * arb(2) ** power


def in_units(problem: Problem, signs: np.ndarray) -> Units:
    """The network of `problem` in the units of Units; signs (m,)."""
    k = power_of_two(float(abs(signs[0])))
    j = 2 * (power_of_two(float(np.max(np.diagonal(problem.gram)))) // 2)
    clone = object.__new__(Problem)
    fields = {
        "X": np.ldexp(problem.gram, -j),
        "y": np.ldexp(problem.y, -k),
        "activation": problem.activation,
        "embedding": None,
        "name": problem.name,
        "gram_radius": math.ldexp(problem.gram_radius, -j),
        "gram_relative_error": problem.gram_relative_error,
        "spectrum": Spectrum(
            *(
                (math.ldexp(low, -j), math.ldexp(high, -j))
                for low, high in (problem.spectrum.lmin, problem.spectrum.lmax)
            )
        ),
    }
    for field, value in fields.items():
        object.__setattr__(clone, field, value)
    return Units(clone, np.ldexp(signs, -k), k, j)
