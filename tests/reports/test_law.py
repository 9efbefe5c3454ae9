"""The law of certified rates: exact confidence, drawn networks, the command."""

import numpy as np
import pytest
from scipy.stats import beta

from bounds import Problem
from bounds.data.datasets import load_builtin
from bounds.progress import Progress
from reports.certificates import KINKED, CertificateOptions, SwitchRow, certificate_rows
from reports.cli import main
from reports.law import law, law_rows, law_text


def test_fifty_nine_say_it_of_nineteen_twentieths():
    rates = np.linspace(1, 2, 59)
    assert law(rates, 0.95).rate == 1.0
    assert law(rates[:58], 0.95).rate == 0.0  # 1 - 0.95^58 < 0.95
    assert 1 - 0.95**59 >= 0.95 > 1 - 0.95**58


@pytest.mark.parametrize("share", [0.5, 0.75, 0.9])
def test_the_confidence_is_that_of_the_order_statistic(share):
    """The share above the k-th smallest of N is Beta(N - k + 1, k); k + 1 would be too bold."""
    rates = np.arange(1.0, 60.0)
    k = int(law(rates, share).rate)
    assert beta.sf(share, 59 - k + 1, k) >= 0.95 > beta.sf(share, 59 - k, k + 1)


def test_uncertified_networks_count_as_zero():
    assert law([0.0] * 2 + [1.0] * 57, 0.95).rate == 0.0
    assert law([0.0] * 2 + [1.0] * 57, 0.75).rate == 1.0


def test_every_network_is_certified_at_initialisation():
    problem = Problem(*load_builtin("experiment-1", n=3, d=20))
    rows = list(law_rows(problem, CertificateOptions(width=32, seeds=(5,)), 2))
    assert [row.seed for row in rows] == [5, 6]
    assert all(row.certified > 0 and row.loss_ratio == 1 for row in rows)


def test_a_relu_run_is_certified_late():
    """By the methods that need no slope of sigma', without being asked; every certified rate is below the measured."""
    problem = Problem(*load_builtin("experiment-1", n=4, d=20), activation="relu")
    rows = list(certificate_rows(problem, CertificateOptions(width=128, seeds=(0,))))
    assert [row.method for row in rows] == list(KINKED)
    assert all(0 < row.certified <= row.measured and 0 < row.loss_ratio < 1 for row in rows)


def test_a_search_tells_which_states_it_tries_and_the_run_of_its_rate_how_far_it_is(monkeypatch):
    said: list[tuple[str, int, str]] = []
    monkeypatch.setattr(Progress, "say", lambda self, doing="", share=None: said.append((self.what, self.done, doing)))
    problem = Problem(*load_builtin("experiment-1", n=2, d=5))
    (row,) = certificate_rows(problem, CertificateOptions(width=64, seeds=(3,), methods=("kernel",)))
    tried = [(done, doing) for what, done, doing in said if what == "states tried"]
    assert [done for done, _ in tried] == list(range(1, len(tried) + 1))
    assert tried[0][1] == "kernel, seed 3, t = 0"
    assert tried[-1][1] == f"kernel, seed 3, t = {row.time:.4g}"
    assert said[-1][0] == "steps"


def test_the_rate_is_printed_rounded_down():
    """0.15159 to the nearest would be 0.1516, which no proof gives."""
    row = SwitchRow("tanh", 2, 5, 16, 1.0, 0, "shadowing", 0.1, 1.0, 0.0, 0.15159)
    assert "exp(-0.1515 t)" in law_text([row] * 59)


def test_the_command(capsys, tmp_path):
    out = tmp_path / "law.csv"
    asked = [
        "certificates",
        "--builtin",
        "experiment-1",
        "--n",
        "2",
        "--width",
        "16",
        "--trials",
        "1",
        "--out",
        str(out),
    ]
    assert main(asked) == 0
    printed = capsys.readouterr().out
    assert "1 of 1 networks of 16 neurons are certified" in printed
    assert "at least 95% of all such networks have no rate" in printed
    assert out.read_text().count("\n") == 2
