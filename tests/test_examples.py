"""The examples that Hypothesis draws: the same ones whatever else was imported, and however the test is edited."""

import importlib.util
import sys

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

from tests.commands import python_m

NUMBER = 10**15 + 271828


def draws(count):
    """The integers that a test of this many examples is given."""
    found = []

    @settings(max_examples=count)
    @given(st.integers(10**15, 10**15 + 10**6))
    def test(number):
        found.append(number)

    test()
    return found


def test_no_number_comes_from_the_text_of_a_module(tmp_path, monkeypatch):
    file = tmp_path / "with_a_number.py"
    file.write_text(f"NUMBER = {NUMBER}\n")
    spec = importlib.util.spec_from_file_location("with_a_number", file)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "with_a_number", module)
    spec.loader.exec_module(module)
    assert NUMBER not in draws(300)
    assert not len(providers._local_constants)


SEEDED = """
from hypothesis import given, strategies as st

@given(st.integers())
def test_numbers(number):
    {line}
    print("drawn", number)
"""


def test_an_edit_changes_no_example(tmp_path):
    drawn = []
    for line in ("pass", "assert number == number"):
        (tmp_path / "test_seeded.py").write_text(SEEDED.format(line=line))
        options = ["-q", "-s", "-p", "tests.conftest", "-p", "no:cacheprovider", "--rootdir", tmp_path]
        done = python_m("pytest", tmp_path / "test_seeded.py", *options)
        assert done.returncode == 0, done.stdout
        drawn.append([line for line in done.stdout.splitlines() if "drawn" in line])
    assert len(set(drawn[0])) > 10
    assert drawn[0] == drawn[1]
