"""What is being done, and how long it still takes: a bar on a terminal, a line now and then in a log, or nothing."""

from __future__ import annotations

import contextlib
import os
import sys
import time as clock
from collections.abc import Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import TextIO

from bounds.text import printable, terminal_width

QUIET: ContextVar[bool] = ContextVar("linrate-quiet", default=False)  # set by --quiet
COMMAND: ContextVar[bool] = ContextVar("linrate-command", default=False)  # whether a command line is running
PATIENCE = 2.0  # seconds before anything is said: what is done by then needs no bar
REDRAW = 0.25  # seconds between two states of the bar on a terminal
EVERY = 30.0  # seconds between two lines in a log
BAR = 24  # characters


def duration(seconds: float) -> str:
    """About how long, in words.

    >>> duration(42.0), duration(300.0), duration(7200.0)
    ('about 42 s', 'about 5 min', 'about 2.0 h')
    """
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


@contextlib.contextmanager
def telling() -> Iterator[None]:
    """A command line: progress is told inside, until --quiet is met."""
    quiet, command = QUIET.set(False), COMMAND.set(True)
    try:
        yield
    finally:
        QUIET.reset(quiet)
        COMMAND.reset(command)


def is_terminal(stream: TextIO) -> bool:
    """Whether a line on it can be written again: a terminal that obeys escape sequences."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class Progress:
    """The progress of so many steps, on stderr; used as a context.

        with Progress("networks", total=30) as progress:
            for k in range(30):
                ...
                progress.step(f"network {k}")

    On a terminal one line is written again and again, in a log a line at most every EVERY seconds; nothing in the first
    PATIENCE seconds, and nothing at all after --quiet or outside a command line. total: None where it is not known;
    stream: by default stderr.
    """

    def __init__(self, what: str, total: int | None = None, *, stream: TextIO | None = None) -> None:
        self.what, self.total, self.done = what, total, 0
        self.stream = sys.stderr if stream is None else stream
        self.began = clock.monotonic()
        self.last = -float("inf")  # when something was last written
        self.drawn = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def step(self, doing: str = "", count: int = 1) -> None:
        """So many steps are done; doing: the one that was done last, in words."""
        self.done += count
        self.say(doing)

    def say(self, doing: str = "") -> None:
        """Show how far it is, if it is time to."""
        self.show(self.text(clock.monotonic() - self.began, doing))

    def show(self, text: str) -> None:
        """Show this line, if it is time to; an empty one takes the last away."""
        if not text:
            self.close()
            return
        now = clock.monotonic()
        terminal = is_terminal(self.stream)
        if (
            QUIET.get()
            or not COMMAND.get()
            or now - self.began < PATIENCE
            or now - self.last < (REDRAW if terminal else EVERY)
        ):
            return
        self.last = now
        if terminal:
            self.drawn = True
            self._write(f"\r\x1b[K{text[: terminal_width() - 1]}")
        else:
            self._write(f"  {text}\n")

    def text(self, seconds: float, doing: str = "") -> str:
        """The line: how much is done, how long it took, how long it will take, and what is being done."""
        words = printable(f": {doing}" if doing else "")
        if not self.total:
            return f"[{seconds:6.1f} s] {self.done} {self.what}{words}"
        share = min(self.done / self.total, 1.0)
        bar = "#" * round(BAR * share)
        left = f", {duration(seconds * (1 - share) / share)} left" if 0 < share < 1 else ""
        return f"[{bar:.<{BAR}}] {self.done}/{self.total} {self.what}{left}{words}"

    def close(self) -> None:
        """Take the line away again: what comes next begins on a clear one."""
        if self.drawn:
            self._write("\r\x1b[K")
            self.drawn = False

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # a terminal that was closed ends no run
            self.stream.write(text)
            self.stream.flush()


def announce(text: str) -> None:
    """One line on stderr at once, such as "compiling ..."; nothing after --quiet or outside a command line."""
    if COMMAND.get() and not QUIET.get():
        with contextlib.suppress(OSError, ValueError):
            print(f"  {printable(text)}", file=sys.stderr, flush=True)
