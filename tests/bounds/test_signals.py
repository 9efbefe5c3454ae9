"""Signals: heard after an import and not in the midst of it, and told by the exit code."""

import signal
import subprocess
import sys
import threading

import pytest

from bounds import signals
from bounds.signals import Stopped, listening

THROUGH_EXEC = """
import sys
from bounds.command_line import run

def main(argv):
    exec("raise KeyboardInterrupt")

sys.exit(run(main, []))
"""


def test_an_interrupt_inside_exec_is_130_as_any_other(tmp_path):
    """A module that `python -m` runs would end by the signal itself (-2), and not with the code of `sys.exit`."""
    (tmp_path / "through_exec.py").write_text(THROUGH_EXEC)
    command = [sys.executable, "-m", "through_exec"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


DURING_IMPORT = """
import sys, time
from bounds.command_line import run

def main(argv):
    import signalled
    time.sleep(30)

sys.exit(run(main, []))
"""
SIGNALLED = """
import signal, time
for _ in range(3):  # an impatient user
    signal.raise_signal(signal.{name})
    time.sleep(0.02)
print("imported", flush=True)
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_waits_for_the_end_of_an_import(tmp_path, name, code):
    """The import is whole, and the signal is heard after it; where it was heard at once, torch aborted the process."""
    (tmp_path / "signalled.py").write_text(SIGNALLED.format(name=name))
    (tmp_path / "imports.py").write_text(DURING_IMPORT)
    command = [sys.executable, "-m", "imports"]

    def defaults():
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a background shell ignores ctrl-C
            signal.signal(signum, signal.SIG_DFL)

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, preexec_fn=defaults)
    assert (done.returncode, done.stdout) == (code, "imported\n"), done.stderr


def test_an_import_that_does_not_end_is_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(signals, "PATIENCE", 0.2)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    lines = "import signal, time\nsignal.raise_signal(signal.SIGINT)\ntime.sleep(30)\n"
    (tmp_path / "without_end.py").write_text(lines)
    try:
        with listening(), pytest.raises(KeyboardInterrupt):
            import without_end  # noqa: F401
    finally:
        signal.signal(signal.SIGINT, before)


def test_handlers_are_given_back_and_ignored_signals_stay_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with listening():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            with pytest.raises(Stopped):
                signal.raise_signal(signal.SIGTERM)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with listening():
            assert signal.getsignal(signal.SIGINT) is signals.raise_stopped
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_nothing_is_heard_in_another_thread():
    heard = []
    thread = threading.Thread(target=lambda: heard.append(signals.listen()))
    thread.start()
    thread.join()
    assert heard == [{}]


def test_a_signal_that_is_put_off_is_heard_at_the_end_of_listening(tmp_path, monkeypatch):
    """Not by the caller's handler, and the next import of the process is as safe as the first."""
    monkeypatch.setattr(signals, "AGAIN", 30.0)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("first_one", "second_one"):
        (tmp_path / f"{name}.py").write_text("import signal\nsignal.raise_signal(signal.SIGTERM)\n")
        with pytest.raises(Stopped), listening():
            __import__(name)
        assert name in sys.modules
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert not signals._coming
        assert not signals._first_heard


def test_a_command_that_an_import_calls_is_interrupted_at_once(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    lines = ["import signal, time", "from bounds.signals import Stopped, listening", "HEARD = False", "try:"]
    lines += [
        "    with listening():",
        "        signal.raise_signal(signal.SIGTERM)",
        "except Stopped:",
        "    HEARD = True",
    ]
    (tmp_path / "calls.py").write_text("\n".join(lines))
    import calls

    assert calls.HEARD


def test_a_signal_in_a_callback_of_the_compiler_waits(monkeypatch):
    """What is raised in one is lost: C, which has called it, goes on."""
    monkeypatch.setattr(signals, "AGAIN", 30.0)
    reached = []
    lines = "signal.raise_signal(signal.SIGTERM)\nreached.append(1)"
    code = compile(lines, "<llvmlite>", "exec")
    with pytest.raises(Stopped), listening():
        exec(code, {"signal": signal, "reached": reached})
    assert reached == [1]
