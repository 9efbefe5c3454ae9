"""Commands in processes of their own that start quickly: each is forked from a process that has imported the packages.

A new interpreter spends seconds on imports before a session of pytest begins. A forked one is a process all the same,
with arguments, files and an exit code of its own. What the start of the interpreter itself is to show (imports, pipes,
signals, the atexit functions) is tested with `subprocess` where it is asked for.
"""

import atexit
import contextlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parents[1]
GENTLE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["tests.loaded"])


def python_m(module: str, *arguments: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What `python -m module arguments` does in the folder of the repository: its exit code and what it printed.

    env: changes of the environment, which reach what reads it after the import of the packages.
    """
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / name for name in ("stdout", "stderr")]
        command = [module, *map(str, arguments)]
        process = _begun(command, env or {}, *outputs)
        try:
            process.join()
        finally:
            process.kill()
        stdout, stderr = (path.read_text(encoding="utf-8") for path in outputs)
    return subprocess.CompletedProcess(command, process.exitcode, stdout, stderr)


class Started:
    """A command that is running: as a subprocess.Popen that reads one of its outputs, `told`."""

    def __init__(self, process: multiprocessing.Process | subprocess.Popen[str], told: TextIO) -> None:
        self.process, self.told = process, told

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self.process.pid or 0

    @property
    def code(self) -> int | None:
        """Its exit code, or minus the number of the signal that ended it; None while it runs."""
        popen = isinstance(self.process, subprocess.Popen)
        return self.process.poll() if popen else self.process.exitcode

    def wait(self, seconds: float) -> None:
        """Wait for its end. Raises TimeoutError if it has not come then."""
        wait = self.process.wait if isinstance(self.process, subprocess.Popen) else self.process.join
        with contextlib.suppress(subprocess.TimeoutExpired):
            wait(seconds)
        if self.code is None:
            raise TimeoutError(f"process {self.pid} has not ended after {seconds:g} s")


@contextlib.contextmanager
def started(module: str, *arguments: object, told: str, fresh: bool) -> Iterator[Started]:
    """`python -m module arguments`, which hears every signal, as one in the foreground; killed at the end, whatever
    happens.

    told: "stdout" or "stderr", the output that can be read; what it writes to the other one is not kept. fresh: by an
    interpreter of its own.
    """
    command, env = [module, *map(str, arguments)], {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    others = {"stdout", "stderr"} - {told}
    if fresh:
        streams = {told: subprocess.PIPE, others.pop(): subprocess.DEVNULL}
        program = [sys.executable, "-m", *command]
        process = subprocess.Popen(
            program, cwd=ROOT, text=True, env={**os.environ, **env}, preexec_fn=_listen, **streams
        )
        stream = getattr(process, told)
    else:
        ear, mouth = _server.Pipe(duplex=False)
        outputs = (mouth, Path(os.devnull))
        process = _begun(command, env, *(outputs if told == "stdout" else outputs[::-1]))
        mouth.close()
        stream = os.fdopen(os.dup(ear.fileno()), encoding="utf-8")
        ear.close()
    with stream:
        try:
            yield Started(process, stream)
        finally:
            process.kill()
            process.wait() if fresh else process.join()


def _begun(command: list[str], env: Mapping[str, str], *outputs: Path | Connection) -> multiprocessing.Process:
    process = _server.Process(target=_run, args=(command, {**os.environ, **env}, *outputs))
    with contextlib.chdir(ROOT):  # where the first one finds what it is to begin with
        process.start()
    return process


def _listen() -> None:
    for signum in GENTLE:
        signal.signal(signum, signal.SIG_DFL)


def _run(command: list[str], environment: dict[str, str], *outputs: Path | Connection) -> None:
    """Run the command in this process, which ends with its exit code."""
    for name, descriptor, output in zip(("stdout", "stderr"), (1, 2), outputs, strict=True):
        path = isinstance(output, Path)
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT, 0o600) if path else output.fileno(), descriptor)
        if not path:
            output.close()  # so that the end of this process is the end of what can be read
        # A stream remembers whether it was a file or a pipe when it was opened.
        errors = {"stdout": "strict", "stderr": "backslashreplace"}[name]
        setattr(sys, name, os.fdopen(descriptor, "w", buffering=1, encoding="utf-8", errors=errors, closefd=False))
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    _listen()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as at the start of an interpreter
    sys.argv = command
    try:
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # which the processes of multiprocessing leave out
