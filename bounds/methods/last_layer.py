"""What a trained last layer takes from a profile: c rho(s) becomes [c rho(s) - drift s]_+.

The profile of a method is about the slopes, whose movement does not ask whether the c_i move. With dc_i/dt = -kap sum_a
r_a sigma(h_ia) the root mean square of c_i - c_i^0 is at most sqrt(kap) s, so that of c_i sigma'(h_ia) falls by at most
Ls sqrt(kap) s below c times that of sigma'(h_ia): drift = sqrt(lambda_min) Ls sqrt(kap), or what a method says instead.
The profile now depends on the scale c, and its critical scale is the solution of an equation.
"""

from __future__ import annotations

import numpy as np
from flint import arb

from bounds import constants
from bounds.methods.base import CONSTANT, PARABOLA, ROOT, Profile
from bounds.methods.step_profile import SLACK, STEPS, StepProfile
from bounds.numerics.arithmetic import float_down, float_up

OUTWARDS = 1 + 1e-12  # of a place along the path: more than the rounding of 1 - x


def at_scale(profile: Profile | StepProfile, drift: arb, c: arb) -> Profile | StepProfile:
    """The profile [rho(s) - (drift/c) s]_+ of a network of scale c, or a lower bound of it; drift = 0: rho itself."""
    if profile.empty or not drift > 0:
        return profile
    fall = drift / c
    if isinstance(profile, StepProfile):
        return _fallen(profile.levels, profile.width, fall)
    profile = _lowest(profile)
    root = profile.A.sqrt()
    if profile.shape is ROOT:
        return Profile(profile.A, root / (root / profile.extent + fall), ROOT)
    if profile.shape is CONSTANT:
        return Profile(profile.A, root / fall, ROOT)
    # A step function until the two meet, by its values at the right ends of the steps.
    end, steep = float_down(profile.extent), float_up(fall)
    meet = _meeting(profile, steep, end)
    width = meet / STEPS
    levels = _value(profile, width * np.arange(1, STEPS + 1), end)
    return _fallen(levels, width, fall)


def _lowest(profile: Profile) -> Profile:
    """The profile with the lower ends of its balls, so that what is computed from them is not blown up."""
    return Profile(arb(profile.A.lower()), arb(profile.extent.lower()), profile.shape)


def _value(profile: Profile, s: np.ndarray, end: float) -> np.ndarray:
    """A lower bound of rho at s, which falls to 0 at `end`, a lower bound of the extent."""
    x = np.minimum(s / end * OUTWARDS, 1.0)
    left = 1 - x * x if profile.shape is PARABOLA else 1 - x
    found: np.ndarray = float_down(profile.A.sqrt()) * np.sqrt(np.maximum(left - 1e-15, 0.0)) * SLACK
    return found


def _meeting(profile: Profile, steep: float, end: float) -> float:
    """About the s at which rho(s) = steep s; any positive number would be valid."""
    low, high = 0.0, end
    for _ in range(60):
        middle = (low + high) / 2
        ahead = float(_value(profile, np.array([middle]), end)[0]) > steep * middle
        low, high = (middle, high) if ahead else (low, middle)
    return high


def _fallen(levels: np.ndarray, width: float, fall: arb) -> StepProfile:
    """The step function less `fall` times the path length at the end of each step, where that is positive."""
    ends = width * np.arange(1, len(levels) + 1) * OUTWARDS
    less = np.maximum(levels * SLACK - float_up(fall) * ends * OUTWARDS, 0.0)
    return StepProfile(np.minimum.accumulate(less), width)


def least_scale(profile: Profile | StepProfile, drift: arb, residual: arb) -> arb:
    """An upper bound of the scale above which a residual of that norm converges: of the root of c = a_c ||r||."""
    fixed = profile.critical * residual
    if profile.empty or not drift > 0 or not residual > 0:
        return fixed
    if isinstance(profile, Profile):
        profile = _lowest(profile)
        fixed = profile.critical * residual
    # If rho is a straight line, a_c = a + 2 drift/(c A); elsewhere this is where the search begins.
    straight = constants.scale_last_layer(profile.critical, drift, profile.A, residual)
    if isinstance(profile, Profile) and profile.shape in (ROOT, CONSTANT):
        return straight

    def enough(c: float) -> bool:
        return bool(at_scale(profile, drift, arb(c)).critical * residual <= c)

    low, high = float_down(fixed), float_up(straight)
    while not enough(high):
        low, high = high, 2 * high
    while high > low * (1 + 1e-6):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return arb(high)
