"""A pytest plugin for sessions of `pytest verify/` in tests: their time budget is counted on a clock that goes on by a
quarter of a second each time it is read, whatever the machine does, so once for each trial or flow that is begun."""

import itertools
from types import SimpleNamespace

from verify.runs import trials
from verify.search import hypothesis_search, push, shrink
from verify.session import budget, options

TICK = 0.25
ticks = itertools.count()
clock = SimpleNamespace(monotonic=lambda: TICK * next(ticks))
for module in (budget, options, trials, hypothesis_search, push, shrink):
    module.clock = clock
