"""The versions that every row of a report carries, so that its numbers can be computed again."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import subprocess
from pathlib import Path

COLUMNS = ("linrate", "commit", "python", "numpy", "torch")
UNKNOWN = "unknown"
PATIENCE = 10.0  # seconds that git may take


@functools.cache
def versions() -> dict[str, str]:
    """The versions of linrate, Python, numpy and torch, and the commit of the source, by the names in COLUMNS.

    Versions are read from the installed packages without importing them; what is not known is "unknown".
    """
    return {
        "linrate": _installed("linrate"),
        "commit": _commit(),
        "python": platform.python_version(),
        "numpy": _installed("numpy"),
        "torch": _installed("torch"),
    }


def _installed(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return UNKNOWN


def _commit() -> str:
    """The commit of this checkout, with "-dirty" if files were changed since.

    An installed copy may lie inside another project's repository, whose commit says nothing about our code: so this
    file must be one that the repository tracks.
    """
    try:
        _git("ls-files", "--error-unmatch", Path(__file__).name)
        return _git("describe", "--always", "--dirty", "--abbrev=12")
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=Path(__file__).resolve().parent,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return done.stdout.strip()
