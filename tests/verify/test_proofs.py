"""The proofs: the list against the .v files, the pages against the list, the constants against the code.

And `make proofs` finds planted mistakes: these tests alone need Coq, and are skipped without it.
"""

import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import sympy as sp

from bounds import constants
from verify.claims import CLAIMS
from verify.claims.proofs import LIST, NOT_YET, machine_checked, proofs, prose, table

ROOT = Path(__file__).resolve().parents[2]
FILES = {file.stem: file.read_text(encoding="utf-8") for file in sorted((ROOT / "proofs").glob("*.v"))}
NAMES = [name for proof in proofs() for name in proof.theorems]
CHECK = ROOT / "proofs" / "check.py"
needs_coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="needs Coq")


def without_comments(text: str) -> str:
    """Coq source without its comments (which nest)."""
    kept, depth = [], 0
    for piece in re.split(r"(\(\*|\*\))", text):
        depth += {"(*": 1, "*)": -1}.get(piece, 0)
        if depth == 0 and piece != "*)":
            kept.append(piece)
    return "".join(kept)


def declared(text: str) -> set[str]:
    return set(re.findall(r"^ *Theorem (\w+)", without_comments(text), flags=re.MULTILINE))


def test_every_theorem_of_the_list_is_declared_and_every_declared_one_is_listed():
    assert {f"{file}.{name}" for file, text in FILES.items() for name in declared(text)} == set(NAMES)
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("file", FILES)
def test_nothing_is_left_open_or_assumed(file):
    """coqc and Print Assumptions say so for sure (`make proofs`); this says it without Coq."""
    words = r"\b(Admitted|admit|Abort|Axioms?|Parameters?|Conjecture|bypass_check|Unset Guard Checking|give_up)\b"
    assert not re.findall(words, without_comments(FILES[file]))


def test_comments_are_left_out_and_words_found():
    assert without_comments("a (* Admitted (* b *) c *) d") == "a  d"
    assert declared("Theorem one : True.\n  Theorem two x : x.\n(* Theorem three : x *)") == {"one", "two"}


def test_the_list_and_the_claims_agree():
    proved = {claim for proof in proofs() for claim in proof.claims}
    assert proved | set(prose()) <= set(CLAIMS)
    assert not proved & set(prose())
    assert machine_checked("no-such-claim") == f"prose: {NOT_YET}"
    assert machine_checked("pl") == "flow.pl (sigma without kinks)"
    assert machine_checked("theorem-3").startswith("prose: probability")


def test_the_table_of_the_page_is_up_to_date():
    """Replace the table of docs/proofs.md by the output of `python -m verify.claims.proofs` where this fails."""
    assert table() in (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["theory.md", "certificates.md", "proofs.md"])
def test_marks_on_the_pages_name_theorems_of_the_list(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    marks = {
        name
        for mark in re.findall(r"machine-checked: ((?:`?\w+\.\w+`?(?:, )?)+)", text)
        for name in re.findall(r"\w+\.\w+", mark)
    }
    assert marks <= set(NAMES)
    assert page != "theory.md" or marks


def test_every_statement_of_the_page_has_its_mark():
    """Each entry of the list that is not about an erratum has one of its theorems marked where the statement stands."""
    unmarked = {entry["statement"] for entry in tomllib.loads(LIST.read_text())["proof"] if entry.get("unmarked")}
    text = "".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("theory.md", "certificates.md"))
    for proof in proofs():
        if not any(claim.startswith("printed-") for claim in proof.claims) and proof.statement not in unmarked:
            assert any(
                re.search(rf"machine-checked: [\w., ]*\b{re.escape(name)}\b", text) for name in proof.theorems
            ), proof


SYMBOLS = {
    "L2": "L_2", "Ls": "L_s", "Gmax": "G_max", "lmin": "lambda_min", "lmax": "lambda_max", "Ks": "K_s",
    "Il": "I_l", "Ir": "I_r", "c": "chat", "R0": "R", "PI": "pi",
}  # fmt: skip
CONSTANTS = dict(re.findall(r"^Definition (\w+) .*? : R := (.*)\.$", FILES["constants"], flags=re.MULTILINE))


