"""Checkpoints: a run that is stopped by ctrl-C, or killed, goes on later as if nothing had happened."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import time as clock
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bounds.errors import ArgumentError, DataError
from bounds.files import check_writable, write_atomically

EVERY = 60.0  # seconds between checkpoints
State = dict[str, np.ndarray]


class Interrupted(KeyboardInterrupt):
    """A run was stopped by ctrl-C and its state is in a checkpoint; the text says how to go on."""


class Saver:
    """Writes the state of a loop to a file now and then, and when ctrl-C asks for an end.

    path: the file, or None for no checkpoints; options: what makes the run what it is, by name; resume: start from
    the file. Raises DataError where there is nothing to resume, ArgumentError where it belongs to another run.
    """

    def __init__(self, path: str | Path | None, options: dict[str, Any], *, resume: bool) -> None:
        self.path = None if path is None else check_writable(path, "checkpoint")
        self.options = json.loads(json.dumps(options))
        self.resumed: State | None = None
        self.seconds = 0.0
        self.stop = False
        self.started = self.last = clock.perf_counter()
        if resume:
            if self.path is None:
                raise ArgumentError("resume=True needs checkpoint, the file to go on from.")
            self.resumed = self._read()

    def _read(self) -> State:
        assert self.path is not None
        if not self.path.exists():
            raise DataError(f"checkpoint {str(self.path)!r} does not exist. Start without resume=True.")
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                state = {name: archive[name] for name in archive.files}
            known = json.loads(str(state.pop("options")))
            self.seconds = float(state.pop("seconds"))
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise DataError(f"{str(self.path)!r} is not a checkpoint of linrate: {error}") from None
        names = [n for n in {**known, **self.options} if known.get(n) != self.options.get(n)]
        if names:
            differences = "; ".join(f"{n} is {self.options.get(n)!r}, there {known.get(n)!r}" for n in names)
            raise ArgumentError(
                f"checkpoint {str(self.path)!r} belongs to another run: {differences}."
                " Use the arguments that it was started with, or another file."
            )
        return state

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """While this lasts, the first ctrl-C lets the step end and saves; the second stops at once."""
        if self.path is None:
            yield
            return

        def ask(*_: object) -> None:
            if self.stop:
                raise KeyboardInterrupt
            self.stop = True

        try:
            before = signal.signal(signal.SIGINT, ask)
        except ValueError:  # not the main thread, which alone hears ctrl-C
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def call(self, function: Callable[[], object]) -> None:
        """Call the user's function; with a checkpoint, ctrl-C in it ends the run in good order."""
        try:
            function()
        except KeyboardInterrupt:
            if self.path is None:
                raise
            self.stop = True

    def offer(self, state: Callable[[], State]) -> None:
        """Between two steps: save if it is time, and raise Interrupted after ctrl-C."""
        if self.path is None or not (self.stop or clock.perf_counter() - self.last > EVERY):
            return
        self.write(state)
        if self.stop:
            raise Interrupted(
                f"interrupted; the run is saved in {str(self.path)!r}. Go on with resume=True and the same arguments"
                f" (on the command line: --resume {self.path} in place of --checkpoint)."
            )

    def write(self, state: Callable[[], State]) -> None:
        """Save now."""
        if self.path is None:
            return
        self.last = clock.perf_counter()
        stream = io.BytesIO()
        known: dict[str, Any] = {"options": np.array(json.dumps(self.options)), **state()}
        np.savez(stream, seconds=np.array(self.seconds + self.last - self.started), **known)
        write_atomically(self.path, stream.getvalue())
