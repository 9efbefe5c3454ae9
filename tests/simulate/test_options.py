"""The options of gradient_flow and gradient_descent: where they are listed a second time, the lists agree."""

import inspect
import itertools
import warnings
from types import SimpleNamespace
from typing import get_type_hints

import pytest

from simulate import gradient_descent, gradient_flow
from simulate.cli import main
from simulate.options import FlowOptions, Options
from simulate.solve import forecast

FLOW = inspect.signature(gradient_flow).parameters
DESCENT = inspect.signature(gradient_descent).parameters


def test_the_typed_options_are_those_of_the_signature():
    """FlowOptions serves the overloads of gradient_flow, which differ in `seeds` alone."""
    keywords = get_type_hints(gradient_flow)
    for name in ("problem", "seeds", "return"):
        del keywords[name]
    assert get_type_hints(FlowOptions) == keywords


def test_the_shared_options_are_arguments_of_both():
    for name, annotation in Options.__annotations__.items():
        assert FLOW[name].annotation == DESCENT[name].annotation == annotation
        assert FLOW[name].default == DESCENT[name].default


@pytest.mark.parametrize(("command", "function"), [("flow", gradient_flow), ("descent", gradient_descent)])
def test_the_defaults_of_the_command_line_are_those_of_the_function(monkeypatch, command, function):
    given = {}

    def record(problem, **options):
        given.update(options)
        raise InterruptedError

    record.__signature__ = inspect.signature(function)
    monkeypatch.setattr(f"simulate.cli.{function.__name__}", record)
    with pytest.raises(InterruptedError):
        main([command, "--builtin", "reference"])
    expected = {name: p.default for name, p in inspect.signature(function).parameters.items() if name != "problem"}
    if command == "descent":
        expected["save_every"] = 100
    given.pop("progress"), expected.pop("progress")  # shown on stderr, unless --quiet
    assert given == expected


@pytest.mark.parametrize("command", ["flow", "descent"])
def test_the_help_names_the_defaults(capsys, command):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "m (default 4096)" in shown
    assert ("(default 1e-08)" if command == "flow" else "number of steps (default 50000)") in shown


@pytest.mark.parametrize(("seconds", "told"), [(1e-3, 0), (1e5, 1)])
def test_a_run_that_will_take_long_says_so_once(small, monkeypatch, seconds, told):
    """Two hundred attempts, each hundred of which takes so many seconds by the clock that is looked at."""
    monkeypatch.setattr(forecast, "clock", SimpleNamespace(perf_counter=itertools.count(0.0, seconds).__next__))
    options = {"width": 20, "scale": 3.0, "t_max": 1e4, "loss_ratio": 0.0, "rtol": 1e-9, "max_steps": 450}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = gradient_flow(small, integrator="runge-kutta", **options)
    assert run.stats.steps + run.stats.rejected > 250
    messages = [str(w.message) for w in caught if "minutes are still to come" in str(w.message)]
    assert len(messages) == told
