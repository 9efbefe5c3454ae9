"""Exit codes: a fault of ours, a full disk, a closed pipe and a signal are none of the verdicts 0, 1, 2, 3."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from bounds.command_line import run
from bounds.signals import Stopped
from reports.console import main

ROOT = Path(__file__).resolve().parents[2]
ENTRY = [sys.executable, "-c", "import sys; from reports.console import entry; sys.exit(entry())"]


def fail(error):
    def command(_):
        raise error

    return command


def test_a_fault_of_ours_is_one_line_and_70(capsys, monkeypatch):
    monkeypatch.delenv("LINRATE_DEBUG", raising=False)
    assert run(fail(ZeroDivisionError("division by zero"))) == 70
    message = capsys.readouterr().err
    assert message.startswith("internal error: ZeroDivisionError: division by zero")
    assert "report this line" in message
    assert message.count("\n") == 1
    assert "Traceback" not in message
    monkeypatch.setenv("LINRATE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run(fail(ZeroDivisionError("division by zero")))


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (Stopped(signal.SIGTERM), 143, "SIGTERM"),
        (Stopped(signal.SIGHUP), 129, "SIGHUP"),
        (MemoryError(), 2, "error: this needs more memory"),
        (BrokenPipeError(), 141, ""),
        (OSError(28, "No space left on device"), 74, "error: the standard output could not be written: No space"),
        (SystemExit(0), 0, ""),
    ],
)
def test_each_end_has_its_code(capsys, error, code, words):
    assert run(fail(error)) == code
    assert words in capsys.readouterr().err


def test_signals_are_heard_only_while_a_command_runs(capsys):
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    def command(_):
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    assert run(command) == 143
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    try:
        assert run(lambda _: os.kill(os.getpid(), signal.SIGHUP) or 0) == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_a_full_standard_output_is_74():
    with open("/dev/full", "w") as full:
        done = subprocess.run([*ENTRY, "table", "--quiet"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 74
    assert done.stderr == "error: the standard output could not be written: No space left on device.\n"


def test_a_closed_pipe_ends_quietly():
    process = subprocess.Popen([*ENTRY, "constants"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(60) == 141


@pytest.mark.parametrize("init", ["independent", "antisymmetric"])
def test_a_table_with_more_points_than_dimensions(capsys, init):
    """lambda_min is zero there, and the kernel method applies."""
    assert run(main, ["table", "--n", "5", "--d", "4", "--init", init]) == 0
    shown = capsys.readouterr().out
    assert "kernel" in shown
    (line,) = (line for line in shown.splitlines() if line.startswith("kernel "))
    assert line.split()[4] == "-"  # rate / (scale^2 lambda_min) has no value there
    assert shown.count("needs lambda_min(G) > 0") == 1  # one diagnosis for all the methods that need it


CRASHES = """
    import pytest
    from bounds import AssumptionError

    @pytest.mark.claim("pl")
    def test_crash():
        {body}
"""


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("1 / 0", 70),
        ("pytest.fail('pl REFUTED')", 1),
        ("assert 1 == 2", 1),
        ("raise AssumptionError('the data do not fit')", 2),
        ("raise KeyboardInterrupt", 130),
        ("import os, signal, time; os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)", 143),
        ("pass", 0),
    ],
)
def test_a_session_tells_a_crash_from_a_refutation(tmp_path, body, code):
    (tmp_path / "test_planted.py").write_text(textwrap.dedent(CRASHES).format(body=body))
    plugins = ["-p", "no:cacheprovider", "-p", "verify.conftest", "--rootdir", str(ROOT / "verify")]
    command = [sys.executable, "-m", "pytest", str(tmp_path), "-q", *plugins]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("fault of linrate" in done.stdout) == (code == 70)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no-such"], "unrecognized arguments: --no-such"),
        (["--alpha", "2"], "error: --alpha must be in (0, 1)"),
        (["--seed", "9" * 5000], "error: --seed must be"),
        (["--claims", "pl", "-k", "nothing_of_that_name"], ""),
    ],
)
def test_bad_options_of_a_session_are_2(arguments, words):
    done = subprocess.run([*ENTRY, "verify", *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_every_help_tells_the_codes(capsys):
    with pytest.raises(SystemExit):
        main(["width", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    codes = (
        "exit codes: 0 holds, 1 refuted, 3 undecided; 2 bad input, 69 a scheduler or another process has gone,"
        " 70 a fault of linrate, 74"
    )
    assert f"{codes} the output cannot" in shown
