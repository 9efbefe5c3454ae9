"""Every inequality behind shadowing (docs/certificates.md), tried at random and where it is sharp; planted errors."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

import bounds
from bounds.certificates import handover, shadowing
from bounds.certificates.collocation import DEGREE, evaluate, grid, reference_step
from bounds.certificates.shadowing import LEBESGUE, follow, shadow
from bounds.certificates.sizes import Constants
from bounds.methods import kernel, slopes
from simulate import sample_network
from tests.networks import networks


def true_residual(problem, H, signs):
    return signs @ problem.activation.value(H) / len(H) - problem.y


def flow(problem, H, signs, U):
    """(F(U), r) at U (m, n)."""
    h = H - signs[:, None] * (U @ problem.gram)
    r = true_residual(problem, h, signs)
    return problem.activation.slope(h) * r, r


def norm(problem, Z):
    return math.sqrt(max(float(np.mean(np.einsum("ia,ab,ib->i", Z, problem.gram, Z))), 0.0))


# The theorem on distances


@given(networks(), st.integers(0, 10**6), st.sampled_from([1e-6, 1e-2, 1.0, 10.0]))
def test_distances_grow_by_the_residual_alone(network, seed, size):
    """<Z, F(U) - F(U~)> <= c L2 nu z^2, (D1) and (D2), at random pairs of any distance."""
    problem, H, signs = network
    rng = np.random.default_rng(seed)
    base, Z = rng.standard_normal(H.shape), size * rng.standard_normal(H.shape)
    k = Constants(problem, abs(signs[0]))
    there, r = flow(problem, H, signs, base)
    here, moved = flow(problem, H, signs, base + Z)
    z = norm(problem, Z)
    inner = float(np.mean(np.einsum("ia,ab,ib->i", Z, problem.gram, here - there)))
    rounding = 1e-9 * (1 + size) ** 2
    assert inner <= k.growth(np.abs(r), z) * z**2 + rounding
    assert np.linalg.norm(moved - r) <= k.residual_distance(z) + rounding
    shift = k.c * (Z @ problem.gram)
    assert np.all(np.sqrt(np.mean(np.square(shift), axis=0)) <= k.c * k.roots * z + rounding)


def test_the_growth_is_attained_so_that_a_smaller_constant_is_caught():
    """n = m = 1, a small scale: r sigma'' is all there is, and at the steepest point of sigma' it is L2."""
    problem = bounds.Problem.from_gram([[1.0]], [-1.0])
    h = math.atanh(math.sqrt(1 / 3))  # sup |sigma''| is there
    H, signs, Z = np.array([[h]]), np.array([1e-4]), np.array([[1e-2]])
    there, r = flow(problem, H, signs, 0 * Z)
    here, _ = flow(problem, H, signs, Z)
    ratio = float(Z[0, 0] * (here - there)[0, 0]) / (Constants(problem, 1e-4).growth(np.abs(r), 1e-2) * 1e-4)
    assert 0.99 < ratio <= 1


def test_a_gram_matrix_known_within_a_radius_widens_the_constants():
    problem = bounds.Problem.from_gram(np.diag([1.0, 2.0]), [0.1, 0.2])
    exact, blurred = Constants(problem, 1.0), Constants(problem.within(1e-3), 1.0)
    assert np.all(blurred.products >= exact.products + 1e-3)
    assert blurred.root_lmax >= math.sqrt(2 + 1e-3)
    r = np.array([0.5, 0.1])
    assert blurred.growth(r, 0.0) >= exact.growth(r, 0.0) + 0.5e-3 * 0.7


# The defect of a step


def interior(problem, H, signs, ref, points=101):
    """(largest |P - F(U~)|, largest |r~_a| (n,), largest |P|) at equidistant times inside the step, in float64."""
    coefficients = np.tensordot(grid().coefficients, ref.derivative, 1)
    worst, speed, residual = 0.0, 0.0, np.zeros(problem.n)
    for x in np.linspace(0, 1, points):
        u = 2 * x - 1
        T = np.cos(np.arange(DEGREE + 2) * math.acos(min(max(u, -1.0), 1.0)))
        integrals = np.array(
            [
                (u + 1)
                if k == 0
                else (u * u - 1) / 2
                if k == 1
                else ((T[k + 1] if k < DEGREE + 1 else 0) / (k + 1) - T[k - 1] / (k - 1)) / 2
                - (-1.0) ** (k + 1) * (1 / (k + 1) - 1 / (k - 1)) / 2
                for k in range(DEGREE + 1)
            ]
        )
        P = np.tensordot(T[: DEGREE + 1], coefficients, 1)
        U = ref.duration / 2 * np.tensordot(integrals, coefficients, 1)
        F, r = flow(problem, H, signs, U)
        worst, speed = max(worst, norm(problem, P - F)), max(speed, norm(problem, P))
        residual = np.maximum(residual, np.abs(r))
    return worst, residual, speed


