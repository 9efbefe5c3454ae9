"""What Coq has checked: the list of verify/claims/proofs.toml, and the table of docs/proofs.md made from it."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

NOT_YET = "not formalised yet"  # of a claim that the list does not name
LIST = Path(__file__).with_name("proofs.toml")


@dataclass(frozen=True)
class Proof:
    """A statement and the theorems of proofs/*.v that are its proof.

    theorems: "file.theorem"; claims: the ids of the claims that they prove; numeric: whether they compute numbers;
    note: what the theorems leave out of the statement, "" if nothing.
    """

    statement: str
    theorems: tuple[str, ...]
    claims: tuple[str, ...]
    numeric: bool
    note: str


@functools.cache
def proofs() -> tuple[Proof, ...]:
    """The machine-checked statements, in the order of docs/theory.md."""
    return tuple(
        Proof(
            statement=entry["statement"],
            theorems=tuple(entry["theorems"]),
            claims=tuple(entry.get("claims", ())),
            numeric=entry.get("numeric", False),
            note=entry.get("note", ""),
        )
        for entry in tomllib.loads(LIST.read_text(encoding="utf-8"))["proof"]
    )


@functools.cache
def prose() -> dict[str, str]:
    """Claim id -> why its proof is prose, for the claims without a machine-checked theorem."""
    return dict(tomllib.loads(LIST.read_text(encoding="utf-8"))["prose"])


def machine_checked(claim: str) -> str:
    """The theorems that prove a claim, with what they leave out; or "prose: " and the reason."""
    found = [", ".join(p.theorems) + (f" ({p.note})" if p.note else "") for p in proofs() if claim in p.claims]
    return "; ".join(found) or f"prose: {prose().get(claim, NOT_YET)}"


def table() -> str:
    """The table of docs/proofs.md, as Markdown."""
    rows = ["| statement | theorems | claims |", "| --- | --- | --- |"]
    for proof in proofs():
        statement = proof.statement + (f" ({proof.note})" if proof.note else "")
        theorems = ", ".join(f"`{name}`" for name in proof.theorems)
        claims = ", ".join(f"`{name}`" for name in proof.claims)
        rows.append(f"| {statement.replace('|', chr(92) + '|')} | {theorems} | {claims} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(table(), end="")
