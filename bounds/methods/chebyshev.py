"""Counting active neurons through the mean square movement: the moved fraction is at most G_aa s^2 / xi^2."""

from bounds.methods.base import PARABOLA
from bounds.methods.counting import counting_method

METHOD = counting_method(
    "chebyshev",
    "master theorem with the moved fraction by Chebyshev's inequality (S2)",
    power=1.0,
    shape=PARABOLA,
    extent=lambda xi, eta, gmax: xi * (eta / gmax).sqrt(),
)
