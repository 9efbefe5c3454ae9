"""`linrate certify`: pre-activations or weights, and every method with its beta."""

import numpy as np
import pytest

import bounds
from bounds.command_line import run
from reports.console import main


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    W, signs = rng.standard_normal((200, 6)), 300.0 * rng.choice([-1.0, 1.0], 200)
    return {"X": rng.standard_normal((4, 6)), "y": rng.uniform(-1, 1, 4), "W": W, "signs": signs}


def test_weights_are_certified_as_their_pre_activations_are(tmp_path, network, capsys):
    X, y, W, signs = network.values()
    H = W @ X.T / np.sqrt(6)
    np.savez(tmp_path / "W.npz", **network)
    np.savez(tmp_path / "H.npz", X=X, y=y, H=H, signs=signs)
    expected = bounds.certify(bounds.Problem(X, y), H, signs=signs)
    told = []
    for name in ("W.npz", "H.npz"):
        assert run(main, ["certify", str(tmp_path / name)]) == (0 if expected.holds else 3)
        told.append(capsys.readouterr().out)
    assert told[0].split("rate ")[0] == told[1].split("rate ")[0]
    for method in bounds.certificate_table(bounds.Problem(X, y), H, signs=signs)["method"]:
        assert f"\n{method}" in told[0]
    assert "everywhere does not apply" in told[0]


def test_weights_that_do_not_fit_are_told(tmp_path, network, capsys):
    np.savez(tmp_path / "W.npz", **{**network, "W": network["W"][:, :5]})
    assert run(main, ["certify", str(tmp_path / "W.npz")]) == 2
    assert "W must be of shape (m, D) with D = 6" in capsys.readouterr().err