@settings(max_examples=25)
@given(networks(), st.sampled_from([0.05, 0.3, 1.0, 3.0]), st.sampled_from([0.0, 1e-8, 1e-2]), st.integers(0, 99))
def test_the_defect_bounds_every_path(network, length, disturbance, seed):
    """Whatever the derivative: a converged one, or one that is disturbed; at all times, not only at the nodes."""
    problem, H, signs = network
    k = Constants(problem, abs(signs[0]))
    duration = length / (k.c * k.ls * k.root_lmax) ** 2
    ref = reference_step(problem, H, signs, duration, 0.0)
    noise = np.random.default_rng(seed).standard_normal(ref.derivative.shape)
    ref = evaluate(problem, H, signs, duration, ref.derivative * (1 + disturbance * noise))
    found = shadow(k, ref, 0.0)
    worst, residual, speed = interior(problem, H, signs, ref)
    tiny = 1e-12 * (1 + float(np.linalg.norm(residual)))
    assert worst <= found.defect + tiny
    assert np.all(residual <= found.residual + tiny)
    assert speed <= found.speed + tiny


def test_the_interpolation_error_cannot_be_left_out():
    """A long step that is exact at the nodes: between them it is not, and the bound knows."""
    problem = bounds.Problem.from_gram([[1.0]], [0.9])
    H, signs = np.linspace(-2, 2, 9)[:, None], 6.0 * np.array([1, -1, 1, -1, 1, -1, 1, -1, 1.0])
    ref = reference_step(problem, H, signs, 1.2, 0.0)
    found = shadow(Constants(problem, 6.0), ref, 0.0)
    worst, _, _ = interior(problem, H, signs, ref)
    without = LEBESGUE * Constants(problem, 6.0).root_lmax * float(ref.mismatch.max()) + found.rounding
    assert without < worst <= found.defect


def test_roundings_are_enclosed_in_200_bits():
    """state_error and residual_error against the same path in ball arithmetic."""
    rng = np.random.default_rng(3)
    m, n = 7, 3
    problem = bounds.Problem.from_gram((lambda A: A @ A.T)(rng.integers(-8, 9, (n, 4)) / 8.0), rng.uniform(-1, 1, n))
    H, signs = rng.standard_normal((m, n)), np.where(rng.integers(0, 2, m), 1.7, -1.7)
    ref = reference_step(problem, H, signs, 0.3, 0.0)
    found = shadow(Constants(problem, 1.7), ref, 0.0)
    with ctx.workprec(200):
        N = DEGREE

        def integral(j):  # of the j-th Lagrange polynomial over [-1, 1], by its Chebyshev coefficients
            total = arb(0)
            for k in range(0, N + 1, 2):
                value = 2 * (arb.pi() * k * (N - j) / N).cos() / N
                total += (
                    value
                    * arb(2)
                    / (1 - k * k)
                    * (arb("0.5") if k in (0, N) else 1)
                    * (arb("0.5") if j in (0, N) else 1)
                )
            return total

        w = [integral(j) / 2 * arb(ref.duration) for j in range(N + 1)]
        assert abs(sum(w, arb(0)) - arb(ref.duration)) < 1e-40
        h = [
            [
                arb(H[i, a])
                - arb(signs[i])
                * sum(
                    (
                        w[j] * arb(problem.gram[a, b]) * arb(ref.derivative[j, i, b])
                        for j in range(N + 1)
                        for b in range(n)
                    ),
                    arb(0),
                )
                for a in range(n)
            ]
            for i in range(m)
        ]
        for a in range(n):
            off = sum(((h[i][a] - arb(ref.H[-1, i, a])) ** 2 for i in range(m)), arb(0)) / m
            assert off.sqrt() <= found.state_error
            r = sum((arb(signs[i]) * h[i][a].tanh() for i in range(m)), arb(0)) / m - arb(problem.y[a])
            assert abs(r - arb(ref.residual[-1, a])) <= found.residual_error[a]
    assert found.state_error < 1e-14


