"""`linrate cite`: BibTeX that can be parsed, and the same version as everywhere."""

import re
import tomllib
from pathlib import Path

import yaml

from bounds.command_line import run
from reports.cite import PAPER, bibtex
from reports.console import main

ROOT = Path(__file__).resolve().parent.parent.parent


def test_bibtex_is_balanced_and_complete(capsys):
    assert run(main, ["cite", "--bibtex"]) == 0
    shown = capsys.readouterr().out
    assert shown == bibtex()
    depth = 0
    for character in shown:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert re.findall(r"@(\w+)\{(\w+),", shown) == [("inproceedings", "chen2022feature"), ("software", "linrate")]
    for field in ("title", "author", "year", "version"):
        assert re.search(rf"^  {field}\s+= \{{.+\}},$", shown, re.MULTILINE)


def test_words_for_people(capsys):
    assert run(main, ["cite"]) == 0
    shown = capsys.readouterr().out
    assert "2204.10782" in shown
    assert "linrate" in shown
    assert max(map(len, shown.splitlines())) <= 200


def test_the_citation_file_is_of_its_format_and_has_the_version_of_the_project():
    """What version 1.2.0 of the Citation File Format requires of the fields that are used."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    known = {"cff-version", "message", "title", "type", "version", "license", "authors", "references"}
    assert {"cff-version", "message", "title", "authors"} <= set(found) <= known
    assert found["cff-version"] == "1.2.0"
    assert found["type"] in ("software", "dataset")
    assert found["license"] == project["license"]
    assert found["version"] == project["version"]
    assert PAPER.startswith("Zhengdao Chen, Eric Vanden-Eijnden and Joan Bruna")
    [paper] = found["references"]
    assert {"authors", "title", "type"} <= set(paper)
    assert [f"{a['given-names']} {a['family-names']}" for a in paper["authors"]] == [
        "Zhengdao Chen", "Eric Vanden-Eijnden", "Joan Bruna"
    ]  # fmt: skip
    assert isinstance(paper["year"], int)
    for identifier in paper["identifiers"]:
        assert identifier["type"] in ("doi", "url", "swh", "other")
        assert identifier["value"]
    for author in (*found["authors"], *paper["authors"]):
        assert {"name"} <= set(author) or {"family-names", "given-names"} <= set(author)
