"""Signals: heard after an import and not in it, and told by the exit code."""

import signal
import subprocess
import sys
import threading

import pytest

from bounds.signals import Stopped, held, listening

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


@pytest.mark.parametrize(
    ("signum", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Stopped), (signal.SIGHUP, Stopped)]
)
def test_a_signal_waits_for_the_end_of_held(signum, error):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores it
    reached = []

    def work():
        with held():
            signal.raise_signal(signum)
            signal.raise_signal(signum)  # twice, as an impatient user does: it is heard once
            reached.append("end")

    try:
        with listening():
            handler = signal.getsignal(signum)
            with pytest.raises(error):
                work()
            assert signal.getsignal(signum) is handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert reached == ["end"]


def test_nothing_is_held_of_what_is_ignored_or_in_another_thread():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            signal.raise_signal(signal.SIGINT)
        reached = []

        def work():
            with held():
                reached.append(signal.getsignal(signal.SIGTERM))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert reached == [signal.getsignal(signal.SIGTERM)]
