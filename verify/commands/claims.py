"""linrate claims: every claim with its hypotheses and its last verdict, or as the page docs/claims.md."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from bounds.command_line import HOLDS, Parser
from bounds.errors import DataError
from verify.claims import CLAIMS, Claim
from verify.claims.expected import ACCEPTED, PRINTED, READINGS, REJECTED, REMARKS, UNKNOWN, expectation
from verify.claims.proofs import machine_checked
from verify.verdict import Verdict, combine

DEFAULT_REPORT = Path("reports") / "output" / "gaps.csv"  # where `make verify` writes
NOT_RUN = "not run"  # shown for a claim without a row in the report

HEAD = """# The claims

Written by `linrate claims --markdown`. `pytest verify/` puts each of them to the test; `linrate claims` shows the last
verdict. A claim is *accepted* where it is proved and nothing that was run contradicts it (`HOLDS`, which is no proof),
*rejected* where a counterexample is computed (`REFUTED`; see [errata.md](errata.md)), and *unknown* where a search
found no counterexample and no proof is known: that comes out as `UNDECIDED`, never as `HOLDS`. A *reading* has a
counterexample too, but the text of the paper leaves another reading, and a *remark* is on the experiments or on other
work: both come out as `UNDECIDED`, for no certain statement of the theory is refuted. What is expected is read by tests
only; no verdict sees it. Proofs are in [theory.md](theory.md); the last column names the theorems that Coq has checked,
or says why there is none ([proofs.md](proofs.md)).

Of {total} claims {accepted} are accepted, {rejected} rejected ({printed} of them statements of the paper), {unknown}
unknown, {readings} readings and {remarks} remarks. The kind says what a claim speaks of: every run, a share
1 - delta of the draws, or constants and draws without a run.
"""


def last_verdicts(report: Path) -> dict[str, str]:
    """Claim id -> its verdict in a report CSV, over the tested rows that say something.

    Raises DataError for a file that is no report.
    """
    try:
        with report.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            missing = {"claim", "verdict", "vacuous", "trials"} - set(reader.fieldnames or ())
            if missing:
                raise ValueError(f"no column {sorted(missing)[0]!r}")
            found: dict[str, list[Verdict]] = {}
            for row in reader:
                if row["trials"] != "0" and row["vacuous"] != "True":
                    found.setdefault(row["claim"], []).append(Verdict(row["verdict"]))
    except (OSError, ValueError) as error:
        raise DataError(f"{str(report)!r} is no report of linrate ({error!r}). Write one: linrate verify --report"
                        " gaps.csv") from None  # fmt: skip
    return {name: combine(verdicts).value for name, verdicts in found.items()}


def listing(verdicts: dict[str, str]) -> str:
    """Every claim with its last verdict (claim id -> verdict), statement, source and hypotheses, as text."""
    blocks = []
    for claim in CLAIMS.values():
        blocks.append(
            f"{claim.id:22} {verdicts.get(claim.id, NOT_RUN)}\n  {claim.title}\n  ${claim.latex}$\n"
            f"  {claim.source}; {claim.whose}; {claim.kind}\n  if: {claim.hypotheses}\n"
            f"  machine-checked: {machine_checked(claim.id)}"
        )
    return "\n".join(blocks)


def _cell(text: str) -> str:
    """Text for a cell of a Markdown table: bars are escaped, lines joined."""
    return text.replace("|", r"\|").replace("\n", " ")


def _formula(latex: str) -> str:
    """LaTeX for a cell of a Markdown table: bars are written as commands, since a bar would end the cell."""
    return "$" + latex.replace(r"\|", r"\Vert ").replace("|", r"\vert ") + "$"


def _row(claim: Claim) -> str:
    """The line of the claim in the table of docs/claims.md."""
    statement = f"{_cell(claim.title)} {_formula(claim.latex)}"
    cells = (f"`{claim.id}`", statement, _cell(claim.source), claim.whose, claim.kind, _cell(claim.hypotheses))
    return "| " + " | ".join((*cells, expectation(claim.id), _cell(machine_checked(claim.id)))) + " |"


def markdown() -> str:
    """The page docs/claims.md."""
    head = HEAD.format(
        total=len(CLAIMS),
        accepted=len(ACCEPTED),
        rejected=len(REJECTED),
        printed=len(PRINTED),
        unknown=len(UNKNOWN),
        readings=len(READINGS),
        remarks=len(REMARKS),
    )
    columns = ("id", "statement", "source", "whose", "kind", "hypotheses", "expected", "machine-checked")
    table = ["| " + " | ".join(columns) + " |", "| " + " | ".join("---" for _ in columns) + " |"]
    return "\n".join([head, *table, *(_row(claim) for claim in CLAIMS.values())]) + "\n"


def parser() -> Parser:
    """The options of the command."""
    found = Parser(prog="linrate claims", example="linrate claims --report gaps.csv")
    found.add_argument("--markdown", action="store_true", help="write docs/claims.md to standard output")
    found.add_argument("--report", metavar="CSV", help=f"take the last verdicts from here (default {DEFAULT_REPORT})")
    return found


def main(argv: Sequence[str]) -> int:
    """linrate claims [--markdown] [--report CSV]; returns the exit code."""
    options = parser().parse_args(argv)
    if options.markdown:
        print(markdown(), end="")
        return HOLDS
    report = Path(options.report) if options.report else DEFAULT_REPORT
    print(listing(last_verdicts(report) if options.report or report.exists() else {}))
    return HOLDS
