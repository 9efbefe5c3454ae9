"""The command `python -m benchmarks` begins, with what it takes from the tests."""

from tests.commands import python_m


def test_help():
    done = python_m("benchmarks", "--help")
    assert done.returncode == 0, done.stderr
    assert "kinks-error" in done.stdout
