"""The default integrator: an exponential method along the path of the flow."""

from simulate.integrators.exponential.method import Exponential

__all__ = ["Exponential"]
