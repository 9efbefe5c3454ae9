"""Which integrator a run takes if none is asked for, and to which tolerance."""

from __future__ import annotations

import warnings

from bounds.activation.base import Activation
from bounds.errors import ArgumentError
from simulate.integrators.piecewise_linear import pieces_of

AUTO = "auto"
SMOOTH_RTOL, EVENTS_RTOL, KINKS_RTOL = 1e-6, 1e-3, 0.1
# CPU seconds of a run by the number of its events: a constant and the part that grows with n^2. Measured on a busy
# machine: 2.5 s at n = 40, m = 4096 (Gaussian data), 7 s at n = 100, m = 1024 and 20 minutes at n = 600, m = 8192.
EVENT, EVENT_N2 = 1e-5, 1e-10
EVENTS = 1.0  # of each entry until the loss is a millionth: 0.24 for Gaussian data, 1 for random features
PASSES = 5  # over the whole of the time: two of the run with whole steps, two with halved ones, and save points
LONG, TOO_LONG = (
    180.0,
    1800.0,
)  # seconds of CPU time from which a run is called long, and from which events are too dear


def event_seconds(n: int, m: int) -> float:
    """CPU seconds that the events of a run with n data points and m neurons are expected to take, as measured on
    typical runs."""
    return PASSES * EVENTS * n * m * (EVENT + EVENT_N2 * n * n)


def choose_integrator(activation: Activation, *, n: int, m: int, device: str, last_layer: float = 0.0) -> str:
    """The name of the default integrator: "piecewise-linear" for an activation with finitely many slopes, on the CPU,
    as long as its events are not too dear (event_seconds up to TOO_LONG) and the last layer is fixed (last_layer, its
    mobility, is 0); else "exponential".

    Warns of a run that will take more than minutes.
    """
    if pieces_of(activation) is None or str(device).startswith("cuda") or last_layer > 0:
        return "exponential"
    seconds = event_seconds(n, m)
    if seconds > TOO_LONG:
        warnings.warn(
            f"at n = {n}, m = {m} the events of the piecewise linear method would take about {seconds / 60:.0f} CPU"
            " minutes, so that integrator='exponential' is used; its error at kinks is told, and large. A smaller"
            " width, or integrator='piecewise-linear' and patience, gives an accurate flow.",
            stacklevel=4,
        )
        return "exponential"
    if seconds > LONG:
        warnings.warn(
            f"at n = {n}, m = {m} about {PASSES * EVENTS * n * m:.2g} events are expected, which take some"
            f" {seconds / 60:.0f} CPU minutes. A smaller width takes less, and so does a larger rtol.",
            stacklevel=4,
        )
    return "piecewise-linear"


def default_rtol(integrator: str, activation: Activation) -> float:
    """The tolerance of a run that asks for none: one that the integrator can reach."""
    if integrator == "piecewise-linear":
        return EVENTS_RTOL
    return SMOOTH_RTOL if activation.smooth else KINKS_RTOL


def require_pieces(integrator: str, activation: Activation, device: str, last_layer: float = 0.0) -> None:
    """ArgumentError if that integrator cannot follow this activation, or not on this device, or not with a trained last
    layer (last_layer: its mobility)."""
    if integrator != "piecewise-linear":
        return
    if last_layer > 0:
        raise ArgumentError(
            "integrator 'piecewise-linear' follows h where its slopes are constant, which they are not with a trained"
            " last layer. Use integrator='exponential' or 'runge-kutta', whose errors at kinks are told."
        )
    if pieces_of(activation) is None:
        raise ArgumentError(
            f"integrator 'piecewise-linear' needs an activation with finitely many slopes. Found {activation.name!r}."
            " Use integrator='exponential'."
        )
    if str(device).startswith("cuda"):
        raise ArgumentError(
            "integrator 'piecewise-linear' runs on the CPU only, for its events come one after the other. Use"
            " device='cpu', or integrator='exponential'."
        )
