"""The default for piecewise linear activations: every kink that a neuron meets is an event of its own."""

from simulate.integrators.piecewise_linear.method import PiecewiseLinear
from simulate.integrators.piecewise_linear.pieces import Pieces, pieces_of

__all__ = ["Pieces", "PiecewiseLinear", "pieces_of"]
