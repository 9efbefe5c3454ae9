"""Many cases, wherever they are run: from the cache where they are there, with the time left on the terminal."""

from __future__ import annotations

import functools
import sys
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bounds.cells import open_engine
from bounds.cells.engines import Executor
from bounds.cells.progress import EVERY, CellProgress, to_terminal
from bounds.data.files import FULL
from bounds.errors import EngineError, LinrateError, WriteError
from bounds.progress import QUIET, announce, duration
from bounds.versions import versions
from reports.experiments import case as cases_of
from reports.experiments.cache import Cache
from reports.experiments.case import FAILED, Case, Result, result_of, run_case
from reports.experiments.certified import Certified


class Runner:
    """Runs cases and keeps their results in a cache.

    retry: whether runs that failed are tried again; executor: where they are run, as in `run_cells`: other processes
    and workers must see the folder of the cache; write: where the line about the progress of a run
    in this process goes, by default to stderr if that is a terminal.
    """

    def __init__(
        self,
        cache: Cache,
        *,
        retry: bool = False,
        executor: Executor = None,
        write: Callable[[str], None] | None = None,
    ) -> None:
        self.cache, self.retry, self.executor = cache, retry, executor
        self.write = write if write is not None else (to_terminal if sys.stderr.isatty() and not QUIET.get() else None)
        self.measured = [0.0, 0.0]  # the cost of the runs that were made, and the seconds that they took

    def certified(self, case: Case, what: str, find: Callable[[], Certified]) -> Certified:
        """The certificate of a case, kept in the cache under the name `what`: see Cache.certified.

        It is said that it is searched, which may take minutes.
        """

        def told() -> Certified:
            announce(f"certificate {what} of {case.label} ...")
            return find()

        return self.cache.certified(case, what, told)

    def results(self, cases: Sequence[Case]) -> list[Result]:
        """One for each case, in order. A run that fails gives a result with its error and ends no other.

        Raises WriteError if the disk is full, DataError for a file of the cache that is of another version, and what
        `open_engine` raises.
        """
        found: dict[Case, Result] = {}
        for case in cases:
            known = self.cache.read(case)
            if known is not None and not (self.retry and known.status == FAILED):
                found[case] = known
        todo = [case for case in dict.fromkeys(cases) if case not in found]
        if todo:
            self._run(todo, found, len(cases))
        return [found[case] for case in cases]

    def _run(self, todo: list[Case], found: dict[Case, Result], total: int) -> None:
        """Run cases, and keep each result as soon as it is known."""
        here = self.executor is None and self.write is not None  # each run tells its own progress
        progress = CellProgress(quiet=QUIET.get() or here, what="runs")
        progress.begin(len(todo))
        with open_engine(self.executor) as engine:
            work: Callable[[Case], Result] = functools.partial(_run_in, self.cache.folder, self.retry)
            if self.executor is None:
                work = functools.partial(self._run_here, todo, total)
            try:
                for at, outcome in engine(work, todo):
                    case = todo[at]
                    result = outcome.value or Result(case, FAILED, outcome.error, origin=dict(versions()))
                    self.cache.write(result)
                    found[case] = result
                    progress.step(result.status == FAILED)
            except (KeyboardInterrupt, EngineError, WriteError):
                for case in todo:
                    if case not in found:
                        self.cache.interrupted(case)
                raise
            finally:
                progress.end()
                if here and self.write is not None:
                    self.write("")

    def _run_here(self, todo: list[Case], total: int, case: Case) -> Result:
        """A run in this process, with its progress."""
        at = todo.index(case)
        label = f"[{total - len(todo) + at + 1}/{total}] {case.label}"
        result = kept_run(self.cache, self.retry, case, self._show(label, sum(other.cost for other in todo[at:])))
        self.measured[0] += case.cost
        self.measured[1] += result.seconds
        return result

    def _show(self, label: str, left: float) -> cases_of.Progress | None:
        """A function for simulate that rewrites the line; None where there is no terminal."""
        if self.write is None:
            return None
        write, last = self.write, [0.0]
        cost, seconds = self.measured
        guess = f", {duration(left * seconds / cost)} left" if cost else ""

        def show(time: float, loss: float, step: int, tau: float) -> None:
            if clock.monotonic() - last[0] > EVERY:
                last[0] = clock.monotonic()
                write(f"{label}: t={time:.3g} loss={loss:.2e}{guess}")

        return show


def kept_run(cache: Cache, retry: bool, case: Case, progress: cases_of.Progress | None) -> Result:
    """Run a case from its checkpoint, if there is one. A run that fails gives a result with its error.

    Raises WriteError if the disk is full.
    """
    if retry:
        cache.interrupted(case)
    if not cache.begin(case):
        words = "the process ended twice in this run without a result: killed, or out of memory. Try --retry"
        return Result(case, FAILED, words, origin=dict(versions()))
    began = clock.monotonic()
    checkpoint = cache.file(case, "part.npz")
    try:
        try:
            run = run_case(case, checkpoint, progress)
        except LinrateError as error:
            if isinstance(error, WriteError) or not checkpoint.exists():
                raise
            checkpoint.unlink()  # it cannot be used, whatever the reason: begin anew
            run = run_case(case, checkpoint, progress)
        result = result_of(case, run, dict(versions()))
    except (WriteError, KeyboardInterrupt):
        cache.interrupted(case)
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise WriteError(f"the disk is full; finished runs are kept in {str(cache.folder)!r}.") from None
        result = Result(case, FAILED, f"{type(error).__name__}: {error}", origin=dict(versions()))
    return replace(result, seconds=clock.monotonic() - began)


def _run_in(folder: Path, retry: bool, case: Case) -> Result:
    """As kept_run, in another process."""
    return kept_run(Cache(folder), retry, case, None)
