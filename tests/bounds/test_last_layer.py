"""What the theorem promises if the last layer is trained too: formulas, roundings, and what is refused."""

import functools

import numpy as np
import pytest
from flint import arb
from mpmath import mp
from scipy.integrate import quad
from scipy.optimize import brentq

import bounds
import simulate
from bounds.data.datasets import load_builtin
from bounds.methods import METHODS
from bounds.methods.base import CONSTANT, LINEAR_FRACTION, PARABOLA, ROOT, Profile
from bounds.methods.last_layer import at_scale, least_scale
from bounds.methods.step_profile import StepProfile


def reference(kap, activation="tanh", **options):
    return bounds.Problem(*load_builtin("reference"), activation=activation, last_layer=kap, **options)


@pytest.mark.parametrize(("kap", "rounded"), [(0.0, 11.54), (1.0, 12.60), (10.0, 14.46), (100.0, 18.68)])
def test_slopes_in_sixty_digits(kap, rounded):
    """Scale and rate of the reference problem, from c = (a||y||/beta + sqrt((a||y||/beta)^2 + 8 Ls sqrt(kap) ||y|| /
    (beta sqrt(lambda_min) q^2)))/2 and 2 c^2 lambda_min q^2 (1 - beta), beta = 1/2; the width knows nothing of kap."""
    p = reference(kap)
    g = bounds.guarantee(p, method="slopes", init="antisymmetric")
    with mp.workdps(60):
        lmin, q2 = (mp.mpf(g.constants[name].mid().str(40, radius=False)) for name in ("lambda_min", "q_squared"))
        y = mp.sqrt(sum(mp.mpf(v) ** 2 for v in p.y.tolist()))
        L2 = mp.mpf(4) / (3 * mp.sqrt(3))  # of tanh, and Ls = 1
        G = max(mp.mpf(v) for v in np.diagonal(p.gram).tolist())
        a = 2 * L2 * mp.sqrt(G) / (mp.sqrt(lmin) * q2)
        c = (2 * a * y + mp.sqrt((2 * a * y) ** 2 + 16 * mp.sqrt(kap) * y / (mp.sqrt(lmin) * q2))) / 2
        assert c <= g.scale * (1 + mp.mpf(10) ** -12)
        assert g.scale <= c * (1 + mp.mpf(10) ** -10)
        rate = mp.mpf(g.scale) ** 2 * lmin * q2
        assert rate * (1 - mp.mpf(10) ** -10) <= g.rate <= rate * (1 + mp.mpf(10) ** -12)
    assert g.scale == pytest.approx(rounded, abs=5e-3)
    assert g.width == bounds.guarantee(reference(0.0), method="slopes", init="antisymmetric").width


G_OF = {LINEAR_FRACTION: lambda x: np.sqrt(1 - x), PARABOLA: lambda x: np.sqrt(1 - x * x), ROOT: lambda x: 1 - x}
G_OF[CONSTANT] = lambda x: 1.0


@pytest.mark.parametrize("shape", G_OF, ids=lambda shape: shape.name)
@pytest.mark.parametrize("drift", [0.01, 1.0, 50.0])
def test_profiles_against_quadrature(shape, drift):
    """a_c, rho(S)^2 and S of [c rho(s) - drift s]_+, on the safe side and near it."""
    A, c, extent = 0.3, 2.0, np.inf if shape is CONSTANT else 0.7

    def rho(s):
        x = s / extent
        return max(np.sqrt(A) * G_OF[shape](x) - drift / c * s, 0.0) if x < 1 else 0.0

    end = brentq(lambda s: np.sqrt(A) * G_OF[shape](min(s / extent, 1.0)) - drift / c * s, 0, min(extent, 1e3))
    whole = quad(rho, 0, end, epsabs=1e-12)[0]
    profile = Profile(arb(A), arb(extent) if np.isfinite(extent) else arb("inf"), shape)
    found = at_scale(profile, arb(drift), arb(c))
    assert 1 / whole * (1 - 1e-9) <= float(found.critical.upper()) <= 1 / whole * (1 + 1e-3)
    beta = 0.6
    S = brentq(lambda s: quad(rho, 0, s, epsabs=1e-13)[0] - beta * whole, 0, end, xtol=1e-13)
    # Against beta of the true integral: a lower bound of the profile uses a larger share of itself.
    used = arb(beta) * arb(whole) * found.critical
    assert rho(S) ** 2 * (1 - 5e-3) <= float(found.remaining(used).lower()) <= rho(S) ** 2 * (1 + 1e-9)
    assert S * (1 - 1e-9) <= float(found.path_length(used).upper()) <= S * (1 + 5e-3)
    # The least scale: a_c R = c there, and a little less is not enough.
    R = arb(1.7)
    least = least_scale(profile, arb(drift), R)
    for factor, holds in ((1 + 1e-5, True), (1 - 1e-3, False)):
        c = least * factor
        assert bool(at_scale(profile, arb(drift), c).critical * R <= c) == holds


