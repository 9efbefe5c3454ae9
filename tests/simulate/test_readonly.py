"""A read-only installation, whose user has no home: compiled without a cache, which is said once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_import_where_nothing_can_be_cached(tmp_path):
    """Files in place of the folders for compiled code, which even root cannot write into."""
    for package in ("bounds", "simulate"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [folder for folder in (tmp_path / "simulate").rglob("*") if folder.is_dir()]:
        (folder / "__pycache__").write_text("")
    script = (
        "import simulate, sys\n"
        "from simulate.integrators.exponential.phi import *\n"
        "from simulate.field.elementwise import CACHE, exp_\n"
        "print(simulate.__file__, CACHE, abs(exp_(1.0) - 2.718281828459045) < 1e-14)"
    )
    env = {**os.environ, "HOME": "/proc/none", "XDG_CACHE_HOME": "/proc/none", "PYTHONPATH": str(tmp_path)}
    env |= {"PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run([sys.executable, "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "simulate" / "__init__.py"), "False", "True"]
    assert done.stderr.count("NUMBA_CACHE_DIR") == 1
