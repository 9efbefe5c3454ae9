"""`linrate cite`: BibTeX that can be parsed, and the same version as everywhere."""

import re
import tomllib
from pathlib import Path

from bounds.command_line import run
from reports.cite import bibtex
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


def test_the_citation_file_has_the_version_of_the_project():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    text = (ROOT / "CITATION.cff").read_text()
    keys = dict(re.findall(r"^([a-z-]+): *(.*)$", text, re.MULTILINE))
    assert {"cff-version", "message", "title", "authors"} <= set(keys)  # what version 1.2.0 of the format requires
    assert keys["version"] == version
