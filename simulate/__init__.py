"""simulate: what actually happens. Gradient flow and descent of the paper's networks, exactly, in function space."""

from simulate.checkpoint import Interrupted
from simulate.compiling import tell_when_compiling
from simulate.network import Network, sample_network
from simulate.run import gradient_descent, gradient_flow
from simulate.solve.outcome import Status
from simulate.solve.step_rules import DescentPoint
from simulate.state_at import state_at
from simulate.torch_module import from_torch
from simulate.trajectory import Trajectory
from simulate.weights import network_of_weights, weights_of

tell_when_compiling()

__all__ = [
    "DescentPoint",
    "Interrupted",
    "Network",
    "Status",
    "Trajectory",
    "from_torch",
    "gradient_descent",
    "gradient_flow",
    "network_of_weights",
    "sample_network",
    "state_at",
    "weights_of",
]
