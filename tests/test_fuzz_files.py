"""Random command lines and damaged files: each command ends with 0, 1, 2 or 3, and bad input is told as "error: ".

A few dozen of each in the tests; LINRATE_FUZZ=20000, as `make fuzz` sets it, tries that many.
"""

import contextlib
import io
import os
import signal
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bounds
from bounds.command_line import run
from reports.console import COMMANDS, main
from simulate.checkpoint import Interrupted
from simulate.run import gradient_flow

EXAMPLES = int(os.environ.get("LINRATE_FUZZ", "0"))
LONGEST = 300  # seconds after which a command counts as hanging, on however slow a machine
FUZZ = settings(max_examples=EXAMPLES or 40, derandomize=not EXAMPLES)

ODD = ["", "0", "-1", "-0", "nan", "inf", "1e-320", "1e400", "9" * 30, "9" * 5000, "0x10", "²", "1_0", " 3", "None"]
ODD += ["\x1b[2J", "tanh\n", "a" * 300, "--", "-", "%s", "{0}", "λ", "\udcff", "/", ".", "/dev/zero", "/dev/null"]
NUMBERS = ["1", "2", "3", "8", "0.5", "1e-3", "1e3", *ODD]
VALUES = {
    "--builtin": ["reference", "experiment-1", "experiment-3", "digits", "diabetes", *ODD],
    "--n": ["1", "2", "3", "5", *ODD],
    "--d": ["1", "2", "4", *ODD],
    "--data-seed": NUMBERS,
    "--activation": ["tanh", "relu", "elu", "gelu", "clip", "linear", "cos", *ODD],
    "--embedding": [
        "identity",
        "quadratic",
        "random-features",
        "random-features:depth=1,dim=50",
        "random-features:dim=1" + "0" * 30,
        "random-features:depth=1000000000",
        "random-features:dim=" + "9" * 5000,
        "random-features:seed=²",
        "random-features:activation=none",
        "random-features:dim",
        *ODD,
    ],
    "--delta": NUMBERS,
    "--init": ["independent", "antisymmetric", *ODD],
    "--scale": NUMBERS,
    "--method": ["best", "repaired", "kernel", "slopes", "printed", "shadowing", "transport", *ODD],
    "--budget": NUMBERS,
    "--width": ["1", "2", "3", "20", *ODD],
    "--seed": NUMBERS,
    "--scaling": ["ours", "ntk", "mf", *ODD],
    "--dtype": ["float64", "float32", *ODD],
    "--device": ["auto", "cpu", "cuda", "cuda:99", *ODD],
    "--loss": ["sum", "mean", *ODD],
    "--loss-ratio": NUMBERS,
    "--rtol": ["1e-3", "1e-6", *ODD],
    "--integrator": ["exponential", "runge-kutta", *ODD],
    "--steps": ["0", "1", "20", *ODD],
    "--save-every": NUMBERS,
    "--target": ["y", "a", *ODD],
    "--data": ODD,
    "--out": ["/", "/dev/null", "/dev/full", "/proc/none/x.csv", "/dev/null/x", "a" * 300],
}
PROBLEM = ["--builtin", "--n", "--d", "--data-seed", "--activation", "--embedding"]
BOUND = [*PROBLEM, "--delta", "--init", "--scale", "--method"]
NETWORK = [*PROBLEM, "--width", "--scale", "--seed", "--init", "--scaling", "--dtype", "--device", "--loss", "--out"]
OPTIONS = {
    "width": [*BOUND, "--budget"],
    "table": [*BOUND, "--budget"],
    "covers": [*BOUND, "--width"],
    "flow": [*NETWORK, "--loss-ratio", "--rtol", "--integrator"],
    "descent": [*NETWORK, "--save-every", "--steps"],
    "constants": [],
    "errata": [],
    "certify": ["--activation", "--embedding", "--method"],
}
SMALL = {"flow": ["--t-max", "1e-3", "--width", "8"], "descent": ["--steps", "3", "--width", "8"]}
SMALL |= {name: ["--builtin", "experiment-1", "--n", "3", "--d", "4"] for name in ("width", "table", "covers")}


