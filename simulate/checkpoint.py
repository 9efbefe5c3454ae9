"""Checkpoints: a run that is stopped by a signal, or killed, goes on later as if nothing had happened."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import time as clock
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bounds.data.archives import read_archive
from bounds.data.files import check_writable, write_atomically
from bounds.errors import ArgumentError, DataError
from bounds.signals import STOPPING, Stopped, raise_stopped
from simulate import processes
from simulate.exchange import LostProcess
from simulate.solve.saved_fields import FORMAT, HEAD, OF_NEURONS, Fields, check_numbers

FIRST, EVERY = 3.0, 60.0  # seconds of work until the first checkpoint; from one to the next
GROWING = ("t_max", "max_steps", "steps")  # arguments that may be larger when a run goes on: it then goes on further
State = dict[str, np.ndarray]


class Interrupted(KeyboardInterrupt):
    """A run was stopped by a signal and its state is in a checkpoint; the text says how to go on. signum: which."""

    def __init__(self, message: str, signum: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.signum = signum


class Saver:
    """Writes the state of a loop to a file now and then, and when ctrl-C, SIGTERM or SIGHUP asks for an end.

    path: the file, or None for no checkpoints; options: what makes the run what it is, by name; resume: start from
    the file. Raises DataError where there is nothing to resume, ArgumentError where it belongs to another run.

    Where processes share the neurons, the file is that of one process: process 0 gathers, writes, reads and deals out.
    """

    def __init__(self, path: str | Path | None, options: dict[str, Any], *, resume: bool) -> None:
        self.path = None if path is None else Path(path)
        if path is not None:
            processes.by_first(lambda: check_writable(path, "checkpoint"))
        self.options = json.loads(json.dumps(options))
        self.resuming = resume
        self.seconds = 0.0
        self.stop: int | None = None  # the signal that asked
        self.started = clock.perf_counter()
        self.written: float | None = None  # when the last checkpoint was
        self.due = self.started + FIRST
        if resume:
            if self.path is None:
                raise ArgumentError("resume=True needs checkpoint, the file to go on from.")
            processes.by_first(self._check_head)

    def _check_head(self) -> None:
        """The file is a checkpoint of this version and of this run, or the error says what it is instead."""
        assert self.path is not None
        if not self.path.exists():
            raise DataError(f"checkpoint {str(self.path)!r} does not exist. Start without resume=True.")
        shown = f"checkpoint {str(self.path)!r}"
        try:
            head = read_archive(self.path, "checkpoint", HEAD, others=True)
            known = json.loads(str(head["options"]))
            if not isinstance(known, dict):
                raise DataError(f"{shown}: array 'options' must hold the arguments by name.")
        except (ValueError, RecursionError) as error:
            raise DataError(f"{str(self.path)!r} is not a checkpoint of linrate: {error}") from None
        if head["format"] != FORMAT:
            raise DataError(f"{shown} is of format {head['format']}; this version reads {FORMAT}. Start the run anew.")
        self.seconds = float(head["seconds"])
        names = [n for n in {**known, **self.options} if not _goes_on(n, known.get(n), self.options.get(n))]
        if names:
            differences = "; ".join(f"{n} is {self.options.get(n)!r}, there {known.get(n)!r}" for n in names)
            raise ArgumentError(
                f"{shown} belongs to another run: {differences}."
                " Use the arguments that it was started with, of which the final time and the number of steps may be"
                " larger, or another file."
            )

    def read(self, wanted: Fields, ends: Mapping[str, float]) -> State:
        """The state to go on from. wanted: its arrays, each with kind and shape; ends: the largest that one may hold.

        Raises DataError naming the array that is missing, unknown or not as it should be."""
        state = processes.by_first(lambda: self._read(wanted, ends)) or {}
        others = processes.together()
        if others is None:
            return state
        found = others.spread({name: array for name, array in state.items() if name not in OF_NEURONS})
        return found | {name: others.own(state.get(name), wanted[name]) for name in OF_NEURONS if name in wanted}

    def _read(self, wanted: Fields, ends: Mapping[str, float]) -> State:
        assert self.path is not None
        state = read_archive(self.path, "checkpoint", HEAD | wanted)
        state = {name: array for name, array in state.items() if name not in HEAD}
        check_numbers(f"checkpoint {str(self.path)!r}", state, wanted, ends)
        return state

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """While this lasts, the first signal lets the step end and saves; the second stops at once. LostProcess says
        what is saved."""
        try:
            with self._listening():
                yield
        except LostProcess as error:
            raise LostProcess(f"{error} {self._left()}") from error

    def _left(self) -> str:
        """What a run leaves that has lost a process, and how to go on."""
        if self.path is None:
            return "Start the run anew; with a checkpoint it could go on."
        if self.written is None:
            return f"There is no new checkpoint in {str(self.path)!r} yet."
        ago = clock.perf_counter() - self.written
        return (
            f"The run is saved in {str(self.path)!r} as it was {ago:.0f} s ago: resume it, with any number of"
            " processes."
        )

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        if self.path is None:
            yield
            return

        def ask(signum: int, _: object) -> None:
            if self.stop is not None:
                raise KeyboardInterrupt if signum == signal.SIGINT else Stopped(signum)
            self.stop = signum

        ours = (signal.SIG_DFL, raise_stopped)  # what the program handles otherwise, or ignores, stays its own
        heard = [signal.SIGINT, *(s for s in STOPPING if signal.getsignal(s) in ours)]
        try:
            before = [(s, signal.signal(s, ask)) for s in heard]
        except ValueError:  # not the main thread, which alone hears signals
            yield
            return
        try:
            yield
        finally:
            for signum, handler in before:
                signal.signal(signum, handler)

    def call(self, function: Callable[[], object]) -> None:
        """Call the user's function; with a checkpoint, ctrl-C in it ends the run in good order."""
        try:
            function()
        except KeyboardInterrupt as stop:
            if self.path is None:
                raise
            self.stop = getattr(stop, "signum", signal.SIGINT)

    def offer(self, state: Callable[[], State]) -> None:
        """Between two steps: save if it is time, and raise Interrupted if a signal asked for the end."""
        if self.path is None:
            return
        stop, due = processes.largest_of(self.stop or 0, clock.perf_counter() >= self.due)
        self.stop = int(stop) or None
        if self.stop is None and not due:
            return
        self.write(state)
        if self.stop is not None:
            raise Interrupted(
                f"interrupted; the run is saved in {str(self.path)!r}. Go on with resume=True and the same arguments"
                f" (on the command line: --resume {self.path} in place of --checkpoint).",
                self.stop,
            )

    def write(self, state: Callable[[], State]) -> None:
        """Save now."""
        if self.path is None:
            return
        now, others = clock.perf_counter(), processes.together()
        saved = state()
        if others is not None:
            saved = {name: others.whole(array) if name in OF_NEURONS else array for name, array in saved.items()}
        if processes.is_first():
            self._write(self.path, saved, now)
        self.due = self.written = clock.perf_counter()
        self.due += EVERY

    def _write(self, path: Path, state: State, now: float) -> None:
        head: dict[str, Any] = {"format": np.array(FORMAT), "options": np.array(json.dumps(self.options))}
        head["seconds"] = np.array(self.seconds + now - self.started)
        stream = io.BytesIO()
        np.savez(stream, **{**head, **state})
        write_atomically(path, stream.getvalue())


def _goes_on(name: str, before: Any, now: Any) -> bool:
    """Whether a run with the argument `before` can go on with `now`: the same, or a later end."""
    numbers = isinstance(before, int | float) and isinstance(now, int | float)
    return bool(before == now or (name in GROWING and numbers and before < now))
