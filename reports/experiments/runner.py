"""Many cases, wherever they are run: from the cache where they are there, with the time left on the terminal."""

from __future__ import annotations

import functools
import sys
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class Search:
    """A certificate that is searched: that of a case, kept under the name `what`; see Cache.certified.

    find: for other processes a functools.partial of a function of a module.
    """

    case: Case
    what: str
    find: Callable[[], Certified]


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

    def certified(self, search: Search) -> Certified:
        """The certificate that is searched, from the cache if it is there: see Cache.certified.

        It is said that it is searched, which may take minutes.
        """

        def found() -> Certified:
            announce(f"certificate {search.what} of {search.case.label} ...")
            return search.find()

        return self.cache.certified(search.case, search.what, found)

    def results(self, cases: Sequence[Case], searches: Sequence[Search] = ()) -> list[Result]:
        """One for each case, in order. A run that fails gives a result with its error and ends no other.

        searches: certificates that will be asked for. Other processes search them beside the runs, so that they are in
        the cache then; in this process each is searched when it is asked for.

        Raises WriteError if the disk is full, DataError for a file of the cache that is of another version, and what
        `open_engine` raises.
        """
        found: dict[Case, Result] = {}
        for case in cases:
            known = self.cache.read(case)
            if known is not None and not (self.retry and known.status == FAILED):
                found[case] = known
        todo = [case for case in dict.fromkeys(cases) if case not in found]
        elsewhere: list[Search] = []
        if self.executor is not None:
            todo.sort(key=lambda case: -case.cost)  # the longest first, so that no process is left alone with one
            elsewhere = [search for search in searches if not self.cache.has_certificate(search.case, search.what)]
        if todo or elsewhere:
            self._run(todo, elsewhere, found, len(cases))
        return [found[case] for case in cases]

    def _run(self, todo: list[Case], searches: list[Search], found: dict[Case, Result], total: int) -> None:
        """Run cases, and keep each result as soon as it is known; search certificates, whose processes keep them."""
        here = self.executor is None and self.write is not None  # each run tells its own progress
        progress = CellProgress(quiet=QUIET.get() or here, what="runs and certificates" if searches else "runs")
        items: list[Case | Search] = [*searches, *todo]
        progress.begin(len(items))
        with open_engine(self.executor) as engine:
            work: Callable[[Any], Result | None] = functools.partial(_work_in, self.cache.folder, self.retry)
            if self.executor is None:
                work = functools.partial(self._run_here, todo, total)
            try:
                for at, outcome in engine(work, items):
                    case = items[at]
                    if isinstance(case, Search):  # if it failed, it fails again when it is asked for
                        progress.step(bool(outcome.error))
                        continue
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


def _work_in(folder: Path, retry: bool, item: Case | Search) -> Result | None:
    """In another process: run a case, as kept_run does; or search a certificate and keep it."""
    if isinstance(item, Search):
        Cache(folder).certified(item.case, item.what, item.find)
        return None
    return kept_run(Cache(folder), retry, item, None)
