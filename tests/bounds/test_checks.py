"""The checks of arguments: what stands for a number is taken, what only looks like one is refused."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch

import bounds
import simulate
import verify
from tests.four_neurons import MASKED, PROBLEM, SIGNS, H, X, Y, flow

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