def test_a_step_profile_falls_too():
    steps = StepProfile(np.linspace(1, 0, 4000, endpoint=False), 1e-3)
    found = at_scale(steps, arb(0.5), arb(2))
    ends = 1e-3 * np.arange(1, 4001)
    want = np.maximum(steps.levels - 0.25 * ends, 0)
    assert np.all(found.levels <= want)
    np.testing.assert_allclose(found.levels, want, rtol=0, atol=1e-8)
    assert at_scale(steps, arb(0), arb(2)) is steps


EVERY = [(name, "antisymmetric") for name, m in METHODS.items() if m.drift is not None]


@pytest.mark.parametrize(("method", "init"), [*EVERY, ("slopes", "independent"), ("printed-style", "independent")])
def test_every_method_needs_a_larger_scale(method, init):
    """As kap grows; at kap near 0 that of a fixed last layer; the rate is what the master theorem says of the scale."""
    activation = "leaky_relu" if method == "everywhere" else "tanh"
    found = []
    for kap in (0.0, 1e-8, 1.0, 100.0):
        free = method == "everywhere" and kap == 0  # then every scale is large enough
        p = reference(kap, activation)
        found.append(bounds.guarantee(p, method=method, init=init, scale=30.0 if free else None))
    scales = [g.scale for g in found]
    assert sorted(scales[1:]) == scales[1:]
    assert scales[1] < scales[2] < scales[3]
    if method != "everywhere":
        assert scales[1] == pytest.approx(scales[0], rel=2e-3)
        assert scales[1] >= scales[0]
    for g in found[1:]:
        assert g.rate > 0
        assert g.beta <= 0.5 * (1 + 1e-8)
        assert g.critical_scale < g.scale


def test_a_scale_that_is_just_enough():
    """The number in the refusal is the least scale, which is accepted."""
    p = reference(1.0)
    options = {"method": "envelope", "init": "antisymmetric"}
    with pytest.raises(bounds.AssumptionError, match=r"needs scale > 13\.44.*last_layer = 1") as refusal:
        bounds.guarantee(p, scale=3.0, **options)
    least = float(str(refusal.value).split("scale > ")[1].split()[0])
    assert bounds.guarantee(p, scale=least * (1 + 1e-5), **options).rate > 0


def test_everywhere_needs_no_width():
    """|sigma'| >= K_s: c rho(s) = sqrt(lambda_min) K_s (c - sqrt(kap) s), a triangle of area c^2 sqrt(lambda_min) K_s /
    (2 sqrt(kap)), which must be the residual over beta."""
    p = reference(4.0, "leaky_relu")
    g = bounds.guarantee(p, method="everywhere", init="antisymmetric", beta=0.25)
    lmin, slope = float(g.constants["lambda_min"]), float(g.constants["K_s"])
    want = np.sqrt(2 * 2 * float(p.y_norm) / (0.25 * np.sqrt(lmin) * slope))
    assert g.width == 2
    assert g.scale == pytest.approx(want, rel=1e-9)
    assert g.rate == pytest.approx(2 * g.scale**2 * lmin * slope**2 * 0.75, rel=1e-9)


