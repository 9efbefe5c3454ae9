"""The checks of arguments: what stands for a number is taken, all else is a typed error that names the argument."""

import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
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

X = np.array([[1.0, 0.2, -0.3], [0.1, -0.8, 0.5]])
Y = np.array([0.3, -0.2])
H = np.array([[0.5, -0.1], [1.0, 0.3], [-0.7, 0.2], [0.1, -1.1]])
SIGNS = np.array([1.0, -1.0, 1.0, -1.0])
PROBLEM = bounds.Problem(X, Y)
NETWORK = simulate.Network(H, SIGNS)
MASKED = np.ma.array(X, mask=X > 0.4)


def flow(**options):
    return simulate.gradient_flow(PROBLEM, **{"width": 4, "t_max": 0.1, **options})


# -- quietly wrong input ---------------------------------------------------------------------------------------------

MATRICES = {
    "a masked array": (MASKED, r"masked entries at \w+\[0, 0\] \(2 such\)"),
    "a masked array without masked entries": (np.ma.array(X), r"Use \.data"),
    "a list of masked rows": (list(MASKED), "masked"),
    "complex numbers": (X + 1j * (X > 0.4), r"complex numbers, .* at \w+\[0, 0\]"),
    "a complex entry in a list": ([[1.0, 2.0, 3.0], [1.0, 1j, 2.0]], r"\[1, 1\]"),
    "dates": (np.array([["2020-01-01"] * 3] * 2, dtype="M8[D]"), r"dates, .*2020-01-01.* at \w+\[0, 0\]"),
    "time spans": (np.ones((2, 3), dtype="m8[s]"), "time spans"),
    "numbers as text": (X.astype(str), "text, "),
    "a word": ([[1.0, 2.0, 3.0], [4.0, "red", 5.0]], r"'red'.* at \w+\[1, 1\]"),
    "None": (np.array([[1.0, 2.0, None], [1.0, 2.0, 3.0]]), r"None at \w+\[0, 2\]"),
    "an integer beyond all floats": ([[10**400, 1, 2], [1, 2, 3]], r"at \w+\[0, 0\]"),
    "pandas' NA": (pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}), r"(<NA>|nan) at \w+\[1, 0\]"),
    "ragged rows": ([[1.0], [2.0, 3.0]], "rows of equal length"),
    "a complex tensor": (torch.ones(2, 3, dtype=torch.complex64), "complex"),
    "an infinite entry": (np.where(X > 0.4, np.inf, X), r"inf at \w+\[0, 0\] \(2 such entries\)"),
    "records": (np.zeros((2, 3), dtype=[("a", float)]), "records"),
    "an object": (object(), "must"),
}
PLACES = {
    "X": lambda value: bounds.Problem(value, Y),
    "G": lambda value: bounds.Problem.from_gram(value, Y),
    "H": lambda value: bounds.certify(PROBLEM, value, signs=SIGNS),
    "X_test": lambda value: flow(X_test=value),
    "W": lambda value: simulate.network_of_weights(PROBLEM, value, SIGNS),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("what", MATRICES)
def test_matrices_that_hold_no_real_numbers(what, place):
    value, message = MATRICES[what]
    with pytest.raises(bounds.LinrateError, match=message) as error:
        PLACES[place](value)
    assert place in str(error.value)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("y", lambda value: bounds.Problem(X, value)),
        ("signs", lambda value: bounds.certify(PROBLEM, H[:2], signs=value)),
        ("signs", lambda value: simulate.Network(H[:2], value)),
        ("save_at", lambda value: flow(save_at=value)),
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        np.ma.array(Y, mask=[True, False]),
        Y + 1j,
        np.array(["2020", "2021"], dtype="M8[Y]"),
        ["0.1", "0.2"],
        [0.1, None],
    ],
    ids=["masked", "complex", "dates", "text", "None"],
)
def test_vectors_that_hold_no_real_numbers(name, call, value):
    with pytest.raises(bounds.DataError, match=rf"{name}.*\[0\]|{name}.*\[1\]"):
        call(value)


def test_a_network_takes_no_hidden_values():
    with pytest.raises(bounds.DataError, match="H must not be a masked array"):
        simulate.Network(np.ma.array(H, mask=H > 0.4), SIGNS)


class Kernel:
    """An embedding of the user's own, known by its Gram matrix."""

    def __init__(self, entry):
        self.entry = entry

    def gram(self, X, X2):
        return self.entry * np.array([[1.0, 0.5], [0.25, 1.0]])


@pytest.mark.parametrize(("entry", "message"), [(1j, "complex numbers"), (1.0, "symmetric"), (np.nan, "overflows")])
def test_an_embedding_of_the_user(entry, message):
    with pytest.raises(bounds.LinrateError, match=message):
        bounds.Problem(X, Y, embedding=Kernel(entry))


# -- what stands for a number ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        X.tolist(),
        X.astype(object),
        torch.tensor(X, requires_grad=True),
        [[torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in row] for row in X],
        pd.DataFrame(X),
        [[Fraction(v) for v in row] for row in X],
    ],
    ids=["list", "objects", "tensor", "list of tensors", "data frame", "fractions"],
)
def test_matrices_of_any_make(value):
    assert np.array_equal(bounds.Problem(value, torch.tensor(Y, requires_grad=True)).X, X)