def test_the_lebesgue_constant_and_the_integration_matrix():
    """Lagrange polynomials from their Chebyshev coefficients on a fine grid; integrals of powers are exact."""
    x = np.linspace(-1, 1, 4001)
    lagrange = np.cos(np.outer(np.arccos(x), np.arange(DEGREE + 1))) @ grid().coefficients
    assert 2 < np.abs(lagrange).sum(axis=1).max() <= LEBESGUE
    nodes = (1 - np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)) / 2
    for k in range(DEGREE + 1):
        np.testing.assert_allclose(grid().integral @ nodes**k, nodes ** (k + 1) / (k + 1), atol=1e-15)
        np.testing.assert_allclose(grid().interpolate @ nodes**k, grid().inside ** k, atol=1e-14)


@given(networks(), st.integers(0, 10**6), st.sampled_from([1e-3, 0.03, 0.3]))
def test_the_power_near_the_start_of_a_step(network, seed, size):
    """P = c^2 |F(U)|^2 at any U within the distance, the start of the step included."""
    problem, H, signs = network
    k = Constants(problem, abs(signs[0]))
    ref = reference_step(problem, H, signs, 0.05 / (k.c * k.ls * k.root_lmax) ** 2, 0.0)
    floor = handover.power(k, ref, shadow(k, ref, 0.0), signs)
    Z = size * np.random.default_rng(seed).standard_normal(H.shape)
    for U in (0 * Z, Z):
        F, _ = flow(problem, H, signs, U)
        P = (k.c * norm(problem, F)) ** 2
        assert floor(norm(problem, U)) <= P * (1 + 1e-9) + 1e-300
    assert floor(0.0) >= 0.99 * (k.c * norm(problem, flow(problem, H, signs, 0 * Z)[0])) ** 2 - 1e-12


# The distance itself


def reference_solution(problem, H, signs, times):
    from scipy.integrate import solve_ivp

    def rhs(t, u):
        return flow(problem, H, signs, u.reshape(H.shape))[0].ravel()

    done = solve_ivp(rhs, (0, times[-1]), np.zeros(H.size), "DOP853", t_eval=times, rtol=1e-12, atol=1e-13)
    return done.y.T.reshape(-1, *H.shape)


def disturbed(monkeypatch, size):
    """Every step's derivative is wrong by a relative `size`, always in the same direction."""

    def step(problem, H, signs, duration, goal):
        ref = reference_step(problem, H, signs, duration, 0.0)
        return evaluate(problem, H, signs, duration, ref.derivative * (1 + size))

    monkeypatch.setattr(shadowing, "reference_step", step)


def stages(problem, H, signs, until, precision):
    found = []
    for stage in follow(problem, H, signs, precision=precision):
        found.append(stage)
        if stage.time > until:
            break
    return found


def violations(problem, H, signs, until=2.5, precision=2e-3):
    """At how many stages the true path is further away than proved (movement of h, mean square over the neurons)."""
    found = [s for s in stages(problem, H, signs, until, precision) if s.time > 0]
    true = reference_solution(problem, H, signs, np.array([s.time for s in found]))
    k, wrong, largest = Constants(problem, abs(signs[0])), 0, 0.0
    for stage, U in zip(found, true, strict=True):
        h = H - signs[:, None] * (U @ problem.gram)
        apart = np.sqrt(np.mean(np.square(h - stage.H), axis=0))
        wrong += bool(np.any(apart > k.c * k.roots * stage.distance + stage.state_error + 1e-9))
        largest = max(largest, float(np.max(apart)))
    return wrong, largest, len(found)


def growing_example():
    """A large residual pulls saturating neurons apart: two paths separate, r sigma'' being larger than the kernel."""
    problem = bounds.Problem.from_gram([[1.0]], [-4.0])
    return problem, np.array([[2.0], [1.9], [2.1], [1.8]]), np.array([0.5, 0.5, 0.5, 0.5])


