"""The time budget of a session, shared fairly: each test that searches gets an equal part of what is left."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Sequence

import pytest

HUNGRY = {"search", "trials", "effort"}  # the fixtures that go on as long as they may


def hungry(item: pytest.Item) -> bool:
    """Whether the test searches or draws until it is stopped."""
    asked = HUNGRY & set(getattr(item, "fixturenames", ()))
    mark = item.get_closest_marker("statistical")
    return bool(asked) or (mark is not None and not mark.args)  # one with a count draws a fixed number


class Shares:
    """stop_at: of the session, on the clock (time.monotonic); workers: processes that share the tests."""

    def __init__(self, stop_at: float, workers: int = 1) -> None:
        self.stop_at, self.workers = stop_at, workers
        self.waiting, self.end = 0, stop_at

    def expect(self, items: Sequence[pytest.Item]) -> None:
        """The tests of the session; a worker meets its part of them, about one in `workers`."""
        self.waiting = sum(map(hungry, items))

    def begin(self, item: pytest.Item) -> None:
        """Set `end`, the time at which this test must stop: time left divided by tests left."""
        if not hungry(item) or math.isinf(self.stop_at):
            self.end = self.stop_at
            return
        now = clock.monotonic()
        tests = max(math.ceil(self.waiting / self.workers), 1)
        self.end = now + max(self.stop_at - now, 0.0) / tests
        self.waiting -= self.workers  # each of the others begins one, too
