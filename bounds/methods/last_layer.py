"""What a trained last layer takes from a profile: c rho(s) becomes [c rho(s) - drift s]_+.

The profile of a method is about the slopes, whose movement does not ask whether the c_i move. With dc_i/dt = -kap sum_a
r_a sigma(h_ia) the root mean square of c_i - c_i^0 is at most sqrt(kap) s, so that of c_i sigma'(h_ia) falls by at most
Ls sqrt(kap) s below c times that of sigma'(h_ia): drift = sqrt(lambda_min) Ls sqrt(kap), or what a method says instead.
The profile now depends on the scale c, and its critical scale is the solution of an equation.
"""

from __future__ import annotations

import math

import numpy as np
from flint import arb

from bounds import constants
from bounds.methods.base import CONSTANT, PARABOLA, ROOT, Profile, Shape
from bounds.methods.step_profile import SLACK, STEPS, StepProfile
from bounds.numerics.arithmetic import float_down, float_up

NOTHING = Profile(arb(0), arb(0), ROOT)  # the profile that claims nothing
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
    if not _ordinary(profile):
        return NOTHING
    # A step function until the two meet, by its values at the right ends of the steps.
    end = float_down(profile.extent)
    width = end * _meeting(profile.shape, _steepness(profile, float_up(fall))) / STEPS
    levels = _value(profile, width * np.arange(1, STEPS + 1), end)
    return _fallen(levels, width, fall)


def _ordinary(profile: Profile | StepProfile) -> bool:
    """Whether the profile, which is not empty, can be computed with in floating point."""
    return all(1e-250 < float(size) < 1e250 for size in (profile.A, profile.extent))


def _lowest(profile: Profile) -> Profile:
    """The profile with the lower ends of its balls, so that what is computed from them is not blown up."""
    return Profile(arb(profile.A.lower()), arb(profile.extent.lower()), profile.shape)


def _value(profile: Profile, s: np.ndarray, end: float) -> np.ndarray:
    """A lower bound of rho at s, which falls to 0 at `end`, a lower bound of the extent."""
    x = np.minimum(s / end * OUTWARDS, 1.0)
    left = 1 - x * x if profile.shape is PARABOLA else 1 - x
    found: np.ndarray = float_down(profile.A.sqrt()) * np.sqrt(np.maximum(left - 1e-15, 0.0)) * SLACK
    return found


def _steepness(profile: Profile, fall: float) -> float:
    """k for which [rho(s) - fall s]_+ = sqrt(A) [g(x) - k x]_+, x = s/s*; approximate, as all that is found from it."""
    return fall * float(profile.extent) / math.sqrt(float(profile.A))


def _meeting(shape: Shape, k: float) -> float:
    """The x at which g(x) = k x."""
    if shape is PARABOLA:
        return 1 / math.hypot(1.0, k)
    return 2 / (1 + math.hypot(1.0, 2 * k))  # of sqrt(1 - x)


def _area(profile: Profile | StepProfile, fall: float) -> float:
    """The integral of [rho(s) - fall s]_+, approximately."""
    if isinstance(profile, StepProfile):
        ends = profile.width * np.arange(1, len(profile.levels) + 1)
        return float(np.sum(np.maximum(profile.levels - fall * ends, 0.0))) * profile.width
    k = _steepness(profile, fall)
    x = _meeting(profile.shape, k)
    parabola = profile.shape is PARABOLA
    area = math.asin(x) / 2 if parabola else 2 / 3 * (1 - max(1 - x, 0.0) ** 1.5) - k * x * x / 2
    return math.sqrt(float(profile.A)) * float(profile.extent) * area


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

    if not _ordinary(profile):
        return arb("inf")
    # The root of c times the integral = ||r|| approximately, then the first scale above that is certified.
    lost, norm = float(drift), float(residual)
    low, high = float_down(fixed), float_up(straight)
    while high * _area(profile, lost / high) < norm:
        low, high = high, 2 * high
    while high > low * (1 + 1e-9):
        middle = (low + high) / 2
        low, high = (low, middle) if middle * _area(profile, lost / middle) >= norm else (middle, high)
    while high < 1e300 and not at_scale(profile, drift, arb(high)).critical * residual <= high:
        high *= 1 + 1e-4
    return arb(high) if high < 1e300 else arb("inf")
