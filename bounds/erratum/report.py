"""Errata as text: one line, one in full, and docs/errata.md."""

from __future__ import annotations

from collections.abc import Sequence

from bounds.erratum.base import GRADES, Claim, Demonstration, Erratum

VERDICTS = {True: "refuted", False: "NOT REFUTED", None: "UNDECIDED"}
COMMAND = "linrate errata"

INTRODUCTION = """# Errata of arXiv 2204.10782

*On Feature Learning in Neural Networks with Global Convergence Guarantees* (Chen, Vanden-Eijnden, Bruna, 2022).

This page is written by `linrate errata --markdown`; every number on it is computed by the demonstrations behind
`bounds.errata()`, but for what is said to be measured apart (E17) or quoted (E21). A statement is called refuted only
where an enclosure of the true number contradicts the printed one, and the repaired statement is checked in the same
example. The word "refuted" in the table is about that example; the grade says what it means for the paper:

* *false as printed and proved so*: the words are legible and state something, and a proof shows that it is false,
  whatever unspecified constants stand for. Only these count as refuted statements of the paper.
* *depends on a reading*: the text at hand lost something, or what is meant is open, and only one reading is false.
* *remark*: on the experiments or on other work, not on a statement of the theory.

*Exact* numbers are integers, closed forms or SymPy, *enclosed* ones are balls of python-flint, *numerical* ones
floating point with their error inside the enclosure.

Notation: n data points, m neurons with signs c_i = +-c (c is the scale), h_ia = h_i(x_a), f_a = f(x_a), r = f - y,
L = ||r||^2/2, G the Gram matrix, Ls = Lip(sigma), K_s the least |sigma'| on the interval I, |I| = I_r - I_l. The paper
was read in a text extracted from the PDF, which loses exponents, fractions and some indices; where that leaves two
readings, both are named.

**What survives.** The method of the paper is sound. Theorem 1 holds with 9/sqrt(2) for 9/2 (E1), the exponent of E5, a
bounded I (E7), Clarke's subdifferential at kinks (E15) and one of two repairs of Lemma 2 (E2, E3, E4, E9, E10): a
width that grows with n and E sigma(h), or antisymmetric initialisation, which needs no Lemma 2. Theorem 2 follows
from it with the width of E18, and Theorem 3 with E12 and L_sigma on its list (E19). The constants are
`bounds.guarantee(problem, method="repaired")`; sharper proofs are in [theory.md](theory.md).
"""


def verdict(d: Demonstration) -> str:
    """In a word or two: whether the printed statement is refuted, or that the repair fails."""
    if d.refuted and d.repaired.holds is not True:
        return "REPAIR FAILS" if d.repaired.holds is False else "REPAIR UNDECIDED"
    return VERDICTS[None if d.printed.holds is None else not d.printed.holds]


def escape(text: str, special: str = "*~") -> str:
    """The text with a backslash before each of the characters `special`, which Markdown would read as its own."""
    return "".join("\\" + ch if ch in special else ch for ch in text)


def number(x: float) -> str:
    """The number with three significant digits, on which every machine agrees."""
    return f"{x:.3g}"


def inequality(d: Demonstration) -> str:
    """The printed promise as it comes out: "true 2 <= printed 1"."""
    return f"{number(d.true_value)} {d.printed.relation} {number(d.printed_value)}"


def line(e: Erratum, d: Demonstration, seconds: float) -> str:
    """One line of `linrate errata`."""
    return (
        f"{e.id:4} {verdict(d):11} {e.grade:7} printed {number(d.printed_value):>9}  true {number(d.true_value):>9}"
        f"  {d.evidence:9} {seconds:5.2f} s  {e.where}: {e.title}"
    )


def summary(results: Sequence[tuple[Erratum, Demonstration]]) -> str:
    """The last lines of `linrate errata`: how many statements are refuted, by grade."""
    documented = sum(d.as_documented is True for _, d in results)
    counts = [f"{grade} {sum(e.grade == grade for e, _ in results)} ({words})" for grade, words in GRADES.items()]
    return (
        f"{documented} of {len(results)} refuted in the example with the repair holding;"
        f" {sum(e.refutes(d) for e, d in results)} refuted statements of the paper.\nGrades: {', '.join(counts)}.\n"
        f"One in full: {COMMAND} E5. All: docs/errata.md"
    )


def full(e: Erratum, d: Demonstration) -> str:
    """Everything about one erratum and its demonstration, as `linrate errata E5` prints it."""
    fields = [
        ("grade", GRADES[e.grade]),
        ("printed", e.printed),
        ("fails", e.fails),
        ("repaired", e.repaired),
        ("proof", e.proof),
        ("consequence", e.consequence),
        ("quantity", d.quantity),
        ("printed says", _promise(d.printed)),
        ("repaired says", _promise(d.repaired)),
        ("numbers", f"{d.note} ({d.evidence})"),
        ("verdict", verdict(d)),
    ]
    return "\n".join([f"{e.id}  {e.where}: {e.title}", *(f"  {name:14}{text}" for name, text in fields)])


def _promise(claim: Claim) -> str:
    actual, promised = claim.ends
    outcome = {True: "holds", False: "false", None: "undecided"}[claim.holds]
    return f"{number(actual)} {claim.relation} {number(promised)}: {outcome}"


def markdown(results: Sequence[tuple[Erratum, Demonstration]]) -> str:
    """The text of docs/errata.md, from the errata and what their demonstrations found."""
    rows = ["| | where | what | grade | comes out as | evidence |", "| --- | --- | --- | --- | --- | --- |"]
    sections = []
    for e, d in results:
        anchor = e.id.lower()
        cells = [
            f"[{e.id}](#{anchor})",
            escape(e.where, "*~|"),
            escape(e.title, "*~|"),
            GRADES[e.grade],
            f"`{inequality(d)}` {verdict(d)}",
            d.evidence,
        ]
        rows.append("| " + " | ".join(cells) + " |")
        claims = f"Printed: `{_promise(d.printed)}`. Repaired: `{_promise(d.repaired)}`."
        paragraphs = [
            ("Grade", f"{GRADES[e.grade][0].upper()}{GRADES[e.grade][1:]}."),
            ("Printed", escape(e.printed)),
            ("Why it fails", escape(e.fails)),
            ("Counterexample", f"{escape(d.quantity)}. {claims} {escape(d.note)}"),
            ("Repair", escape(e.repaired)),
            ("Proof", escape(e.proof)),
            ("Consequence", escape(e.consequence)),
        ]
        sections.append(
            "\n\n".join(
                [
                    f'<a id="{anchor}"></a>\n## {e.id}. {escape(e.where)}: {escape(e.title)}',
                    *(f"**{heading}.** {text}" for heading, text in paragraphs),
                    f"Reproduce: `{COMMAND} {e.id}`",
                ]
            )
        )
    return "\n".join([INTRODUCTION, *rows, "", "\n\n".join(sections)]) + "\n"