@pytest.mark.parametrize("name", CONSTANTS)
def test_the_constants_of_the_proofs_are_those_of_the_code(name):
    symbolic = next(c for c in constants.all_constants() if c.name == name).symbolic
    text = re.sub(r"sqrt (\w+)", r"sqrt(\1)", CONSTANTS[name]).replace("sqrt (", "sqrt(").replace("^", "**")
    text = re.sub(r"\b\w+\b", lambda word: SYMBOLS.get(word[0], word[0]), text)
    known = {s.name: s for s in symbolic.free_symbols}
    difference = sp.sympify(text, locals=known) - symbolic
    assert {s.name for s in difference.free_symbols} <= set(known)
    values = {s: sp.Rational(3 + k, 7 + k) for k, s in enumerate(sorted(symbolic.free_symbols, key=str))}
    assert abs(difference.subs(values).evalf(40)) < 1e-30


def test_there_are_constants_to_compare():
    assert len(CONSTANTS) >= 10


def test_the_reference_certificate_is_that_of_the_code():
    """Run `python -m proofs.reference > proofs/reference_data.v` where this fails. Last digits may differ."""
    number = re.compile(r"^Definition (\w+) : R := (\d+) / (\d+)\.$", flags=re.MULTILINE)
    fresh, kept = runpy.run_path(str(ROOT / "proofs" / "reference.py"))["reference"](), FILES["reference_data"]
    values = [{name: int(p) / int(q) for name, p, q in number.findall(text)} for text in (fresh, kept)]
    assert values[0] == pytest.approx(values[1], rel=1e-9)
    exponents = {f"exponent_{a}" for a in range(10)}
    assert set(values[0]) == {"lmin", "q2", "Gmax", "L2", "Y", "delta", "width", "scale", "rate"} | exponents
    assert fresh[: fresh.index("Definition")] == kept[: kept.index("Definition")]


def check(folder: Path, theorem: str, numeric: bool = False) -> subprocess.CompletedProcess:
    (folder / "list.toml").write_text(f'[[proof]]\ntheorems = ["{theorem}"]\nnumeric = {str(numeric).lower()}\n')
    command = [sys.executable, str(CHECK), "--folder", str(folder), "--list", str(folder / "list.toml")]
    return subprocess.run([*command, "--build", str(folder / "build")], capture_output=True, text=True)


GOOD = "Theorem fine : 1 + 1 = 2.\nProof. reflexivity. Qed.\n"
WRONG = GOOD.replace("= 2", "= 3")


@needs_coq
def test_a_proved_theorem_passes(tmp_path):
    (tmp_path / "one.v").write_text(GOOD)
    done = check(tmp_path, "one.fine")
    assert done.returncode == 0, done.stderr
    assert "1 theorems" in done.stdout


@needs_coq
@pytest.mark.parametrize(
    ("planted", "theorem", "said"),
    [
        (WRONG, "one.fine", "Unable to unify"),
        (GOOD.replace("reflexivity. Qed", "Admitted"), "one.fine", "one.fine assumes"),
        (f"Axiom false : False.\n{WRONG.replace('reflexivity', 'destruct false')}", "one.fine", "assumes one.false"),
        (f"Lemma later : False. Admitted.\n{WRONG.replace('reflexivity', 'destruct later')}", "one.fine", "one.later"),
        (GOOD, "one.missing", "one.missing"),
    ],
    ids=["wrong", "admitted", "axiom", "admitted lemma", "missing"],
)  # fmt: skip
def test_a_planted_mistake_is_caught(tmp_path, planted, theorem, said):
    (tmp_path / "one.v").write_text(planted)
    done = check(tmp_path, theorem)
    assert done.returncode != 0
    assert said in done.stderr


def test_machine_integers_are_for_numbers_only():
    script = runpy.run_path(str(CHECK))
    text = (
        "Axioms:\nUint63.add_spec\n  : forall x y : PrimInt63.int,\n    x = y\n"
        "Classical_Prop.classic : forall P : Prop, P \\/ ~ P\n"
    )
    names = script["assumed"](text)
    assert names == {"Uint63.add_spec", "Classical_Prop.classic"}
    assert script["forbidden"](names, True) == set()
    assert script["forbidden"](names, False) == {"Uint63.add_spec"}
    assert script["forbidden"](names | {"FloatAxioms.add_spec"}, True) == {"FloatAxioms.add_spec"}
    assert script["assumed"]("Closed under the global context\n") == set()


def test_without_coq_it_says_how_to_install_it(tmp_path):
    done = subprocess.run([sys.executable, str(CHECK)], capture_output=True, text=True, env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "apt-get install --no-install-recommends coq libcoq-coquelicot libcoq-interval" in done.stderr
    assert done.stdout == ""
