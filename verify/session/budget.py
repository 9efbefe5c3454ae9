"""The time budget of a session, shared fairly: each test that searches gets an equal part of what is left."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Sequence

import pytest

OPEN_ENDED = {"search", "trials", "effort"}  # fixtures of tests that go on until their time is over


def open_ended(item: pytest.Item) -> bool:
    """Whether the test searches or draws until it is stopped, and so needs a share of the time budget."""
    used = OPEN_ENDED & set(getattr(item, "fixturenames", ()))
    mark = item.get_closest_marker("statistical")
    return bool(used) or (mark is not None and not mark.args)  # statistical(k) draws a fixed number


class Shares:
    """The share of the time budget that belongs to each test.

    stop_at: the end of the session's searches, on the clock (time.monotonic); workers: processes that share the tests.
    end: the time at which the test that has begun must stop. waiting: open-ended tests of all workers yet to begin.
    """

    def __init__(self, stop_at: float, workers: int = 1) -> None:
        self.stop_at = stop_at
        self.workers = workers
        self.waiting = 0
        self.end = stop_at

    def expect(self, items: Sequence[pytest.Item]) -> None:
        """Count the tests of the session; a worker meets its part of them, about one in `workers`."""
        self.waiting = sum(map(open_ended, items))

    def begin(self, item: pytest.Item) -> None:
        """Set `end`, the time at which this test must stop: time left divided by tests left."""
        if not open_ended(item) or math.isinf(self.stop_at):
            self.end = self.stop_at
            return
        now = clock.monotonic()
        tests = max(math.ceil(self.waiting / self.workers), 1)
        self.end = now + max(self.stop_at - now, 0.0) / tests
        self.waiting -= self.workers  # meanwhile every other worker begins one, too
