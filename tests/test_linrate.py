"""The thin package `linrate`: light, lazy, and not taken in by a file of the user's with the same name."""

import subprocess
import sys
from pathlib import Path

import pytest

import linrate

ROOT = Path(__file__).resolve().parent.parent


def python(code, folder):
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env=environment)


def test_import_is_light(tmp_path):
    done = python("import sys, linrate; print([m for m in ('numpy', 'bounds', 'torch') if m in sys.modules])", tmp_path)
    assert done.stdout.strip() == "[]", done.stderr


def test_packages_and_version():
    import bounds
    import simulate

    assert linrate.bounds is bounds
    assert linrate.simulate is simulate
    assert linrate.__version__.count(".") == 2
    assert set(dir(linrate)) == set(linrate.__all__)
    with pytest.raises(AttributeError, match=r"no attribute 'bound'\. It has"):
        linrate.bound  # noqa: B018


def test_a_file_of_the_same_name_is_told_and_not_run(tmp_path):
    (tmp_path / "simulate.py").write_text("raise SystemExit('it was run')")
    done = python("import linrate; linrate.simulate", tmp_path)
    assert "linrate.simulate is hidden by" in done.stderr
    assert "it was run" not in done.stderr
    assert python("import linrate; print(linrate.bounds.Problem)", tmp_path).returncode == 0


def test_as_a_module(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "linrate", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "linrate COMMAND" in done.stdout
