"""The same run compiled or by torch, in one chunk or many, with slopes kept or computed again: the same numbers."""

import functools

import numpy as np
import pytest
import torch

import bounds
import simulate
from simulate import setup
from simulate.field import chunks, flow
from simulate.field.arrays import Arrays

ROUTES = {
    "tensors": {},
    "chunks": {"CHUNK_FROM": 64, "STRIP": 8},
    "slopes computed again": {"CHUNK_FROM": 64, "STRIP": 8, "KEEP_SLOPES_BELOW": 0},
    "low memory": {},
    "low memory, chunks": {"CHUNK_FROM": 64, "STRIP": 8},
    "low memory, tensors": {"GPU_CHUNK": 256},  # 42, 42 and 6 neurons
    "cuda": {},
    "low memory, cuda": {"GPU_CHUNK": 256},
}
KEEPING = ("tensors", "chunks", "cuda")


def run_by(route, monkeypatch, function, *arguments, **options):
    if "cuda" in route:
        if not torch.cuda.is_available():
            pytest.skip("needs a GPU")
        options["device"] = "cuda"
    if "tensors" in route:  # what a GPU runs, on the CPU
        monkeypatch.setattr(setup, "Arrays", functools.partial(Arrays, tensors=True))
    for name, value in ROUTES[route].items():
        monkeypatch.setattr(flow if hasattr(flow, name) else chunks, name, value)
    return function(*arguments, low_memory="low memory" in route, **options)


@functools.cache
def plain_flow(activation, integrator, keeping):
    """(problem, options, the run that all routes of this kind are compared with)."""
    rng = np.random.default_rng(1)
    problem = bounds.Problem(rng.standard_normal((4, 6)), rng.uniform(-1, 1, 4), activation=activation)
    # Until 1.0 the exponential method makes forty steps over kinks, and 108 until 2.0, which are slow by torch.
    end, rtol = (1.0, 1e-3) if activation == "relu" else (2.0, 1e-5)
    # Save points between steps are there only where slopes are kept.
    saves = [0.0, 0.3, end] if keeping else None
    options = {"width": 90, "scale": 2.0, "t_max": end, "save_at": saves, "integrator": integrator}
    options |= {"X_test": np.ones((2, 6)), "loss_ratio": 0.0, "rtol": rtol}
    return problem, options, simulate.gradient_flow(problem, device="cpu", **options)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("integrator", ["exponential", "runge-kutta"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_flow(monkeypatch, route, integrator, activation):
    if route not in KEEPING:  # the slopes of the step before are not kept there
        monkeypatch.setattr(flow.Flow, "keeps_previous", False)
    problem, options, plain = plain_flow(activation, integrator, route in KEEPING)
    t = run_by(route, monkeypatch, simulate.gradient_flow, problem, **options)
    tight = 1e-3 if activation == "relu" else 1e-9  # steps at kinks are chosen by rounding
    for name in (*plain.errors, "time", "final.H"):
        a, b = (x.final.H if name == "final.H" else getattr(x, name) for x in (plain, t))
        np.testing.assert_allclose(b, a, rtol=tight, atol=tight * np.abs(a).max(), err_msg=name)
    if activation != "relu":
        np.testing.assert_allclose(t.error, plain.error, rtol=1e-3, atol=1e-13)
        assert t.stats.evaluations == plain.stats.evaluations


@pytest.mark.parametrize("route", ROUTES)
def test_descent(small, monkeypatch, route):
    options = {"width": 90, "scale": 2.0, "step": 0.1, "steps": 50, "X_test": np.ones((2, 6))}
    plain = simulate.gradient_descent(small, device="cpu", **options)
    t = run_by(route, monkeypatch, simulate.gradient_descent, small, **options)
    for name in plain.errors:
        a = getattr(plain, name)
        np.testing.assert_allclose(getattr(t, name), a, rtol=1e-11, atol=1e-12 * np.abs(a).max(), err_msg=name)