@pytest.mark.parametrize("size", [1e-3, -1e-3])
def test_a_wrong_path_is_within_its_distance(monkeypatch, size):
    disturbed(monkeypatch, size)
    for problem, H, signs in (growing_example(), sample(3), sample(4)):
        wrong, largest, count = violations(problem, H, signs)
        assert count >= 2
        assert wrong == 0
        assert largest > 1e-5  # it really was wrong


def sample(seed, m=12):
    rng = np.random.default_rng(seed)
    problem = bounds.Problem(rng.standard_normal((3, 4)), rng.uniform(-1, 1, 3))
    network = sample_network(problem, width=m, scale=1.0, seed=seed)
    return problem, np.ascontiguousarray(network.H), network.signs


def test_a_dropped_defect_is_caught(monkeypatch):
    disturbed(monkeypatch, 1e-3)
    honest = shadowing.shadow
    monkeypatch.setattr(shadowing, "shadow", lambda *a: dataclasses.replace(honest(*a), defect=1e-15))
    assert violations(*sample(3))[0] > 0


def separation(steps=8, duration=0.3):
    """(true distance, proved distance) at the end, of the computed path and a true one that starts 1e-4 beside it."""
    problem, H, signs = growing_example()
    beside = np.full(H.shape, -1e-4)
    k = Constants(problem, abs(signs[0]))
    stage = shadowing.Stage(0.0, H, distance=norm(problem, beside))
    for _ in range(steps):
        ref = reference_step(problem, stage.H, signs, duration, 0.0)
        stage = shadowing._advance(k, stage, ref, shadow(k, ref, stage.state_error), lambda widest: math.inf)
    true = H - signs[:, None] * (beside @ problem.gram)
    true -= signs[:, None] * (reference_solution(problem, true, signs, np.array([stage.time]))[0] @ problem.gram)
    return float(np.sqrt(np.mean(np.square(true - stage.H)))) / k.c, stage.distance


def test_neighbouring_paths_separate_no_faster_than_proved():
    true, proved = separation()
    assert 3e-4 < true <= proved  # the growth is real


def test_a_dropped_exponent_is_caught(monkeypatch):
    monkeypatch.setattr(Constants, "growth", lambda self, residual, distance: 0.0)
    true, proved = separation()
    assert true > proved


@pytest.mark.parametrize("method", [slopes.METHOD, kernel.METHOD], ids=["slopes", "kernel"])
@pytest.mark.parametrize("seed", range(5))
def test_a_state_error_is_a_path_of_that_length_over_the_largest_root(method, seed):
    """A root mean square error at every x_a, the diagonal of G from 0.1 to 10: error/sqrt(G_max) covers it."""
    rng = np.random.default_rng(seed)
    roots = np.sqrt([0.1, 1.0, 10.0])
    G = np.outer(roots, roots) * (0.8 * np.eye(3) + 0.2)
    problem = bounds.Problem.from_gram(G, [0.1, 0.2, -0.3])
    H = sample_network(problem, width=200, scale=1.0, seed=seed).H
    size = 1e-3
    off = rng.standard_normal(H.shape) + rng.choice([-1.0, 1.0]) * np.sign(H)  # outwards or inwards, not at random only
    off *= size / np.sqrt(np.mean(off**2, axis=0))
    true = method.a_posteriori(problem, H + off)
    carried = handover.shifted(method.a_posteriori(problem, H), arb(size * (1 + 1e-9)) / problem.gmax.sqrt())
    assert float(carried.A) <= float(true.A) * (1 + 1e-12)
    assert float(carried.extent) <= float(true.extent) * (1 + 1e-12)


def test_less_than_that_length_is_caught():
    """All neurons where |tanh''| is largest, moved outwards: nine tenths of error/sqrt(G_max) is not enough."""
    problem = bounds.Problem.from_gram(np.diag([0.1, 1.0]), [0.1, 0.2])
    H, size = np.full((10, 2), math.atanh(math.sqrt(1 / 3))), 1e-4
    true = slopes.METHOD.a_posteriori(problem, H + size)
    enough, short = (
        handover.shifted(slopes.METHOD.a_posteriori(problem, H), arb(part * size) / problem.gmax.sqrt())
        for part in (1.0, 0.9)
    )
    assert float(enough.A) <= float(true.A) < float(short.A)
