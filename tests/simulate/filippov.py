"""The flow of a network with a piecewise linear activation, event by event, exact up to rounding.

Between events every pre-activation lies inside one linear piece of sigma or slides along one kink. Then r' = -H r with
a constant matrix H, so that r(t) and its integral R(t) are sums of exponentials, and h_i(t) = h_i - c_i G W_i R(t),
where W_i r = theta_i r. An event is the first time at which an entry reaches the end of its piece, or at which theta
of a sliding entry leaves the interval between the slopes on either side (Filippov's solution). It is found by a search
that passes over no root. What comes next is found by trying every assignment of the entries at a kink.

None of this is code of `simulate`: it is what that code is compared with. G must be positive definite.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import numpy as np
from numba import njit

NUDGE = 1e-8  # what happens just after an event is judged this much later, in units of 1/(a bound of the rates)
BATCH = 32  # entries whose next events are sought together
ALL_TRIED = 6  # entries at a kink in one neuron up to which every assignment is tried, whether or not one is found


@dataclass(frozen=True)
class Pieces:
    """sigma is continuous, sigma(0) = 0, with slopes[k] between kinks[k-1] and kinks[k]; no kink is negative.

    The place of a pre-activation is 2k in the piece k, and 2k + 1 on the kink k.
    """

    kinks: tuple[float, ...]
    slopes: tuple[float, ...]

    def value(self, h: np.ndarray) -> np.ndarray:
        """sigma(h)."""
        found = self.slopes[0] * h
        for kink, below, above in zip(self.kinks, self.slopes, self.slopes[1:], strict=False):
            found = found + (above - below) * np.maximum(h - kink, 0)
        return found

    def place(self, h: np.ndarray) -> np.ndarray:
        """Where h is, an integer array of its shape."""
        return sum((h >= kink).astype(int) + (h > kink) for kink in self.kinks)

    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of each place, (2 K + 1,); infinite on a kink, where theta says when it is left."""
        edges = [-math.inf, *self.kinks, math.inf]
        low, high = np.full(2 * len(self.kinks) + 1, -math.inf), np.full(2 * len(self.kinks) + 1, math.inf)
        low[::2], high[::2] = edges[:-1], edges[1:]
        return low, high


PIECES = {
    "relu": Pieces((0.0,), (0.0, 1.0)),
    "leaky_relu": Pieces((0.0,), (0.01, 1.0)),
    "clip": Pieces((0.0, 1.0), (0.0, 1.0, 0.0)),
}


@dataclass
class Solution:
    """The flow at its save points: loss (T,), states (T, m, n), neurons that slide (T,); and the number of events.

    doubtful: times at which several continuations were found, or where it is not known that there is only one.
    """

    loss: np.ndarray
    states: np.ndarray
    sliding: np.ndarray
    events: int = 0
    doubtful: list[float] = field(default_factory=list)

    @property
    def unique_until(self) -> float:
        """The time up to which the solution is known to be the only one."""
        return min(self.doubtful, default=math.inf)


@njit(cache=True)
def value_at(t: float, gap: float, weights: np.ndarray, rates: np.ndarray) -> float:
    """g(t) = gap + sum_k weights_k (1 - exp(-rates_k t))/rates_k."""
    total = gap
    for k in range(len(rates)):
        z = rates[k] * t
        total += weights[k] * (t if z < 1e-12 else -math.expm1(-z) / rates[k])
    return total


