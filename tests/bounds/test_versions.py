"""What a report says about the software behind its numbers."""

import importlib.metadata
import platform
import re
import shutil
import subprocess

import numpy as np
import torch

import bounds.versions
from bounds.versions import COLUMNS, versions


def test_versions_are_those_that_run():
    found = versions()
    assert tuple(found) == COLUMNS
    assert found["numpy"] == np.__version__
    assert found["torch"] == str(torch.__version__)
    assert found["python"] == platform.python_version()
    assert found["linrate"] == importlib.metadata.version("linrate")
    assert found["commit"] == "unknown" or re.search(r"[0-9a-f]{7}", found["commit"])


def test_the_commit_of_a_foreign_repository_is_not_ours(tmp_path, monkeypatch):
    """A copy of the package installed below somebody else's repository."""
    installed = tmp_path / "venv" / "bounds"
    installed.mkdir(parents=True)
    shutil.copy(bounds.versions.__file__, installed)
    (tmp_path / "theirs.txt").write_text("theirs\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", str(tmp_path)]
    for arguments in (["init", "-q"], ["add", "theirs.txt"], ["commit", "-q", "-m", "theirs"]):
        subprocess.run([*git, *arguments], check=True)
    monkeypatch.setattr(bounds.versions, "__file__", str(installed / "versions.py"))
    assert bounds.versions._commit() == "unknown"
    subprocess.run([*git, "add", "venv"], check=True)
    assert re.fullmatch(r"[0-9a-f]{12}-dirty", bounds.versions._commit())
