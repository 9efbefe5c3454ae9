"""linrate doctor: everything it tells is there, and nothing that is missing on a machine ends it."""

import json
import subprocess

import pytest

from bounds.command_line import run
from reports import doctor
from reports.console import main
from simulate.device import require_memory
from simulate.memory import Run, threads_of


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(doctor, "PRODUCT_SECONDS", 0.0)
    monkeypatch.setattr(doctor, "LARGE", 16)


def test_the_report(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "FLOW", {"n": 2, "width": 4, "loss_ratio": 0.9})
    monkeypatch.setattr(doctor, "FLOW_PATIENCE", 300.0)
    assert run(main, ["doctor", "--json"]) == 0
    shown = capsys.readouterr()
    announced = [line.split()[0] for line in shown.err.splitlines()]
    assert announced == ["looking", "multiplying", "following"]  # each part that takes a while
    found = json.loads(shown.out)
    assert set(found) == {"machine", "speed in GFlop/s", "simulation", "compiled loops", "versions"}
    assert all(rate > 0 for rate in found["speed in GFlop/s"].values())
    assert len(found["speed in GFlop/s"]) == 4
    assert found["versions"]["numpy"]
    reached = found["simulation"]
    assert reached["small flow"]["evaluations"] > 0
    assert reached["estimated seconds"]["1000000"] == pytest.approx(100 * reached["estimated seconds"]["10000"])


def test_the_largest_width_is_the_one_that_is_accepted(monkeypatch):
    monkeypatch.setattr("simulate.device.available_memory", lambda device: 10**9)
    monkeypatch.setattr(doctor, "available_memory", lambda: 10**9)
    monkeypatch.setattr(doctor, "SMALL_FLOW", "")
    for n, width in doctor.reach()["largest width"].items():
        for name, low in (("width", False), ("low memory", True)):
            chosen = {"n": int(n), "method": "exponential", "low_memory": low, "threads": threads_of(10**9)}
            require_memory(Run(width=width[name], **chosen), "cpu")
            with pytest.raises(ValueError, match="available"):
                require_memory(Run(width=width[name] + 1, **chosen), "cpu")


def test_a_machine_that_has_nothing(capsys, monkeypatch):
    """No programs, no memory that is known, no package, and a flow that does not end in time."""

    def nothing(*command, **options):
        raise subprocess.TimeoutExpired(command, 1)

    def absent(name):
        raise doctor.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.subprocess, "run", nothing)
    monkeypatch.setattr(doctor, "available_memory", lambda: None)
    monkeypatch.setattr(doctor.importlib.metadata, "version", absent)
    assert run(main, ["doctor"]) == 0
    shown = capsys.readouterr().out
    for words in ("GPU        none", "Coq        not found", "dask         not installed", "did not end in 6 s"):
        assert words in shown
    assert max(map(len, shown.splitlines())) < 130