@contextlib.contextmanager
def no_longer_than(seconds):
    """A command that hangs fails here instead of stopping the tests."""

    def hang(*_):
        raise AssertionError(f"no end within {seconds} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def ends_well(arguments):
    """The command ends with a verdict or one line about its input; no traceback, warning or control character."""
    out, err = io.StringIO(), io.StringIO()
    with no_longer_than(LONGEST), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(main, arguments)
    told = err.getvalue()
    assert code in (0, 1, 2, 3), (arguments, code, told)
    assert code != 2 or told.startswith("error: "), (arguments, told)
    assert not caught, (arguments, [str(w.message) for w in caught])
    assert "Traceback" not in out.getvalue() + told
    assert all(c.isprintable() or c == "\n" for c in out.getvalue() + told), (arguments, out.getvalue(), told)


@st.composite
def command_lines(draw):
    command = draw(st.sampled_from(sorted(OPTIONS)))
    line = [command, *(SMALL.get(command, []) if OPTIONS[command] else [])]
    if command in ("constants", "errata", "certify"):
        line.append(draw(st.sampled_from(["E5", "kappa", "K", *ODD])))
    chosen = draw(st.lists(st.sampled_from(OPTIONS[command]), max_size=3, unique=True)) if OPTIONS[command] else []
    for option in chosen:
        line += [option, draw(st.sampled_from(VALUES[option]))]
    extra = draw(st.sampled_from([[]] * 8 + [["--no-such"], ["--latex"], ["--data", "x.csv"], ["--target", "y"]]))
    return line + extra


@FUZZ
@given(command_lines())
def test_command_lines(tmp_path_factory, line):
    with contextlib.chdir(tmp_path_factory.getbasetemp()):
        ends_well(line)


@pytest.mark.parametrize("command", [*COMMANDS, "no-such", "", "\x1b"])
def test_every_command_refuses_what_it_does_not_know(command):
    if command != "verify":  # whose command line is pytest's
        ends_well([command, "--no-such-option", "\x1b[2J"])


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Files that are right: (the arguments before the name, its ending, the bytes)."""
    folder = tmp_path_factory.mktemp("good")
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((3, 4)), rng.uniform(-0.5, 0.5, 3)
    np.savez(folder / "data.npz", X=X, y=y)
    np.savez_compressed(folder / "small.npz", X=X, y=y)
    np.savetxt(folder / "data.csv", np.column_stack([X, y]), delimiter=",", header="a,b,c,d,y", comments="")
    np.savez(folder / "state.npz", X=X, y=y, H=rng.standard_normal((6, 3)), signs=np.ones(6), activation="tanh")

    def press(*_):
        raise KeyboardInterrupt

    flow = ["flow", "--data", str(folder / "data.npz"), "--width", "6", "--t-max", "1"]
    with contextlib.suppress(Interrupted):
        gradient_flow(bounds.Problem(X, y), width=6, t_max=1.0, checkpoint=folder / "run.npz", progress=press)
    commands = {"data.npz": ["width", "--data"], "small.npz": ["width", "--data"], "data.csv": ["width", "--data"]}
    commands |= {"state.npz": ["certify"], "run.npz": [*flow, "--resume"]}
    return [(line, name, (folder / name).read_bytes()) for name, line in sorted(commands.items())]


def test_the_good_files_are_good(good, tmp_path, capsys):
    for line, name, content in good:
        (tmp_path / name).write_bytes(content)
        assert run(main, [*line, str(tmp_path / name)]) in (0, 3), capsys.readouterr().err


@FUZZ
@given(st.data())
def test_damaged_files(good, tmp_path_factory, data):
    """Bytes are changed, cut out, doubled or inserted; numbers in the text of a .csv become odd ones."""
    line, name, content = data.draw(st.sampled_from(good), label="file")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)), label="at")
        to = min(at + data.draw(st.sampled_from([1, 1, 2, 8, 100, 10**6])), len(content))
        part = data.draw(
            st.one_of(
                st.just(b""),
                st.binary(max_size=9),
                st.just(content[at:to] * 2),
                st.sampled_from([odd.encode(errors="surrogateescape") for odd in ODD]),
            )
        )
        content = content[:at] + part + content[to:]
    file = tmp_path_factory.getbasetemp() / f"damaged-{name}"
    file.write_bytes(content)
    ends_well([*line, str(file)])
