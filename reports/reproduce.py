"""linrate reproduce: for each claim, erratum and figure the command that shows it, its time, and what is to come out.

What there is, and what is expected of it, is read from the registries; times and outcomes are those of a measured run,
kept in reports/reference/reproduce.csv. The page docs/reproduce.md is made of both.
"""

from __future__ import annotations

import csv
import os
import resource
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bounds
from bounds.command_line import HOLDS, REFUTED
from bounds.csv_file import write_csv
from bounds.data.files import check_writable
from bounds.errors import ArgumentError, DataError, unknown_name
from bounds.text import printable
from bounds.text_table import Column, TextTable
from bounds.versions import versions
from reports.figures.command import FIGURES
from verify.claims import CLAIMS
from verify.claims.expected import expectation
from verify.commands.claims import last_verdicts
from verify.verdict import Verdict

MEASURED = Path(__file__).resolve().parent / "reference" / "reproduce.csv"
COLUMNS = ("id", "command", "cpu_seconds", "outcome", "linrate", "commit", "python", "numpy", "torch")
VERDICTS = {"accepted": Verdict.HOLDS, "rejected": Verdict.REFUTED}  # all others are expected to stay UNDECIDED
REFUTED_AND_REPAIRED = "printed refuted, repaired holds"
DRAWN = "drawn"
TABLE = TextTable(
    [Column("id", 22, "<"), Column("CPU s", 6), Column("expected", 32, "<"), Column("command", align="<")]
)

HEAD = """# How to reproduce

Written by `linrate reproduce --markdown`. `linrate reproduce --run ID ...` runs commands of this page and says whether
what comes out is what is expected; `--run all` runs all of them.

Times are CPU seconds of one core with compiled code in place; "-" was not measured. *Came out* is what that run gave.
Claims are looked at with `--quick` here, without which six times as many flows are searched ([verify.md](verify.md)).
`HOLDS` means that nothing contradicts the claim; a claim without a proof, a reading and a remark stay `UNDECIDED`,
whatever is found ([claims.md](claims.md)).

## All at once

| command | what comes out |
| --- | --- |
| `make verify` | every claim, none unexpected; `reports/output/gaps.csv` |
| `linrate errata` | every erratum refuted in its example, with the repair holding |
| `make proofs` | the theorems that Coq checks ([proofs.md](proofs.md)) |
| `linrate assertions --quick` | what section 4 of the paper asserts ([experiments.md](experiments.md)) |
| `make docs` | the gallery: theory beside measurement, page by page |"""


@dataclass(frozen=True)
class Item:
    """Something to reproduce: id, words for it, the arguments of `linrate` that show it, and what is to come out."""

    id: str
    words: str
    arguments: tuple[str, ...]
    expected: str

    @property
    def command(self) -> str:
        """The command line."""
        return shlex.join(["linrate", *self.arguments])


def claims() -> Iterator[Item]:
    """One item for each claim of `verify.CLAIMS`."""
    for claim in CLAIMS.values():
        verdict = VERDICTS.get(expectation(claim.id), Verdict.UNDECIDED)
        yield Item(claim.id, claim.title, ("verify", "--claims", claim.id, "--quick"), verdict.value)


def errata() -> Iterator[Item]:
    """One item for each erratum of `bounds.errata()`."""
    for e in bounds.errata():
        yield Item(e.id, f"{e.where}: {e.title}", ("errata", e.id), REFUTED_AND_REPAIRED)


def figures() -> Iterator[Item]:
    """One item for each figure of section 4, in the reduced size."""
    for figure, (_, experiment) in FIGURES.items():
        number = experiment.__name__.rpartition("_")[2]
        yield Item(f"figure-{figure}", f"Experiment {number}", ("figure", figure, "--quick"), DRAWN)


def items() -> dict[str, Item]:
    """Everything that there is to reproduce, by its id."""
    return {item.id: item for group in (claims, errata, figures) for item in group()}


# -- running ----------------------------------------------------------------------------------------------------------