@njit(cache=True)
def first_exit(gap: float, weights: np.ndarray, rates: np.ndarray, start: float, end: float) -> float:
    """The first t in [start, end] from which on g(t) is negative, infinity if there is none.

    An interval is dropped only if its total variation is too small for a root; else it is bisected until g is monotone
    there, so that no root is passed over.
    """
    n = len(rates)
    lefts, rights, count = np.empty(64), np.empty(64), 1
    lefts[0], rights[0] = start, end
    while count:
        count -= 1
        a, b = lefts[count], rights[count]
        at_a = value_at(a, gap, weights, rates)
        variation, slope, bend = 0.0, 0.0, 0.0
        for k in range(n):
            fall_a, fall_b = math.exp(-rates[k] * a), math.exp(-rates[k] * b)
            z = rates[k] * (b - a)
            variation += abs(weights[k]) * (b - a if z < 1e-12 else -math.expm1(-z) / rates[k]) * fall_a
            slope += weights[k] * fall_a
            bend += abs(weights[k]) * (fall_a - fall_b)
        if variation < 1e-300 or at_a > variation:
            continue
        middle = (a + b) / 2
        if abs(slope) <= bend and b - a > 1e-13 * end and count < 62:
            lefts[count], rights[count] = middle, b
            lefts[count + 1], rights[count + 1] = a, middle
            count += 2
            continue
        if value_at(b, gap, weights, rates) >= 0:  # g is monotone here
            continue
        if at_a <= 0:
            return a
        while a < middle < b:  # down to neighbouring floats
            if value_at(middle, gap, weights, rates) < 0:
                b = middle
            else:
                a = middle
            middle = (a + b) / 2
        return b
    return math.inf


@njit(cache=True)
def earliest_exit(
    gaps: np.ndarray, weights: np.ndarray, rates: np.ndarray, starts: np.ndarray, end: float
) -> tuple[float, int]:
    """The least first_exit of k functions, if it is before `end`, and which it is; else `end` and -1."""
    which = -1
    for k in range(len(gaps)):
        if starts[k] < end and gaps[k] < math.inf:
            leaves = first_exit(gaps[k], weights[k], rates, starts[k], end)
            if leaves < end:
                end, which = leaves, k
    return end, which


def integral(rates: np.ndarray, t: float) -> np.ndarray:
    """The integral of exp(-rates u) over u in [0, t]."""
    small = rates * t < 1e-12
    return np.where(small, t, -np.expm1(-rates * t) / np.where(small, 1.0, rates))


