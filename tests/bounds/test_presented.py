"""Objects show themselves in few words, travel (pickle, copy, JSON, data frames), and round to the safe side."""

import copy
import dataclasses
import html.parser
import json
import pickle
from decimal import Decimal

import numpy as np
import pytest
import sympy as sp
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

import bounds
from bounds.activation import expressions
from bounds.activation.registry import _REGISTRY
from bounds.numerics.arithmetic import float_down, float_up
from bounds.presented import latex, plain
from bounds.rounding import rounded


@pytest.fixture(scope="module")
def shown():
    """One object of each kind that shows itself."""
    rng = np.random.default_rng(3)
    problem = bounds.Problem(rng.standard_normal((8, 12)), rng.uniform(-1, 1, 8), name="<b>&")
    H = rng.standard_normal((64, 8))
    signs = 50.0 * rng.choice([-1.0, 1.0], 64)
    return {
        "problem": problem,
        "guarantee": bounds.guarantee(problem),
        "certificate": bounds.certify(problem, H, signs=signs),
        "erratum": bounds.errata()[0],
    }


KINDS = ["problem", "guarantee", "certificate", "erratum"]


@pytest.mark.parametrize("kind", KINDS)
def test_repr_is_short(shown, kind):
    assert len(repr(shown[kind])) < 250
    assert repr(shown[kind]).startswith(type(shown[kind]).__name__ + "(")
    assert len(repr([shown[kind]] * 50)) < 15_000


class Reader(html.parser.HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("kind", KINDS)
def test_html_is_one_escaped_table(shown, kind):
    reader = Reader()
    reader.feed(shown[kind]._repr_html_())
    assert set(reader.tags) == {"table", "caption", "tbody", "tr", "th", "td"}
    if kind == "problem":
        assert "<b>&" in reader.text  # as text, not as a tag


@pytest.mark.parametrize("kind", ["problem", "guarantee", "certificate"])
@pytest.mark.parametrize("way", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))], ids=["copy", "pickle"])
def test_pickle_and_copy_keep_every_digit(shown, kind, way):
    again = way(shown[kind])
    assert again.to_dict() == shown[kind].to_dict()
    assert repr(again) == repr(shown[kind])


def test_a_pickled_problem_is_still_frozen_and_computes_the_same(shown):
    again = pickle.loads(pickle.dumps(shown["problem"]))
    assert not again.X.flags.writeable
    assert not again.y.flags.writeable
    assert again.spectrum == shown["problem"].spectrum
    assert bounds.guarantee(again).to_dict() == shown["guarantee"].to_dict()


@pytest.mark.parametrize(
    "make",
    [
        lambda: bounds.Problem.from_gram(np.eye(3), np.ones(3)),
        lambda: bounds.Problem(np.eye(3), np.ones(3), embedding=bounds.RandomFeatures(depth=1, activation="erf")),
        lambda: bounds.Problem(np.eye(3), np.ones(3)).within(0.25),
    ],
    ids=["from_gram", "random features", "within"],
)
def test_every_kind_of_problem_is_pickled(make):
    problem = make()
    again = pickle.loads(pickle.dumps(problem))
    assert again.to_dict() == problem.to_dict()
    np.testing.assert_array_equal(again.gram, problem.gram)


def test_activations_are_pickled_by_name_or_expression(monkeypatch):
    tanh = bounds.get_activation("tanh")
    assert pickle.loads(pickle.dumps(tanh)) is tanh
    u = sp.Symbol("u", real=True)
    mine = dataclasses.replace(tanh, name="not-registered", expression=sp.tanh(u))
    # Deriving the constants takes seconds, and has tests of its own.
    monkeypatch.setattr(expressions, "from_expression", lambda name, expression: (name, expression))
    assert pickle.loads(pickle.dumps(mine)) == ("not-registered", sp.tanh(u))
    monkeypatch.setitem(_REGISTRY, "not-registered", mine)
    assert pickle.loads(pickle.dumps(mine)) is mine
    assert copy.deepcopy(mine) is mine


def test_an_activation_written_by_hand_says_why_it_is_not_pickled():
    tanh = bounds.get_activation("tanh")
    by_hand = bounds.Activation("mine", tanh.both, tanh.lipschitz, None, 1.0, (-1, 1), (0, 0), (-1, 1), strip=(1, 2))
    assert copy.deepcopy(by_hand) is by_hand
    with pytest.raises(bounds.ArgumentError, match="register_activation"):
        pickle.dumps(by_hand)


