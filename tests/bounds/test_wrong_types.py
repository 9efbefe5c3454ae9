"""Arguments of a wrong type: a typed error that names the argument and echoes the value, at every entrance."""

import numpy as np
import pytest
import torch

import bounds
import simulate
import verify
from bounds.checks import check_interval, check_seed, integer, real, sequence
from bounds.data.datasets import load_builtin
from bounds.data.embeddings import get_embedding
from bounds.errors import MOST_SHOWN, shown
from reports.certificates import CertificateOptions
from reports.gaps import GapOptions
from tests.four_neurons import PROBLEM, SIGNS, H, X, Y, flow

A_LIST, AN_ARRAY = ["best"], np.array(["a", "b"])


def _wrong_types():
    """(argument, wrong value, call) for every place where another exception used to leak."""
    for value in (None, 5, A_LIST, AN_ARRAY, {}):
        for function in (bounds.guarantee, bounds.table, bounds.required_width, bounds.required_embedding_dim):
            yield "problem", value, lambda v, f=function: f(v)
        for function in (bounds.smallest_delta, bounds.largest_n, bounds.smallest_lambda_min):
            yield "problem", value, lambda v, f=function: f(v, 100)
        yield "problem", value, lambda v: bounds.certify(v, H, signs=SIGNS)
        yield "problem", value, lambda v: simulate.gradient_flow(v)
        yield "problem", value, lambda v: simulate.gradient_descent(v)
        yield "problem", value, lambda v: simulate.sample_network(v, width=4, scale=1.0, seed=0)
        yield "problem", value, lambda v: simulate.network_of_weights(v, X, SIGNS)
        yield "trajectory", value, lambda v: simulate.weights_of(v, X)
        for name in ("init", "method"):
            yield name, value, lambda v, n=name: bounds.guarantee(PROBLEM, **{n: v})
        yield "method", value, lambda v: bounds.certify(PROBLEM, H, signs=SIGNS, method=v)
        for name in ("init", "scaling", "dtype", "device", "integrator", "loss"):
            yield name, value, lambda v, n=name: flow(**{n: v})
        yield "name", value, lambda v: bounds.Problem(X, Y, name=v)
        yield "activation", value, lambda v: bounds.Problem(X, Y, activation=v)
        yield "data set", value, lambda v: load_builtin(v)
        yield "embedding", value, lambda v: get_embedding(v)
        yield "name", value, lambda v: bounds.register_activation(v, None)
    for value in ("x", A_LIST, True, 10**400, float("nan"), 1j, Ellipsis):
        for name in ("scale", "beta", "tau"):
            yield name, value, lambda v, n=name: bounds.guarantee(PROBLEM, **{n: v})
        yield "delta", value, lambda v: bounds.guarantee(PROBLEM, v)
        for name in ("t_max", "rtol", "loss_ratio", "scale", "seed", "width", "max_steps"):
            yield name, value, lambda v, n=name: flow(**{n: v})
        for name in ("step", "steps", "save_every"):
            yield name, value, lambda v, n=name: simulate.gradient_descent(PROBLEM, width=4, **{n: v})
        for name in ("width", "scale", "seed"):
            yield (
                name,
                value,
                lambda v, n=name: simulate.sample_network(PROBLEM, **{"width": 4, "scale": 1.0, "seed": 0, n: v}),
            )
        for name in ("depth", "dim", "seed"):
            yield name, value, lambda v, n=name: bounds.RandomFeatures(**{n: v})
        for name in ("trials", "seed", "width", "t_max", "delta", "alpha", "scale"):
            yield name, value, lambda v, n=name: GapOptions(**{n: v})
        for name in ("n", "d", "seed"):
            yield name, value, lambda v, n=name: load_builtin("reference", **{n: v})
        yield "radius", value, lambda v: PROBLEM.within(v)
        yield "dim", value, lambda v: bounds.Problem(X, Y, embedding=bounds.RandomFeatures()).draw(dim=v)
        yield "trials", value, lambda v: verify.failure_rate(v, 0)
        yield "failures", value, lambda v: verify.failure_rate(10, v)
    for name, value in (
        ("seeds", 5),
        ("seeds", "12"),
        ("seeds", ["a"]),
        ("seeds", [True]),
        ("interval", 5),
        ("interval", ("a", 1)),
        ("interval", (0, 1, 2)),
        ("interval", (float("nan"), 1)),
        ("network", 5),
        ("network", H),
        ("checkpoint", 5),
        ("checkpoint", "a\0b"),
        ("progress", 5),
        ("low_memory", "no"),
        ("resume", 1),
        ("save_at", 5),
        ("save_at", ["a"]),
    ):
        yield name, value, lambda v, n=name: flow(**{n: v})
    for value in (5, "tanh", bounds.Quadratic, object()):
        yield "embedding", value, lambda v: bounds.Problem(X, Y, embedding=v)
    for value in (5, [], "slopes", ["bets"], [None]):
        yield "method", value, lambda v: CertificateOptions(methods=v)
        yield "seeds", value, lambda v: CertificateOptions(seeds=v)
    yield "budget", 1.5, lambda v: bounds.guarantee(PROBLEM, budget=v)
    yield (
        "tail",
        ["best"],
        lambda v: bounds.required_embedding_dim(bounds.Problem(X, Y, embedding=bounds.RandomFeatures()), tail=v),
    )
    yield "states", 5, lambda v: bounds.first_certified(PROBLEM, v)
    yield "states[0]", [5], lambda v: bounds.first_certified(PROBLEM, v)
    yield "states[0]", [("a", H, SIGNS)], lambda v: bounds.first_certified(PROBLEM, v)
    yield "margin", ["a"], lambda v: verify.judge(v, 0.0)
    yield "error", [1.0, 2.0], lambda v: verify.judge([1.0, 2.0, 3.0], v)
    yield "verdicts", ["HOLDS"], verify.combine
    yield "verdicts", 5, verify.combine
    yield "lmin", "x", lambda v: bounds.constants.kappa(v, 1, (0, 1), 1)
    yield "lmin", (0, 1), lambda v: bounds.constants.kappa(v, 1, (0, 1), 1)
    yield "interval", 5, lambda v: bounds.constants.kappa(1, 1, v, 1)


