"""residual.py and path_length.py once more, by torch operators on whole arrays: for many data points on a GPU.

The mathematics, the nodes and the constants are those of the compiled loops, and the results agree to rounding
(tests/simulate/test_on_tensors.py). What differs is what costs: not an operation, but a call, some microseconds each,
and a look at a number from the CPU, which waits for all calls before it. So all times of a step go through each call
together, sums over nodes are products with constant matrices, the fixed point takes all of its ROUNDS (the compiled
loops stop where nothing moves any more), and no number is looked at: a special case is made harmless, not asked for.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import torch

from simulate.field.arrays import Array, Arrays
from simulate.integrators.exponential.forcing import OF_VALUES, T_NODES, Q
from simulate.integrators.exponential.path_length import MOMENTS
from simulate.integrators.exponential.phi import DEGREE, FACTORIALS
from simulate.integrators.exponential.quadrature import NODES, T_WEIGHTS, TO_NODES, T, X, integrals
from simulate.integrators.exponential.residual import ROUNDS, TO_T_NODES

# In units of the step: the nodes of g, of which the last is 1, and those of the quadrature.
TIMES = np.concatenate([T_NODES, T])
END = Q - 1  # the place of 1 in TIMES
# A place in the path that does not count is put there: polynomials through it are those without it, to rounding.
FAR = 1e150
NEAR = 1e-150  # the least path, so that nothing is divided by 0


class Along(NamedTuple):
    """What the compiled along_path finds, too: moments (S, MOMENTS, n), weights (3, S, n), end (S, n), and length,
    length_at_node, dissipated (S,)."""

    moments: Array
    weights: Array
    end: Array
    length: Array
    length_at_node: Array
    dissipated: Array


class Constants(NamedTuple):
    """powers (Q, T): p! t^(p+1) at TIMES; series (D, Q + 1): Taylor coefficients of phi_1, phi_2, ...; degrees (D,);
    minus_vander (Q, NODES): -t^p at the nodes of the quadrature; reach (NODES, Q + NODES + 1): from ds/dx there to the
    path until T_NODES, until those nodes and until the end; weights (NODES,): T_WEIGHTS; to_g (Q, Q): from values of -g
    at T_NODES to the coefficients of g; factorials (Q,)."""

    powers: Array
    series: Array
    degrees: Array
    minus_vander: Array
    reach: Array
    weights: Array
    to_g: Array
    factorials: Array


@cache
def constants(device: str) -> Constants:
    """The constants, on a device."""
    degree, order = np.arange(DEGREE + Q + 1), np.arange(Q)
    taylor = 1 / FACTORIALS[degree[:, None] + np.arange(1, Q + 2)]
    found = (
        FACTORIALS[:Q, None] * TIMES ** (order[:, None] + 1),
        taylor,
        degree,
        -(T ** order[:, None]),
        np.concatenate([TO_T_NODES, TO_NODES, integrals(np.ones(1))]).T,
        T_WEIGHTS,
        -OF_VALUES,
        FACTORIALS[:Q],
    )
    return Constants(*(torch.as_tensor(np.ascontiguousarray(c), dtype=torch.float64, device=device) for c in found))


def phis(z: Array, known: Constants) -> tuple[Array, Array]:
    """exp(z), and phi_1, ..., phi_{Q+1} along a last axis, for z <= 0; see phi.py."""
    exponential = torch.exp(z.clamp(min=-700.0))
    inverse, rows = 1 / z.clamp(max=-1.0), [exponential]
    for k in range(Q + 1):
        rows.append((rows[-1] - 1 / FACTORIALS[k]) * inverse)
    near = z.clamp(min=-1.0)[..., None] ** known.degrees @ known.series  # the recurrence cancels there
    return exponential, torch.where(z[..., None] < -1, torch.stack(rows[1:], -1), near)


def along_path(
    small: Arrays,
    *,
    rates: Array,
    basis: Array,
    modes: Array,
    tau: np.ndarray,
    previous_change: Array | None,
    previous_length: np.ndarray,
    change: Array | None,
    node: np.ndarray | None,
    length_at_node: Array | None,
) -> Along:
    """The residual over [0, tau], as by the compiled along_path.

    small: where the tensors are; previous_change: None if there is no step before; change, node: None if there is no
    node; length_at_node: None if it is not known.
    """
    known, count = constants(small.device), len(TIMES)
    # What depends on tau (S,) alone is computed on the CPU and sent at once.
    shares = np.zeros((len(tau), NODES))
    if node is not None and length_at_node is None:
        shares = integrals((node / tau) ** 0.25)
    before = np.where(previous_length > 0, previous_length, FAR)
    sent = [tau[:, None], before[:, None], tau[:, None] * TIMES, tau[:, None] * (4 * X**3), shares]
    tau_, before_, times, to_speed, to_place = small.put(np.concatenate(sent, 1)).split([1, 1, count, NODES, NODES], 1)
    # r at all times for a constant kernel, and what a forcing (t/tau)^p adds to it.
    decay, phi = phis(-rates[:, :, None] * times[:, None], known)
    free = decay * modes[:, :, None]
    forced = phi[..., :Q].mT * known.powers * tau_[:, :, None, None]  # (S, n, Q, T)
    # In the rounds one product gives r at T_NODES and at the nodes of the quadrature, and -g at the latter.
    table = torch.cat([forced, known.minus_vander.expand(*forced.shape[:2], -1, -1)], -1)
    start = torch.cat([free, torch.zeros_like(free[..., Q:])], -1)
    g: Array | None = None  # coefficients (S, n, Q) of (t/tau)^p
    place = torch.full_like(tau_, FAR)
    constant = previous_change is None and change is None
    for _ in range(1 if constant else ROUNDS):
        # The path, by the present g.
        found = start if g is None else start + (g[:, :, None] @ table)[:, :, 0]
        r_q, r_t, minus_g = found.split([Q, NODES, NODES], -1)
        power = (r_t * torch.addcmul(minus_g, rates[:, :, None], r_t)).sum(1).clamp(min=0)
        speeds = to_speed * power.sqrt()
        reached_q, reached, length = (speeds @ known.reach).split([Q, NODES, 1], 1)
        if node is not None:
            place = (speeds * to_place).sum(1, keepdim=True) if length_at_node is None else length_at_node[:, None]
            place = place.clamp(min=NEAR)
        if constant:
            break
        # A new g, by the kernel along this path: both changes of the kernel with their Lagrange polynomials.
        r_q, between, minus_force = basis @ r_q, place + before_, 0
        if previous_change is not None:
            share = reached_q * (place - reached_q) / (before_ * between)
            if change is None:
                share = reached_q / before_
            minus_force = previous_change @ (r_q * -share[:, None])
        if change is not None:
            share = reached_q * (reached_q + before_) / (place * between)
            minus_force = minus_force + change @ (r_q * share[:, None])
        g = basis.mT @ minus_force @ known.to_g
    # From modes back to data points: r at tau and its integral in closed form, the other moments by quadrature.
    path = (reached / length.clamp(min=2 * NEAR))[..., None] ** known.degrees[1:MOMENTS]
    higher = r_t @ ((tau_ * known.weights)[..., None] * path)
    end, whole = free[..., END], tau_ * phi[..., END, 0] * modes
    if g is not None:
        end = end + (g * forced[..., END]).sum(-1)
        whole = whole + (tau_[..., None] ** 2 * known.factorials * phi[..., END, 1:] * g).sum(-1)
    back = basis @ torch.cat([whole[..., None], higher, end[..., None]], -1)
    moments = back[..., :MOMENTS].mT
    weights = path_weights(moments, length[:, 0], -before_[:, 0], place[:, 0])
    dissipated = tau_[:, 0] * (power @ known.weights)
    return Along(moments, weights, back[..., MOMENTS], length[:, 0], place[:, 0], dissipated)


def path_weights(moments: Array, length: Array, second: Array, third: Array) -> Array:
    """(3, S, n): the integrals of r against the Lagrange polynomials of three places in the path, 0 and two (S,) that
    differ from it and from each other; see the compiled one. length: (S,)."""
    x = torch.stack([torch.zeros_like(third), second, third], 1) / length[:, None].clamp(min=2 * NEAR)
    # Each polynomial is a product of two factors a + b path, by the two other places.
    (a, b), (c, d) = ((-other / (x - other), 1 / (x - other)) for other in (x.roll(1, 1), x.roll(2, 1)))
    coefficients = torch.stack([a * c, a * d + b * c, b * d], -1)
    return (coefficients @ moments[:, :3]).transpose(0, 1)
