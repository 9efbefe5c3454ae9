"""`import bounds` is light, and nothing in the house runs back up."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ABOVE = {"bounds": {"simulate", "verify", "reports"}, "simulate": {"verify", "reports"}, "verify": {"reports"}}


def test_bounds_imports_nothing_heavy():
    code = "import sys, bounds; print([m for m in ('torch', 'matplotlib', 'pandas', 'sympy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", ABOVE)
def test_imports_only_run_downwards(package):
    for file in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            roots = {name.split(".")[0] for name in names}
            assert not roots & ABOVE[package], (file, roots)
            assert package != "bounds" or "torch" not in roots


def test_simulate_never_sees_a_bound():
    """A measurement takes from bounds only the problem, not what it is compared with."""
    forbidden = {"bounds.methods", "bounds.certificate", "bounds.constants", "bounds.envelopes"}
    for file in (ROOT / "simulate").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.module not in forbidden, file