class Flow:
    """The state of the flow, and how it goes on."""

    def __init__(self, gram: np.ndarray, y: np.ndarray, H: np.ndarray, signs: np.ndarray, pieces: Pieces) -> None:
        self.G, self.y, self.c, self.pieces = gram, y, signs, pieces
        self.h = np.array(H, dtype=np.float64)
        self.m, self.n = self.h.shape
        self.time, self.events = 0.0, 0
        self.doubtful: list[float] = []
        self.low, self.high = pieces.ends()
        # Of each place; a kink has no slope of its own.
        self.slopes = np.array([*itertools.chain(*((s, 0.0) for s in pieces.slopes))][:-1])
        self.place = pieces.place(self.h)
        steepest = max(abs(s) for s in pieces.slopes)
        self.nudge = NUDGE / (float(np.mean(signs**2)) * steepest**2 * float(np.trace(gram)))
        self.settled = np.full(self.m, -math.inf)  # until when a neuron has just come from an event
        # theta_i r = W_i r, h_i' = -drive_i r, H = mean of part_i.
        self.W, self.drive, self.part = (np.zeros((self.m, self.n, self.n)) for _ in range(3))
        for i in range(self.m):
            self.settle(i)
        self.speed = np.linalg.norm(self.drive, axis=2)
        self.kernel = self.part.mean(0)
        self.r = self.residual()
        for i in np.flatnonzero((self.place % 2 == 1).any(1)):
            self.choose(int(i))

    def residual(self) -> np.ndarray:
        """r, (n,)."""
        return self.c @ self.pieces.value(self.h) / self.m - self.y

    def theta(self, place: np.ndarray) -> np.ndarray:
        """W with W r = theta r, (n, n), for a neuron whose entries have these places."""
        W = np.diag(self.slopes[place])
        slides = place % 2 == 1
        if slides.any():  # they do not move: G_AA w_A + G_AB D_B r_B = 0
            W[slides] = -np.linalg.solve(self.G[np.ix_(slides, slides)], self.G[slides] @ W)
        return W

    def settle(self, i: int) -> None:
        """Note how the neuron i moves and what it adds to H, for its present places."""
        place = self.place[i]
        self.W[i] = self.theta(place)
        self.drive[i] = self.c[i] * (self.G @ self.W[i])
        self.drive[i][place % 2 == 1] = 0
        self.part[i] = self.c[i] * self.slopes[place][:, None] * self.drive[i]

    def choose(self, i: int) -> None:
        """Give each entry of the neuron i that is at a kink its place from now on: below, above, or sliding."""
        at_kink = np.flatnonzero(self.place[i] % 2 == 1)
        kinks = self.place[i][at_kink]
        r = self.r - self.nudge * (self.kernel @ self.r)
        rise = (self.slopes[kinks + 1] - self.slopes[kinks - 1]) * self.c[i] * r[at_kink]
        attract = bool((rise > 0).all())  # then theta minimises a strictly convex function over a box: it is unique
        found: list[tuple[float, np.ndarray]] = []
        for moves in assignments(len(at_kink)):
            place = self.place[i].copy()
            place[at_kink] += moves
            u = self.theta(place) @ r
            if self.consistent(place, at_kink, kinks, r, u, -self.c[i] * (self.G @ u)):
                found.append((float(abs(u[at_kink]).sum()), place))
            if found and (attract or len(at_kink) > ALL_TRIED):
                break
        assert found, f"no continuation for the neuron {i} at time {self.time}"
        if not attract and (len(found) > 1 or len(at_kink) > ALL_TRIED):
            self.doubtful.append(self.time)
        self.place[i] = min(found, key=lambda pair: pair[0])[1]  # sigma' = 0 on the kink as far as that is possible
        before = self.part[i].copy()
        self.settle(i)
        self.speed[i] = np.linalg.norm(self.drive[i], axis=1)
        self.kernel = self.part.mean(0) if self.events % 256 == 0 else self.kernel + (self.part[i] - before) / self.m
        self.settled[i] = self.time + self.nudge

    def consistent(self, place, at_kink, kinks, r, u, rate) -> bool:
        """Whether a neuron can go on with these places: who leaves a kink moves away from it, and who slides has its
        theta, which is u/r, between the slopes beside the kink."""
        for a, kink in zip(at_kink, kinks, strict=True):
            if place[a] == kink:
                ends = sorted((self.slopes[kink - 1] * r[a], self.slopes[kink + 1] * r[a]))
                if not ends[0] <= u[a] <= ends[1]:
                    return False
            elif not rate[a] * (place[a] - kink) > 0:
                return False
        return True

    def margins(self, i: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What must stay positive until the next events of the entries (i, a) (k,): g + l . R(t), with g (2, k) for
        their two ways out (below first, where they move) and l (2, k, n)."""
        place, drive = self.place[i, a], self.drive[i, a]
        gaps = np.stack([self.h[i, a] - self.low[place], self.high[place] - self.h[i, a]])
        weights = np.stack([-drive, drive])
        slides = np.flatnonzero(place % 2 == 1)
        if len(slides):
            i, a, place = i[slides], a[slides], place[slides]
            r = self.r - self.nudge * (self.kernel @ self.r)
            sign = np.copysign(1.0, (self.slopes[place + 1] - self.slopes[place - 1]) * r[a])
            for k, (side, slope) in enumerate(((sign, self.slopes[place - 1]), (-sign, self.slopes[place + 1]))):
                rows = self.W[i, a].copy()  # theta r - slope r
                rows[np.arange(len(i)), a] -= slope
                rows *= side[:, None]
                gaps[k, slides], weights[k, slides] = rows @ self.r, -rows @ self.kernel  # since r(t) = r - H R(t)
        return gaps, weights

    def earliest(self) -> np.ndarray:
        """Lower bounds of the times that are left to the events of all entries, (m, n), since |r| never grows."""
        size = np.linalg.norm(self.r)
        with np.errstate(divide="ignore", invalid="ignore"):
            bound = np.minimum(self.h - self.low[self.place], self.high[self.place] - self.h) / (self.speed * size)
            i, a = np.nonzero(self.place % 2)
            gaps, weights = self.margins(i, a)
            bound[i, a] = np.fmin(*(gaps / (np.linalg.norm(weights, axis=2) * size)))
        bound[np.isnan(bound)] = math.inf  # neither a margin nor a speed
        bound[self.settled > self.time] = 0.0
        return bound

    def advance(self, until: float) -> bool:
        """Go on to the next event or to the time `until`, whichever is first; whether it was an event."""
        rates, V = np.linalg.eigh((self.kernel + self.kernel.T) / 2)
        rates, along = np.maximum(rates, 0.0), V.T @ self.r
        step, which = until - self.time, None
        earliest = self.earliest().ravel()
        while True:  # the entries in order of their lower bounds, some at a time
            near = np.argpartition(earliest, BATCH)[:BATCH] if len(earliest) > BATCH else np.arange(len(earliest))
            near = near[earliest[near] < step]
            if not len(near):
                break
            earliest[near] = math.inf
            i, a = np.divmod(near, self.n)
            gaps, weights = self.margins(i, a)
            starts = np.tile(np.maximum(self.settled[i] - self.time, 0.0), 2)
            step, k = earliest_exit(gaps.ravel(), (weights @ V * along).reshape(-1, self.n), rates, starts, step)
            if k >= 0:
                upwards, k = divmod(k, len(near))
                which = int(i[k]), int(a[k]), bool(upwards)
        self.h -= self.drive @ (V @ (integral(rates, step) * along))
        self.time = until if which is None else self.time + step
        if which is not None:
            i, a, upwards = which
            place = self.place[i, a]
            if place % 2 == 0:  # it arrives at the kink below or above
                self.place[i, a] += 1 if upwards else -1
                self.h[i, a] = self.high[place] if upwards else self.low[place]
            self.events += 1
        self.r = self.residual()
        if which is not None:
            self.choose(which[0])
        return which is not None

    def sliding(self) -> int:
        """How many neurons slide: at a kink, with theta strictly between the slopes beside it."""
        found = set()
        for i, a in np.argwhere(self.place % 2 == 1):
            place, u = self.place[i, a], self.W[i, a] @ self.r
            ends = sorted(self.slopes[side] * self.r[a] for side in (place - 1, place + 1))
            if ends[0] < u < ends[1]:
                found.add(int(i))
        return len(found)


def follow(
    gram: np.ndarray, y: np.ndarray, H: np.ndarray, signs: np.ndarray, activation: str, times: np.ndarray
) -> Solution:
    """The flow from the pre-activations H (m, n) and signs (m,), at the increasing `times` (T,)."""
    flow = Flow(np.asarray(gram), np.asarray(y, float), H, np.asarray(signs, float), PIECES[activation])
    losses, states, sliding = [], [], []
    for time in times:
        while flow.time < time and flow.advance(float(time)):
            assert flow.events < 1000 * flow.m * flow.n, f"event after event at time {flow.time}"
        losses.append(float(flow.r @ flow.r) / 2)
        states.append(flow.h.copy())
        sliding.append(flow.sliding())
    return Solution(np.array(losses), np.array(states), np.array(sliding), flow.events, flow.doubtful)


def assignments(count: int):
    """All ways in which `count` entries leave their kink or stay: vectors of -1, 0, 1, those with most zeros first."""
    for leaving in range(count + 1):
        for who in itertools.combinations(range(count), leaving):
            for sides in itertools.product((-1, 1), repeat=leaving):
                moves = np.zeros(count, dtype=int)
                moves[list(who)] = sides
                yield moves
