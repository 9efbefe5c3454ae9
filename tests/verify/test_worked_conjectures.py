"""The six conjectures of docs/conjectures.md do what the page says, from the command line."""

from pathlib import Path

import pytest

import bounds
from bounds.data.datasets import load_builtin
from tests.commands import python_m
from verify import bracket, conjecture
from verify.conjecture import load_conjectures

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "conjectures"
WORKED = [
    ("a_loss_never_rises", [], 0, "HOLDS"),
    ("b_loss_ends_below_half", [], 1, "linrate replay"),
    ("c_width_law", [], 0, "HOLDS"),
    ("d_own_activation", ["--activation", "bent-tanh"], 0, "HOLDS"),
    ("e_two_sided_rate", [], 0, "HOLDS"),
    ("f_falls_to_a_hundredth", [], 0, "HOLDS"),
]


@pytest.mark.parametrize(("name", "arguments", "code", "word"), WORKED, ids=[row[0] for row in WORKED])
def test_worked_conjecture(name, arguments, code, word, tmp_path):
    options = ["--counterexamples", tmp_path, "--conjectures", f"docs/conjectures/{name}.py", *arguments]
    done = python_m("pytest", "verify/", "-q", "--quick", "--builtin", "reference", *options)
    assert done.returncode == code, done.stdout + done.stderr
    assert word in done.stdout
    assert bool(list(tmp_path.glob("*.npz"))) == (code == 1)


def test_every_file_is_on_the_page_and_tested():
    page = (ROOT / "docs" / "conjectures.md").read_text()
    names = sorted(file.stem for file in FOLDER.glob("*.py"))
    assert names == [row[0] for row in WORKED]
    for name in names:
        assert f"{name}.py" in page
        load_conjectures(FOLDER / f"{name}.py")


@pytest.fixture
def reference_problem():
    return bounds.Problem(*load_builtin("reference"), name="reference")


def above(threshold):
    """A law that is refuted below a width and holds from it on, whatever the run does."""

    def law(C):
        return conjecture(delta=0.5, width=C)(lambda run: float(run.width >= threshold) - 0.5)

    return law


def test_bracket_closes_on_the_threshold(reference_problem):
    found = bracket(above(32), reference_problem, 2, 128, steps=3)
    assert found.refuted < 32 <= found.holds
    assert found.holds / found.refuted == pytest.approx((128 / 2) ** (1 / 8))
    assert [verdict for _, verdict, _, _ in found.tried[:2]] == ["REFUTED", "HOLDS"]


@pytest.mark.parametrize(("low", "high", "words"), [(64, 128, "low must"), (2, 8, "high must"), (8, 2, "low < high")])
def test_a_bad_bracket_is_a_typed_error(reference_problem, low, high, words):
    with pytest.raises(bounds.ArgumentError, match=words):
        bracket(above(32), reference_problem, low, high)
