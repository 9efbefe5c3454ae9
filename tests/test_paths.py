"""Every path that the documentation, a docstring or a comment names is that of a file or folder of this repository."""

import functools
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("bounds", "simulate", "verify", "reports", "linrate", "tests", "benchmarks", "docs")
PYTHON_FILE = re.compile(r"(?<![\w./-])(?:[\w-]+/)+[\w-]+\.py\b")  # x/y.py
OUR_FOLDER = re.compile(rf"(?<![\w./-])(?:{'|'.join(PACKAGES)})/(?:[\w-]+/)*(?![\w.*-])")  # bounds/ or bounds/data/
OUTPUT = ("reports/output/", "benchmarks/output/")  # written by make verify and make bench, and ignored by git


@functools.cache
def texts() -> dict[str, str]:
    """Path from the root -> text, of every Markdown and Python file that is not ignored by git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md", "*.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    names = done.stdout.split()
    if done.returncode != 0:  # a copy of the source without its repository
        folders = [ROOT / package for package in PACKAGES]
        files = [*ROOT.glob("*.md"), *(file for folder in folders for file in folder.rglob("*") if file.is_file())]
        names = [str(file.relative_to(ROOT)) for file in files if file.suffix in (".md", ".py")]
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in names if (ROOT / name).is_file()}


def missing(name: str, text: str) -> list[str]:
    """The paths in the text of file `name` that exist neither from the root, nor a package, nor the file's folder."""
    named = {*PYTHON_FILE.findall(text), *OUR_FOLDER.findall(text)}
    places = (ROOT, (ROOT / name).parent, *(ROOT / package for package in PACKAGES))
    return sorted(
        path for path in named if not path.startswith(OUTPUT) and not any((place / path).exists() for place in places)
    )


def test_there_is_something_to_check():
    assert len(texts()) > 200
    assert sum(len(PYTHON_FILE.findall(text)) for text in texts().values()) > 50


@pytest.mark.parametrize("name", [name for name in texts() if name != "tests/test_paths.py"])
def test_named_paths_exist(name):
    assert missing(name, texts()[name]) == []


def test_a_wrong_path_is_noticed():
    text = "see `bounds/" + "nothing.py`, tests/" + "nowhere/ and docs/claims.md; a/b.python, c/" + "d.py"
    assert missing("README.md", text) == ["bounds/nothing.py", "c/d.py", "tests/nowhere/"]