def test_certificates_of_networks_of_several_magnitudes():
    """The least |c_i| counts as the scale; such signs are refused where the last layer is fixed."""
    p = reference(1.0)
    start = simulate.sample_network(p, width=512, scale=20.0, seed=1, init="antisymmetric")
    equal = bounds.certify(p, start.H, signs=start.signs, method="slopes")
    larger = start.signs * np.tile(np.linspace(1.0, 1.2, 256), 2)  # pairs, so that f stays 0
    several = bounds.certify(p, start.H, signs=larger, method="slopes")
    assert (several.rate, several.beta) == pytest.approx((equal.rate, equal.beta), rel=1e-9)
    assert several.holds
    with pytest.raises(bounds.ArgumentError, match=r"one scale > 0 .*last_layer=1\.0"):
        bounds.certify(reference(0.0), start.H, signs=larger)
    with pytest.raises(bounds.ArgumentError, match=r"at least not 0"):
        bounds.certify(p, start.H, signs=np.where(np.arange(512) == 3, 0.0, larger))
    fixed = bounds.certify(reference(0.0), start.H, signs=start.signs, method="slopes")
    assert equal.rate < fixed.rate
    assert equal.beta > fixed.beta


@functools.cache
def certified_run():
    return simulate.gradient_flow(reference(1.0), width=256, scale=14.0, seed=1, init="antisymmetric", rtol=1e-4)


@pytest.mark.parametrize("method", ["slopes", "envelope", "transport"])
def test_a_certified_network_keeps_its_rate(method):
    """Certified at the start of a run and at its end, from the c_i that it has there."""
    p, run = reference(1.0), certified_run()
    c = bounds.certify(p, run.initial.H, signs=run.initial.signs, method=method)
    assert c.holds
    assert np.all(run.loss <= run.loss[0] * np.exp(-c.rate * run.time) + run.error)
    assert run.path_length[-1] <= c.path_length
    assert np.all(run.last_layer_movement <= run.path_length + run.errors["last_layer_movement"])
    assert bounds.certify(p, run.final.H, signs=run.final.signs, method=method).rate > c.rate


def test_random_features_with_a_trained_last_layer():
    X, y = load_builtin("reference")
    features = {"embedding": bounds.RandomFeatures(1, "relu")}
    fixed, trained = (
        bounds.guarantee(bounds.Problem(X, y, last_layer=kap, **features), method="slopes", init="antisymmetric")
        for kap in (0.0, 1.0)
    )
    assert (trained.embedding_dim, trained.width) == (fixed.embedding_dim, fixed.width)
    assert trained.scale > fixed.scale
    assert bounds.Problem(X, y, last_layer=2.0, **features).draw(dim=30).last_layer == 2.0


def test_what_is_refused_names_what_works():
    p = reference(1.0)
    with pytest.raises(bounds.AssumptionError, match=r"'printed' is about a fixed last layer.*method='repaired'"):
        bounds.guarantee(p, method="printed")
    assert bounds.guarantee(p, method="repaired").rate > 0
    start = simulate.sample_network(p, width=16, scale=1.0, seed=1)
    with pytest.raises(bounds.AssumptionError, match=r"'shadowing' follows.*fixed.*method='best' or 'transport'"):
        bounds.certify(p, start.H, signs=start.signs, method="shadowing")
    assert bounds.certify(p, start.H, signs=start.signs).method
    with pytest.raises(bounds.AssumptionError, match=r"fixed last layer.*gradient_flow at a large width"):
        bounds.kernel_flow(p, [1.0])
    assert bounds.necessary_scale(p) == 0
    assert bounds.necessary_width(p) == 1
    frame = bounds.table(p, init="antisymmetric").set_index("method")
    assert "fixed last layer" in frame.loc["printed", "caveats"]
    assert frame.loc["slopes", "scale"] == pytest.approx(12.60, abs=5e-3)