WRONG_TYPES = list(_wrong_types())


def test_a_wrong_type_is_a_typed_error_that_names_the_argument():
    assert len(WRONG_TYPES) > 300
    leaks = []
    for name, value, call in WRONG_TYPES:
        try:
            call(value)
        except bounds.LinrateError as error:
            if name not in str(error):
                leaks.append((name, shown(value), f"not named: {error}"))
        except Exception as error:
            leaks.append((name, shown(value), f"{type(error).__name__}: {error}"))
        else:
            leaks.append((name, shown(value), "accepted"))
    assert not leaks, leaks


def test_values_are_echoed_but_shortened():
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    for value in ("a" * 10_000, 10**5000, list(range(10_000)), np.zeros((1000, 1000)), torch.zeros(100, 100), Broken()):
        with pytest.raises(bounds.ArgumentError) as error:
            bounds.guarantee(PROBLEM, value)
        assert len(str(error.value)) < 100 + MOST_SHOWN
        with pytest.raises(bounds.ArgumentError, match="must be a SymPy expression"):
            bounds.register_activation("new-name", value)
        assert "\n" not in str(error.value)
    with pytest.raises(bounds.ArgumentError, match=r"'\\x1b\[31m'"):
        bounds.guarantee(PROBLEM, init="\x1b[31m")


def test_the_ways_out_work():
    assert sequence("seeds", range(3)) == [0, 1, 2]
    assert check_interval("interval", [0, np.inf]) == (0.0, np.inf)
    assert check_seed(2**128 - 1) == 2**128 - 1
    assert integer("n", np.array(3), 1) == 3
    with pytest.raises(bounds.ArgumentError, match=r"t must be positive\. Found 0\. Try 1\."):
        real("t", 0, "positive", lambda t: t > 0, "Try 1.")
