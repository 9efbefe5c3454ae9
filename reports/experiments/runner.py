"""Many cases, one after another: from the cache where they are there, with the time that is left."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Sequence
from dataclasses import replace

from bounds.data.files import FULL
from bounds.errors import LinrateError, WriteError
from bounds.progress import Progress as Line
from bounds.progress import duration
from bounds.versions import versions
from reports.experiments.cache import Cache
from reports.experiments.case import FAILED, Case, Progress, Result, result_of, run_case

EVERY = 0.5  # seconds between two lines on the terminal


class Runner:
    """Runs cases and keeps their results in a cache.

    retry: whether runs that failed are tried again; write: where the line about the progress goes, by default to stderr
    as `bounds.progress` says.
    """

    def __init__(self, cache: Cache, *, retry: bool = False, write: Callable[[str], None] | None = None) -> None:
        self.cache, self.retry = cache, retry
        self.write = write if write is not None else Line("runs").show
        self.measured = [0.0, 0.0]  # the cost of the runs that were made, and the seconds that they took

    def results(self, cases: Sequence[Case]) -> list[Result]:
        """One for each case, in order. A run that fails gives a result with its error and ends no other.

        Raises WriteError if the disk is full, DataError for a file of the cache that is of another version.
        """
        found = []
        for number, case in enumerate(cases):
            known = self.cache.read(case)
            if known is None or (self.retry and known.status == FAILED):
                left = sum(other.cost for other in cases[number:])
                known = self._run(case, f"[{number + 1}/{len(cases)}] {case.label}", left)
                self.cache.write(known)
            found.append(known)
        self.write("")
        return found

    def _run(self, case: Case, label: str, left: float) -> Result:
        if self.retry:
            self.cache.interrupted(case)
        if not self.cache.begin(case):
            words = "the process ended twice in this run without a result: killed, or out of memory. Try --retry"
            return Result(case, FAILED, words, origin=dict(versions()))
        began = clock.monotonic()
        checkpoint = self.cache.file(case, "part.npz")
        try:
            try:
                run = run_case(case, checkpoint, self._progress(label, left))
            except LinrateError as error:
                if isinstance(error, WriteError) or not checkpoint.exists():
                    raise
                checkpoint.unlink()  # it cannot be used, whatever the reason: begin anew
                run = run_case(case, checkpoint, self._progress(label, left))
            result = result_of(case, run, dict(versions()))
        except (WriteError, KeyboardInterrupt):
            self.cache.interrupted(case)
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in FULL:
                raise WriteError(f"the disk is full; finished runs are kept in {str(self.cache.folder)!r}.") from None
            result = Result(case, FAILED, f"{type(error).__name__}: {error}", origin=dict(versions()))
        seconds = clock.monotonic() - began
        self.measured[0] += case.cost
        self.measured[1] += seconds
        return replace(result, seconds=seconds)

    def _progress(self, label: str, left: float) -> Progress:
        """A function for simulate that rewrites the line."""
        write, last = self.write, [0.0]
        cost, seconds = self.measured
        guess = f", {duration(left * seconds / cost)} left" if cost else ""

        def show(time: float, loss: float, step: int, tau: float) -> None:
            if clock.monotonic() - last[0] > EVERY:
                last[0] = clock.monotonic()
                write(f"{label}: t={time:.3g} loss={loss:.2e}{guess}")

        return show
