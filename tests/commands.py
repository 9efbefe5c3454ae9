"""Commands in processes of their own that start quickly: each is forked from a process that has imported the packages.

A new interpreter spends seconds on imports before a session of pytest begins. A forked one is a process all the same,
with arguments, files and an exit code of its own. What the start of the interpreter itself is to show (imports, pipes,
signals, the atexit functions) is tested with `subprocess` where it is asked for.
"""

import contextlib
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["tests.loaded"])


def python_m(module: str, *arguments: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What `python -m module arguments` does in the folder of the repository: its exit code and what it printed.

    env: changes of the environment, which reach what reads it after the import of the packages.
    """
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / name for name in ("stdout", "stderr")]
        command = [module, *map(str, arguments)]
        process = _server.Process(target=_run, args=(command, {**os.environ, **(env or {})}, *outputs))
        with contextlib.chdir(ROOT):  # where the first one finds what it is to begin with
            process.start()
        try:
            process.join()
        finally:
            process.kill()
        stdout, stderr = (path.read_text(encoding="utf-8") for path in outputs)
    return subprocess.CompletedProcess(command, process.exitcode, stdout, stderr)


def _run(command: list[str], environment: dict[str, str], *outputs: Path) -> None:
    """Run the command in this process, which ends with its exit code."""
    for descriptor, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = command
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)