def run(item: Item) -> dict[str, Any]:
    """Run the command of an item in a process of its own: a row of COLUMNS."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.csv"
        extra = {"verify": ("-q", "--report", str(report)), "figure": ("--out", folder)}.get(item.arguments[0], ())
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        code = subprocess.run(
            [sys.executable, "-m", "linrate", *item.arguments, *extra],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            check=False,
        ).returncode
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        outcome = _outcome(item, code, report)
    return {"id": item.id, "command": item.command, "cpu_seconds": seconds, "outcome": outcome, **versions()}


def _outcome(item: Item, code: int, report: Path) -> str:
    """What came out, in the words of `expected`; else the exit code."""
    if item.arguments[0] == "verify" and report.exists():
        return last_verdicts(report).get(item.id, Verdict.UNDECIDED.value)
    as_expected = code == HOLDS and item.arguments[0] != "verify"
    return item.expected if as_expected else f"exit code {code}"


def read_measured(file: Path) -> dict[str, dict[str, str]]:
    """id -> row of a file that `run_reproduce` wrote; empty if there is none. Raises DataError for another file."""
    if not file.exists():
        return {}
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            float(row["cpu_seconds"])
        return {row["id"]: row for row in rows}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{str(file)!r} is not a file of linrate reproduce ({error!r}). Name another one.") from None


# -- the page ---------------------------------------------------------------------------------------------------------


def page(measured: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """The lines of docs/reproduce.md."""
    yield HEAD
    for title, group in (("Claims", claims), ("Errata", errata), ("Figures", figures)):
        yield ""
        yield f"## {title}"
        yield ""
        if group is figures:
            yield "Each command writes PNG, SVG and CSV; without `--quick` of the paper's size, in minutes to hours."
            yield ""
        yield "| | what | command | CPU seconds | expected | came out |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for item in group():
            row = measured.get(item.id, {})
            seconds = _seconds(float(row["cpu_seconds"])) if row else "-"
            cells = (
                _name(item),
                _cell(item.words),
                f"`{item.command}`",
                seconds,
                item.expected,
                row.get("outcome", "-"),
            )
            yield f"| {' | '.join(cells)} |"


def _seconds(seconds: float) -> str:
    """Two digits, without an exponent."""
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.2g}"


def _name(item: Item) -> str:
    """The id, as a link where there is a place to read more."""
    if item.arguments[0] == "errata":
        return f"[{item.id}](errata.md#{item.id.lower()})"
    return f"`{item.id}`"


def _cell(text: str) -> str:
    """Text for a cell of a Markdown table."""
    return "".join("\\" + character if character in "*~|" else character for character in text)


# -- the command ------------------------------------------------------------------------------------------------------


def add_reproduce_command(commands: Any) -> None:
    """linrate reproduce"""
    parser = commands.add_parser(
        "reproduce",
        help="the command behind each claim, erratum and figure, its time and what is to come out",
        example="linrate reproduce --run pl E5 figure-1",
    )
    parser.add_argument("--run", nargs="+", metavar="ID", default=[], help="run these, or all, and compare")
    parser.add_argument("--out", metavar="CSV", help="with --run: add times and outcomes to this file")
    parser.add_argument("--markdown", action="store_true", help="write docs/reproduce.md to standard output")


def run_reproduce(options: Any) -> int:
    """List, run, or print the page. Returns 1 if something else came out than is expected, else 0."""
    if options.markdown:
        print("\n".join(page(read_measured(MEASURED))))
        return HOLDS
    if options.run:
        return _run(options.run, check_writable(options.out, "--out") if options.out else None)
    if options.out:
        raise ArgumentError("--out is the file of what --run measures. Add --run all, or --run and some ids.")
    measured = read_measured(MEASURED)
    print(TABLE.head())
    for item in items().values():
        seconds = float(measured[item.id]["cpu_seconds"]) if item.id in measured else None
        print(TABLE.line([item.id, seconds, item.expected, item.command]))
    return HOLDS


def _run(ids: Sequence[str], out: Path | None) -> int:
    """Run the items of these ids, or all of them, print each outcome, and add the rows to the file."""
    known = items()
    for name in ids:
        if name != "all" and name not in known:
            raise unknown_name("id", name, [*known, "all"])
    rows: dict[str, Any] = dict(read_measured(out)) if out is not None else {}
    unexpected = 0
    chosen = list(known.values()) if "all" in ids else [known[name] for name in ids]
    for number, item in enumerate(chosen, start=1):
        print(f"{number}/{len(chosen)}  {item.command}", file=sys.stderr, flush=True)
        rows[item.id] = row = run(item)
        differs = row["outcome"] != item.expected
        unexpected += differs
        note = f"   expected: {item.expected}" if differs else ""
        print(f"{item.id:22} {row['cpu_seconds']:6.1f} s  {printable(row['outcome'])}{note}", flush=True)
        if out is not None:  # after each, so that an interruption loses none that is finished
            write_csv(out, (rows[name] for name in known if name in rows), COLUMNS)
    print(f"{len(chosen) - unexpected} of {len(chosen)} came out as expected.")
    return REFUTED if unexpected else HOLDS