def test_balls_are_pickled_bit_for_bit():
    with ctx.workprec(300):
        root = arb(2).sqrt()
    again = pickle.loads(pickle.dumps(root))
    assert again.mid() == root.mid()
    assert again.rad() == root.rad()
    for odd in (arb("inf"), arb("-inf"), arb(1, float("inf"))):
        again = copy.deepcopy(odd)
        assert (str(again.lower()), str(again.upper())) == (str(odd.lower()), str(odd.upper()))
    assert copy.deepcopy(arb("nan")).is_nan()


def test_json_keeps_all_digits_and_every_magnitude(shown):
    g = shown["guarantee"]
    read = json.loads(g.to_json())
    assert read["scale"] == g.scale
    assert read["rate"] == g.rate
    assert read["constants"]["a"] == [float_down(g.constants["a"]), float_up(g.constants["a"])]
    nothing = bounds.Certificate(False, 0.0, np.inf, np.inf, np.inf, "slopes")
    assert json.loads(nothing.to_json())["beta"] == "inf"
    wide = bounds.Guarantee("m", "s", True, 10**400, 1.0, 1.0, 0.05, "independent", 0.5, 1.0, 1.0)
    assert json.loads(wide.to_json())["width"] == 10**400


def test_frames_have_a_row_for_each_object(shown):
    assert shown["guarantee"].to_frame()["width"].tolist() == [shown["guarantee"].width]
    data = shown["problem"].to_frame()
    assert list(data.columns) == [*(f"x_{j}" for j in range(12)), "y"]
    np.testing.assert_array_equal(data["y"], shown["problem"].y)


def test_plain_values_hold_nothing_else():
    value = {"a": np.float64(1), "b": (np.arange(2), None, "t"), 3: bounds.Identity()}
    assert plain(value) == {"a": 1.0, "b": [[0, 1], None, "t"], "3": "Identity()"}


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30), st.integers(1, 8))
def test_rounding_never_crosses_the_value(value, digits):
    exact = Decimal(value)
    up, down, near = (Decimal(rounded(value, side, digits)) for side in ("up", "down", "nearest"))
    assert down <= exact <= up
    assert min(up - exact, exact - down) == abs(near - exact)
    if not (isinstance(value, int) and abs(value) < 10**7):
        assert all(len(d.normalize().as_tuple().digits) <= digits for d in (up, down, near))


def test_rounding_of_what_is_no_finite_number():
    assert [rounded(v) for v in (float("inf"), float("nan"), 0, 0.0, -0.5, 1e-7, 123456.0, 10**7)] == [
        "inf", "nan", "0", "0", "-0.5", "1e-07", "123500", "1e+07",
    ]  # fmt: skip


def test_latex_of_the_table_of_methods_is_rounded_safely(shown):
    table = bounds.table(shown["problem"])
    text = table.to_latex()
    assert text.startswith(r"\begin{tabular}{l")
    assert r"rate / (scale\textasciicircum{}2 lambda\_min)" in text
    line = next(line for line in text.splitlines() if line.startswith("slopes"))
    width = line.split(" & ")[1]
    assert int(Decimal(width)) >= table.set_index("method").loc["slopes", "width"]
    assert latex("a_b & 5%") == r"a\_b \& 5\%"


def test_the_table_of_certificates_has_every_formula(shown):
    problem = shown["problem"]
    rng = np.random.default_rng(4)
    H, signs = rng.standard_normal((32, 8)), 500.0 * rng.choice([-1.0, 1.0], 32)
    frame = bounds.certificate_table(problem, H, signs=signs).set_index("method")
    for method in frame.index[frame["holds"].notna()]:
        one = bounds.certify(problem, H, signs=signs, method=method)
        assert (frame.loc[method, "holds"], frame.loc[method, "rate"]) == (one.holds, one.rate)
    assert frame.loc["everywhere", "holds"] is None
    assert "inf |sigma'| > 0" in frame.loc["everywhere", "reason"]
    best = bounds.certify(problem, H, signs=signs)
    assert best.rate == frame["rate"].max()
