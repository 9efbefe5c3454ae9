"""Flows with piecewise linear activations in closed form: one data point, orthogonal data, one sliding neuron."""

from __future__ import annotations

import math

import numpy as np

from tests.simulate.filippov import PIECES


def one_point(
    h: np.ndarray, signs: np.ndarray, gram: float, y: float, activation: str, times: np.ndarray
) -> np.ndarray:
    """r at the times, for n = 1 and pre-activations h (m,) off the kinks.

    r keeps its sign, so every neuron moves one way, and as a function of U, the integral of |r|, it moves at constant
    speed in each piece of sigma; where the slope is 0 it stays. So |r| is piecewise linear in U, falling at a rate K =
    mean_i c_i^2 G sigma'(h_i)^2, and |r| = |r_k| exp(-K (t - t_k)) between the values of U at which a neuron changes
    its piece.
    """
    pieces = PIECES[activation]
    r = float(signs @ pieces.value(h)) / len(h) - y
    changes = [(0.0, 0.0)]  # (U, change of K)
    for start, c in zip(h, signs, strict=True):
        direction = -1 if c * r > 0 else 1
        place, at, U = int(pieces.place(np.array(start))) // 2, float(start), 0.0
        changes.append((0.0, c * c * gram * pieces.slopes[place] ** 2 / len(h)))
        while pieces.slopes[place] and 0 <= place + direction < len(pieces.slopes):
            kink = pieces.kinks[place - (direction < 0)]
            U += abs(kink - at) / (abs(c) * gram * pieces.slopes[place])
            jump = pieces.slopes[place + direction] ** 2 - pieces.slopes[place] ** 2
            changes.append((U, c * c * gram * jump / len(h)))
            at, place = kink, place + direction
    changes.sort()
    found, t, size, rate = np.empty(len(times)), 0.0, abs(r), 0.0
    ends = [U for U, _ in changes[1:]] + [math.inf]
    for (U, change), end in zip(changes, ends, strict=True):
        rate = max(rate + change, 0.0)
        later = times >= t
        found[later] = size * np.exp(-rate * (times[later] - t))
        if math.isinf(end) or rate * (end - U) >= size:
            break  # no other change is reached
        if rate > 0:
            t += -math.log1p(-rate * (end - U) / size) / rate
            size -= rate * (end - U)
        else:
            t += (end - U) / size
    return math.copysign(1.0, r) * found


def orthogonal(
    H: np.ndarray, signs: np.ndarray, diagonal: np.ndarray, y: np.ndarray, activation: str, times
) -> np.ndarray:
    """r (T, n) for G = diag(diagonal): every data point is a flow of its own."""
    columns = [one_point(H[:, a], signs, diagonal[a], y[a], activation, times) for a in range(len(y))]
    return np.stack(columns, axis=1)


def sliding_pair(h: tuple[float, float], leak: float, times: np.ndarray) -> np.ndarray:
    """The loss at the times, for m = 1, c = 1, n = 2, G_12 = -1/2, y = (-1, 0), slope `leak` below 0, h_1 small.

    (1) Both above 0: r_1 + r_2 falls as q = exp(-t/2) and r_1 - r_2 as q^3, until r_1 = 1, which is a cubic in q.
    (2) h_1 slides: from theta - h_2/2 = 0 follows h_2' = -(3/4) h_2, while leak <= theta = h_2/2 <= 1.
    (3) h_1 < 0: r' = -H r with H = [[leak^2, -leak/2], [-leak/2, 1]].
    """
    total, difference = h[0] + 1 + h[1], h[0] + 1 - h[1]
    roots = np.roots([difference, 0.0, total, -2.0])
    q = max(float(root.real) for root in roots if abs(root.imag) < 1e-12 and 0 < root.real < 1)
    arrives, second = -2 * math.log(q), total * q - 1
    leaves = arrives + math.log(second / (2 * leak)) / 0.75 if leak else math.inf
    rates, V = np.linalg.eigh(np.array([[leak * leak, -leak / 2], [-leak / 2, 1.0]]))
    found = []
    for t in times:
        if t < arrives:
            p = math.exp(-t / 2)
            found.append((total**2 * p**2 + difference**2 * p**6) / 4)
        elif t < leaves:
            found.append((1 + (second * math.exp(-0.75 * (t - arrives))) ** 2) / 2)
        else:
            r = V @ (np.exp(-rates * (t - leaves)) * (V.T @ np.array([1.0, 2 * leak])))
            found.append(float(r @ r) / 2)
    return np.array(found)
