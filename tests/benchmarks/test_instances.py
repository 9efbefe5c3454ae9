"""The instances of the benchmark: their data, the independent replay, and the results that are kept."""

import ast
import csv
from pathlib import Path

import numpy as np
import pytest

import bounds
import simulate
from benchmarks.instances import measure, problems
from benchmarks.instances.picture import draw_cactus
from benchmarks.instances.replay import ACTIVATIONS, replay

HERE = Path(problems.__file__).parent
INSTANCES = {instance.name: instance for instance in problems.instances()}
TINY = problems.Instance(
    name="tiny", data="gaussian", n=3, d=20, data_seed=0, activation="tanh", embedding="identity", width=32, scale=12.0,
    init="antisymmetric", seed=0,
)  # fmt: skip


def network(instance):
    """(features, y, W, signs, H) of an instance."""
    features, y = instance.arrays()
    W, signs = instance.weights()
    return features, y, W, signs, W @ features.T / np.sqrt(features.shape[1])


def test_there_are_thirty_and_they_are_what_they_say():
    assert len(INSTANCES) == 30
    for instance in INSTANCES.values():
        features, y = instance.arrays()
        assert len(features) == len(y) == instance.n
        assert np.isfinite(features).all()
        np.testing.assert_array_equal(features, instance.arrays()[0])
    G = {name: instance.problem().gram for name, instance in INSTANCES.items() if instance.data != "reference"}
    np.testing.assert_allclose(G["orthogonal"], np.eye(12), atol=1e-12)
    np.testing.assert_allclose(G["correlated-half"], 0.5 * np.eye(10) + 0.5, atol=1e-12)
    assert np.linalg.cond(G["ill-conditioned-1000"]) == pytest.approx(1000, rel=1e-6)
    assert np.linalg.matrix_rank(G["many-points-kernel"]) == 10 < INSTANCES["many-points-kernel"].n
    quadratic = INSTANCES["many-points-quadratic"]
    X = np.random.default_rng(0)
    X.uniform(-0.5, 0.5, 12)
    rows = X.standard_normal((12, 6))
    np.testing.assert_allclose(quadratic.problem().gram, bounds.Quadratic().gram(rows, rows), atol=1e-12)


def test_pairs_cancel_at_the_start():
    for instance in (INSTANCES["reference-tanh"], INSTANCES["random-features-relu"]):
        _, _, _, signs, H = network(instance)
        assert np.max(np.abs(instance.problem().output(H, signs))) < 1e-12 * instance.scale
        assert set(np.abs(signs)) == {instance.scale}


def test_the_replay_shares_no_code_with_the_rest():
    names = set()
    for node in ast.walk(ast.parse((HERE / "replay.py").read_text())):
        names |= {a.name for a in node.names} if isinstance(node, ast.Import) else set()
        names |= {str(node.module)} if isinstance(node, ast.ImportFrom) else set()
    ours = {"bounds", "simulate", "verify", "reports", "benchmarks", "linrate"}
    assert {name.split(".")[0] for name in names} & ours == set()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_its_activations_are_those_of_the_theory(name):
    h = np.linspace(-3, 3, 25)
    value, slope = ACTIVATIONS[name](h)
    theirs = bounds.get_activation(name).value_and_slope(h)
    known = h != 0 if name == "relu" else h == h
    np.testing.assert_allclose(value, theirs[0], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(slope[known], theirs[1][known], rtol=1e-12, atol=1e-13)


def test_the_replay_confirms_what_is_true_and_contradicts_what_is_not():
    features, y, W, signs, H = network(TINY)
    found = bounds.certify(TINY.problem(), H, signs=signs)
    assert found.holds
    good = replay(features, y, "tanh", W, signs, found.rate, 30.0)
    assert (good.verdict, good.ratio <= 1e-4) == ("CONFIRMED", True)
    run = simulate.gradient_flow(
        TINY.problem(), network=simulate.Network(H, signs), t_max=good.until, save_at=[0.0, good.until], loss_ratio=0.0
    )
    assert run.loss[-1] / run.loss[0] == pytest.approx(good.ratio, rel=1e-3)
    assert replay(features, y, "tanh", W, signs, 1.05 * good.rate, 30.0).verdict == "CONTRADICTED"
    assert replay(features, y, "tanh", W, signs, found.rate, 0.0).verdict == "STOPPED"


def test_an_instance_is_measured_within_its_time(monkeypatch):
    row = measure._with_limit(TINY)
    assert (row["verdict"], row["replay"]) == ("CERTIFIED", "CONFIRMED")
    assert row["certified_rate"] <= row["replay_rate"]
    assert row["certified_rate"] <= row["measured_rate"]
    monkeypatch.setattr(measure, "LIMIT", 0.0)
    assert measure._with_limit(TINY)["verdict"] == "TIMEOUT"


def test_the_kept_results_are_about_these_instances_and_none_is_contradicted():
    with (HERE / "results.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert [row["instance"] for row in rows] == list(INSTANCES)
    assert {row["replay"] for row in rows} <= {"CONFIRMED", "STOPPED", ""}
    for row in rows:
        assert (row["verdict"] == "CERTIFIED") == bool(row["certified_rate"])
        if row["certified_rate"] and row["measured_rate"]:
            assert float(row["certified_rate"]) <= float(row["measured_rate"])
    certified = [row for row in rows if row["verdict"] == "CERTIFIED"]
    assert 20 <= len(certified) < 30  # some are hard
    pytest.importorskip("matplotlib")
    from bounds.pictures.style import SIZE, drawing

    with drawing(1, 1, SIZE) as (_, axes):
        draw_cactus(rows, axes[0, 0])
        assert len(axes[0, 0].get_lines()[1].get_xdata()) == len(certified)
