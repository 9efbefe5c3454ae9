"""The claims of verify: complete data, every erratum among the rejected, wrong versions refuted, lists up to date."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bounds
import verify
from bounds import constants
from bounds.command_line import run as run_command
from reports.console import main
from verify.claims import CLAIMS, Comparison, appendices, descent, descent_last_layer, draws
from verify.claims import random_features as features
from verify.claims.base import KINDS, WHOSE
from verify.claims.expected import ACCEPTED, PRINTED, READINGS, REJECTED, REMARKS, UNKNOWN
from verify.report_rows import check_row, overall, row_of, to_csv
from verify.runs.examples import EXAMPLES, example, sweep
from verify.verdict import Verdict
from verify.wide_layers import draw_layers

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_data_are_complete(claim):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", claim.id)
    assert claim.title
    assert claim.source
    assert claim.hypotheses
    assert claim.kind in KINDS
    assert claim.whose in WHOSE
    assert claim.proved is not None
    assert (claim.kind == "constants") <= (claim.check is not None)
    bare = claim.latex.replace(r"\{", "").replace(r"\}", "")
    depth = np.cumsum([{"{": 1, "}": -1}.get(c, 0) for c in bare])
    assert claim.latex
    assert depth[-1] == 0
    assert depth.min() >= 0
    assert claim.latex.count(r"\left") - claim.latex.count(r"\leftarrow") == claim.latex.count(r"\right")
    assert "$" not in claim.latex


def test_expectations_cover_every_claim_once():
    assert sorted((*ACCEPTED, *REJECTED, *READINGS, *REMARKS, *UNKNOWN)) == sorted(CLAIMS)
    assert all(CLAIMS[name].proved for name in ACCEPTED)
    assert not any(CLAIMS[name].proved for name in (*REJECTED, *READINGS, *REMARKS, *UNKNOWN))


def test_no_verdict_sees_what_is_expected():
    readers = [path.name for path in (ROOT / "verify").rglob("*.py") if "verify.claims.expected" in path.read_text()]
    assert sorted(readers) == ["claims.py", "test_accepted.py", "test_rejected.py"]


def test_every_erratum_is_a_claim_of_its_grade():
    whose = {"proved": "paper, as printed", "reading": "paper, one reading", "remark": "remark on the paper"}
    for erratum in bounds.errata():
        assert CLAIMS[f"printed-{erratum.id.lower()}"].whose == whose[erratum.grade]
    assert len(PRINTED) + len(READINGS) + len(REMARKS) == len(bounds.errata())
    assert set(REJECTED) - set(PRINTED) == {"slopes-free-of-n"}


def test_a_reading_or_a_remark_is_never_refuted():
    for name in ("printed-e8", "printed-e16", "printed-e24"):
        (comparison,) = CLAIMS[name].check()
        assert comparison.verdict is Verdict.REFUTED
        assert CLAIMS[name].swept([comparison.verdict]) is Verdict.UNDECIDED
        assert check_row(CLAIMS[name], comparison)["verdict"] == "UNDECIDED"
        assert replace(CLAIMS[name], whose="paper, as printed").swept([comparison.verdict]) is Verdict.REFUTED


def test_the_symmetric_start_is_not_the_paper_s():
    """Appendix I makes the model under NTK scaling symmetric, no other."""
    assert CLAIMS["antisymmetric-start"].whose == "ours"


def test_a_clean_sweep_over_an_unproved_claim_decides_nothing():
    proved, printed = CLAIMS["lemma-1"], CLAIMS["lemma-1-printed-many"]
    clean = [Verdict.HOLDS] * 1000
    assert proved.swept(clean) is Verdict.HOLDS
    assert replace(proved, proved=None).swept(clean) is Verdict.HOLDS
    assert printed.swept(clean) is Verdict.UNDECIDED
    assert printed.swept([*clean, Verdict.REFUTED]) is Verdict.REFUTED
    assert proved.swept([]) is Verdict.UNDECIDED


def test_rows_of_what_is_false_or_open_do_not_decide_a_report():
    run = example("the paper's method")
    rows = [row_of(CLAIMS["pl"], c, run) for c in CLAIMS["pl"].compare(run)]
    rows += [check_row(CLAIMS["printed-e3"], c) for c in CLAIMS["printed-e3"].check()]
    assert [row["verdict"] for row in rows] == ["HOLDS", "REFUTED"]
    assert overall(rows) is Verdict.HOLDS


def test_a_demonstration_that_decides_nothing_refutes_nothing():
    from verify.claims.printed import as_comparison

    found = bounds.errata()[2].demonstrate()
    for relation in ("<=", ">=", ">", "=="):
        vague = replace(
            found, printed=replace(found.printed, actual=(0.0, 2.0), promised=(1.0, 1.5), relation=relation)
        )
        assert as_comparison(vague).verdict is Verdict.UNDECIDED
    for relation, actual, verdict in (
        ("<=", 1.0, Verdict.HOLDS),
        (">", 1.0, Verdict.REFUTED),
        ("==", 2.0, Verdict.REFUTED),
    ):
        sharp = replace(found.printed, actual=(actual, actual), promised=(1.0, 1.0), relation=relation)
        assert as_comparison(replace(found, printed=sharp)).verdict is verdict


def refuted_with(claim, change) -> bool:
    """Some example refutes the claim once its bound is changed."""
    found = [replace(c, theory=change(c)) for c, _ in sweep(claim) if not c.vacuous]
    return claim.swept(c.verdict for c in found) is Verdict.REFUTED


FALSE = [
    ("key-lemma", 0.9),
    ("schur", 1.1),
    ("path-lower", 1.1),
    ("master-theorem", 0.9),
    ("kernel-path", 1.01),
    ("residual", 1.1),
    ("equation-16", 1.1),
    ("antisymmetric-start", 1.01),
    ("descent-step", 0.99),
    ("descent-rate", 6.0),
    ("descent-step-last-layer", 0.95),
    ("descent-rate-last-layer", 8.0),
    ("lemma-1-sharp", 1.2),
    ("lemma-1-printed-few", 3.5),
]


@pytest.mark.parametrize(("name", "factor"), FALSE)
def test_false_versions_are_refuted(name, factor):
    assert not refuted_with(CLAIMS[name], lambda c: c.theory)
    assert refuted_with(CLAIMS[name], lambda c: factor * c.theory)


@pytest.mark.parametrize(
    ("letter", "name", "example_name"),
    [
        ("kappa_sharp", "lemma-1-sharp", "marching neurons"),
        ("kappa", "lemma-1", "marching neurons"),
        ("kappa_printed", "lemma-1-printed-many", "marching neurons"),
    ],
)
def test_a_wrong_factor_in_kappa_is_refuted(letter, name, example_name, monkeypatch):
    """Where all neurons leave I together, half of the constant is not enough."""
    claim, run = CLAIMS[name], example(example_name)
    assert claim.verdict(run) is Verdict.HOLDS
    true = getattr(constants, letter)
    monkeypatch.setattr(constants, letter, lambda *arguments: true(*arguments) / 2)
    assert claim.verdict(run) is Verdict.REFUTED


def test_a_wrong_share_of_a_step_is_refuted(monkeypatch):
    """Descent that loses nothing to its step: w = 0."""
    claim, run = CLAIMS["descent-step"], example("tanh descent")
    monkeypatch.setattr(descent, "lost_share", lambda *_: 0.0)
    assert claim.verdict(run) is Verdict.REFUTED


def test_a_wrong_share_of_a_step_on_both_layers_is_refuted(monkeypatch):
    claim, run = CLAIMS["descent-step-last-layer"], example("descent of all layers")
    assert claim.verdict(run) is Verdict.HOLDS
    monkeypatch.setattr(descent_last_layer, "lost_share", lambda *_: 0.0)
    assert claim.verdict(run) is Verdict.REFUTED


def checked(claim) -> Verdict:
    return claim.swept(c.verdict for c in claim.check())


@pytest.mark.parametrize(
    ("name", "module", "letter", "factor"),
    [
        ("lemma-2", constants, "width_lemma_2", 1e-3),
        ("lemma-3", constants, "width_lemma_3", 1e-3),
        ("initial-output", draws, "initial_output_constant", 0.1),
        ("lemma-4", features, "dim_for_distance", 1e-3),
        ("condition-1", features, "dim_for_distance", 1e-3),
        ("lower-tails", features, "dim_for_half", 1e-2),
    ],
)
def test_too_few_neurons_or_features_are_refuted(name, module, letter, factor, monkeypatch):
    true = getattr(module, letter)
    whole = letter.startswith("dim")
    monkeypatch.setattr(
        module, letter, lambda *a, **k: max(1, int(factor * true(*a, **k))) if whole else true(*a, **k) * factor
    )
    assert checked(CLAIMS[name]) is Verdict.REFUTED


def test_appendix_b_with_another_factor_is_refuted(monkeypatch):
    true = appendices.weights_by_autograd
    monkeypatch.setattr(
        appendices, "weights_by_autograd", lambda X, y, W, c, xavier: true(X, y, W, c, xavier) * (1 + 1e-6 * xavier)
    )
    assert checked(CLAIMS["appendix-b"]) is Verdict.REFUTED


def test_appendix_c_with_the_printed_theta_is_refuted(monkeypatch):
    monkeypatch.setitem(appendices.MUP, "a_last", 1.0)
    assert checked(CLAIMS["appendix-c"]) is Verdict.REFUTED


STATISTICAL = [name for name, claim in CLAIMS.items() if claim.statistical]


def test_each_verdict_on_draws_has_a_share_of_the_session_s_budget(monkeypatch):
    """The counts that the budget is divided by; a verdict at another level draws another number of networks."""
    levels = []
    true = draws.confidence_sequence
    monkeypatch.setattr(draws, "confidence_sequence", lambda *a, alpha: levels.append(alpha) or true(*a, alpha=alpha))
    token = draws.LEVEL.set(0.02)
    try:
        for name, claim in CLAIMS.items():
            if claim.check is not None and name not in ("initial-draw", "width-free-of-n", "printed-e10"):
                levels.clear()
                claim.check()
                assert levels == [0.02] * claim.statistical, name
    finally:
        draws.LEVEL.reset(token)
    assert CLAIMS["initial-draw"].statistical == 1
    assert len(STATISTICAL) == 13


def test_frequencies_are_three_valued():
    quantity = "P"
    assert draws.frequency(quantity, [False] * 300).verdict is Verdict.HOLDS
    assert draws.frequency(quantity, [False] * 20).verdict is Verdict.UNDECIDED
    assert draws.frequency(quantity, [True] * 20).verdict is Verdict.REFUTED


def test_layers_drawn_by_their_law_are_layers():
    """Gram matrices drawn without weights have the limit as their mean, and the spread of those drawn with weights."""
    problem = bounds.Problem(np.eye(2), [0.3, -0.2], embedding=bounds.RandomFeatures(2, "tanh"))
    wide, narrow = 4096, 256
    by_law = draw_layers(problem, wide, seed=0)
    assert not isinstance(by_law.embedding, bounds.RandomFeatures)
    assert isinstance(draw_layers(problem, narrow, seed=0).embedding, bounds.RandomFeatures)
    distances = [np.linalg.norm(draw_layers(problem, wide, seed=k).gram - problem.gram) for k in range(40)]
    with_weights = [np.linalg.norm(problem.draw(dim=narrow, seed=k).gram - problem.gram) for k in range(40)]
    assert 2.5 < np.mean(with_weights) / np.mean(distances) < 6.5  # sqrt(4096/256) = 4


def test_every_example_tests_something():
    used = {id(run) for claim in CLAIMS.values() if not claim.id.startswith("printed") for _, run in claims_runs(claim)}
    assert all(id(example(name)) in used for name in EXAMPLES)


def claims_runs(claim) -> list[tuple[Comparison, object]]:
    return [(c, run) for c, run in sweep(replace(claim, check=None)) if not c.vacuous]


def test_the_list_shows_every_claim_and_its_last_verdict(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_command(main, ["claims"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("not run") == len(CLAIMS)
    assert all(claim.title in printed and claim.hypotheses in printed for claim in CLAIMS.values())
    run = example("the paper's method")
    rows = [row_of(CLAIMS[name], c, run) for name in ("pl", "lemma-1") for c in CLAIMS[name].compare(run)]
    rows += [check_row(CLAIMS["printed-e3"], c) for c in CLAIMS["printed-e3"].check()]
    report = tmp_path / "reports" / "output" / "gaps.csv"
    report.parent.mkdir(parents=True)
    report.write_text(to_csv(rows))
    for arguments in (["claims"], ["claims", "--report", str(report)]):
        assert run_command(main, arguments) == 0
        lines = capsys.readouterr().out.splitlines()
        assert re.search(r"^pl +HOLDS$", "\n".join(lines), flags=re.MULTILINE)
        assert re.search(r"^printed-e3 +REFUTED$", "\n".join(lines), flags=re.MULTILINE)
        assert sum(line.endswith("not run") for line in lines) == len(CLAIMS) - 3


def test_a_file_that_is_no_report_is_bad_input(tmp_path, capsys):
    for text in ("", "a,b\n1,2\n"):
        (tmp_path / "no.csv").write_text(text + "x\n")
        assert run_command(main, ["claims", "--report", str(tmp_path / "no.csv")]) == 2
        assert "is no report" in capsys.readouterr().err
    assert run_command(main, ["claims", "--report", str(tmp_path / "missing.csv")]) == 2


def test_the_page_is_up_to_date(capsys):
    """Run `linrate claims --markdown > docs/claims.md` where this fails."""
    assert run_command(main, ["claims", "--markdown"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")


def test_the_simulator_refutes_some_printed_statements_itself():
    from verify.claims.printed_runs import RUNS

    assert set(RUNS) <= {erratum.id for erratum in bounds.errata()}
    for simulated in RUNS.values():
        assert all(comparison.verdict is Verdict.REFUTED for comparison in simulated())


def test_what_the_test_on_data_leaves_out_is_tested_elsewhere():
    """Each of these claims is proved, about every run, and named by another test of the session."""
    folder = Path(verify.__file__).parent
    left_out = re.search(r"^ELSEWHERE = (\(.*?\))$", (folder / "test_on_data.py").read_text(), re.MULTILINE | re.DOTALL)
    others = "".join(f.read_text() for f in folder.glob("test_*.py") if f.name != "test_on_data.py")
    for name in ast.literal_eval(left_out[1]):
        assert CLAIMS[name].kind == "every run"
        assert CLAIMS[name].proved
        assert f'"{name}"' in others
