"""Counting active neurons with the sharp speed limit: a neuron that has left I moved by at least xi (Markov).

The moved fraction is at most mean_i |h_ia - h0_ia| / xi <= sqrt(G_aa) s / xi.
"""

from bounds.methods.base import LINEAR_FRACTION
from bounds.methods.counting import counting_method

METHOD = counting_method(
    "markov",
    "master theorem with the moved fraction by Markov's inequality (S1)",
    power=1.5,
    shape=LINEAR_FRACTION,
    extent=lambda xi, eta, gmax: eta * xi / gmax.sqrt(),
)
