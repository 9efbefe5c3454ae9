"""The middle ring: methods that take one step, by name. Adding one: CONTRIBUTING.md, "An integrator"."""

from bounds.errors import unknown_name
from simulate.integrators.base import Integrator, Step
from simulate.integrators.choice import AUTO
from simulate.integrators.exponential import Exponential
from simulate.integrators.piecewise_linear import PiecewiseLinear
from simulate.integrators.runge_kutta import RungeKutta
from simulate.integrators.state import State

INTEGRATORS: dict[str, Integrator] = {
    integrator.name: integrator for integrator in (Exponential(), RungeKutta(), PiecewiseLinear())
}


def get_integrator(name: str) -> Integrator:
    """The integrator of that name. Raises ArgumentError naming the nearest one."""
    if not isinstance(name, str) or name not in INTEGRATORS:
        raise unknown_name("integrator", name, [AUTO, *INTEGRATORS])
    return INTEGRATORS[name]


__all__ = ["INTEGRATORS", "Integrator", "State", "Step", "get_integrator"]
