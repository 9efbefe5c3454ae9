"""The picture of a margin: below zero is where the claim fails, and the worst place is marked."""

import numpy as np
import pytest

import bounds
from bounds.pictures.style import SIZE, drawing
from verify import Comparison, draw_margin

pytest.importorskip("matplotlib")
TIMES = np.array([0.0, 1.0, 2.0])


@pytest.fixture
def axes():
    with drawing(1, 1, SIZE) as (_, found):
        yield found[0, 0]


def test_the_worst_margin_is_marked_where_the_claim_fails(axes):
    measured = np.array([1.0, 3.0, 1.5])
    comparison = Comparison("loss", "upper", np.full(3, 2.0), measured, np.full(3, 0.1), TIMES)
    assert draw_margin(comparison, axes, title="mine") is axes
    curve, zero, worst = axes.get_lines()
    np.testing.assert_allclose(curve.get_ydata(), (2.0 - measured) / np.maximum(measured, 2.0))
    assert set(np.ravel(zero.get_ydata())) == {0.0}
    assert (worst.get_xdata()[0], worst.get_ydata()[0]) == pytest.approx((1.0, comparison.slack))
    low, high = axes.get_ylim()
    assert low < comparison.slack < 0 < high


def test_each_data_point_has_a_line(axes):
    theory = np.ones((3, 2))
    comparison = Comparison("eta", "lower", 0.5 * theory, theory, 0.0 * theory, TIMES)
    draw_margin(comparison, axes)
    assert sum(len(curve.get_xdata()) == 3 for curve in axes.get_lines()) == 2
    with pytest.raises(bounds.ArgumentError, match="comparison must be"):
        draw_margin("pl", axes)