def test_numbers_of_any_make():
    def fields(g):
        return g.width, g.scale, g.rate, g.delta, g.beta, g.path_length, g.budget, type(g.delta), type(g.budget)

    told = fields(bounds.guarantee(PROBLEM, 0.25, scale=50.0, budget=10))
    for delta in (
        np.float32(0.25),
        torch.tensor(0.25, requires_grad=True),
        Fraction(1, 4),
        np.array(0.25),
        Decimal("0.25"),
    ):
        assert fields(bounds.guarantee(PROBLEM, delta, scale=np.int64(50), budget=np.int64(10))) == told
    plain = flow(seed=7, t_max=1.0, loss_ratio=0.5)
    same = flow(
        seed=np.int64(7), t_max=np.float32(1), loss_ratio=np.float64(0.5), width=np.int32(4), scale=torch.tensor(1)
    )
    assert np.array_equal(plain.loss, same.loss)
    assert type(same.seed) is int
    assert type(same.scale) is float
    assert type(same.options["t_max"]) is float
    several = simulate.gradient_flow(PROBLEM, width=4, t_max=0.1, seeds=np.array([3, 4]))
    assert [run.seed for run in several] == [3, 4]
    assert bounds.smallest_delta(PROBLEM, np.int64(10**6)) == bounds.smallest_delta(PROBLEM, 10**6)
    assert bounds.RandomFeatures(dim=np.int64(8)) == bounds.RandomFeatures(dim=8)
    assert verify.failure_rate(np.int64(20), np.int64(1)).upper == verify.failure_rate(20, 1).upper


def test_constants_take_any_number_exactly():
    third = bounds.constants.rate_everywhere(Fraction(1, 3), np.float32(1), np.array(1.0))
    assert third.overlaps(bounds.constants.rate_everywhere(1, 2, 1) / 18)
    assert third.rad() < 1e-15


# -- arguments of a wrong type ---------------------------------------------------------------------------------------

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


# -- the user's own settings of numpy and of warnings ----------------------------------------------------------------


def _everything():
    problem = bounds.Problem(X, Y, activation="gelu")
    g = bounds.guarantee(problem, init="antisymmetric")
    run = simulate.gradient_flow(problem, width=8, t_max=1.0)
    descent = simulate.gradient_descent(problem, width=8, steps=3)
    certificate = bounds.certify(problem, 40 * H, signs=50 * SIGNS)
    rate = verify.failure_rate(100, 0)
    limit = bounds.required_width(bounds.Problem(X, Y, embedding=bounds.RandomFeatures()), scale=1e4)
    return g.width, g.rate, run.loss.tolist(), descent.loss.tolist(), certificate.beta, rate.upper, limit


def test_settings_of_numpy_and_of_warnings_change_nothing():
    told = _everything()
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _everything() == told
        assert np.geterr()["over"] == "raise"  # and they are the user's again afterwards


# -- results that would be no numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "y", "activation"),
    [
        ([[1e153]], [0.1], "cos"),
        ([[1e120, 0], [0, 1e120]], [0.1, 0.2], "linear"),
        ([[1.0]], [1e160], "tanh"),
    ],
)
def test_a_flow_that_overflows_is_refused(X, y, activation):
    problem = bounds.Problem(X, y, activation=activation)
    for run in (simulate.gradient_flow, simulate.gradient_descent):
        with pytest.raises(bounds.DataError, match=r"overflows. Multiply X, y or the scale by a smaller constant"):
            run(problem, width=8)


def test_a_float32_flow_that_overflows_is_refused():
    problem = bounds.Problem(1e20 * X, Y)
    with pytest.raises(bounds.DataError, match="float32 overflows"):
        simulate.gradient_flow(problem, width=8, dtype="float32")


@pytest.mark.parametrize("size", [1e-138, 1e-100, 1.0, 1e100, 1e153])
@pytest.mark.parametrize("y_size", [0.0, 1e-300, 1e-160, 1.0, 1e154, 1e300])
@pytest.mark.parametrize("init", ["independent", "antisymmetric"])
def test_a_guarantee_is_finite_or_refused(size, y_size, init):
    problem = bounds.Problem(size * X, y_size * Y)
    for method in ("slopes", "repaired", "printed", "kernel"):
        try:
            g = bounds.guarantee(problem, method=method, init=init)
        except bounds.AssumptionError:
            continue
        for value in (g.rate, g.scale, g.beta, g.critical_scale, g.path_length):
            assert np.isfinite(value)
            assert not np.signbit(value)


def test_the_smallest_lambda_min_is_no_negative_zero():
    assert not np.signbit(float(bounds.guarantee(bounds.Problem(X, Y, activation="linear")).path_length))


# -- bombs -----------------------------------------------------------------------------------------------------------


def test_what_cannot_fit_is_refused_before_it_is_allocated():
    for embedding, message in (
        (lambda: bounds.RandomFeatures(dim=10**12), "an embedding of dim=1000000000000 at 2 points needs"),
        (lambda: get_embedding("random-features:dim=" + "9" * 31), "at most 30 digits"),
        (lambda: get_embedding(f"random-features:dim={10**29}"), "dim must be at most 9223372036854775807"),
        (lambda: bounds.RandomFeatures(depth=10**9), r"depth must be an integer in \[1, 1000\]"),
    ):
        with pytest.raises(bounds.ArgumentError, match=message):
            bounds.Problem(X, Y, embedding=embedding())
    with pytest.raises(bounds.ArgumentError, match="a network of 1000000000000000 neurons needs"):
        simulate.sample_network(PROBLEM, width=10**15, scale=1.0, seed=0)
    with pytest.raises(bounds.ArgumentError, match=r"a data set of n=1000000000000 points .* needs"):
        load_builtin("reference", n=10**12)
