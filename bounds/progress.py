"""What is being done, and how long it still takes: a bar on a terminal, a line now and then in a log, or nothing."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time as clock
from collections.abc import Callable, Collection, Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import TextIO, TypeVar

from bounds.text import printable, terminal_width

T = TypeVar("T")

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
        self.before = 0.0  # the part that was done when a run began, from a checkpoint

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

    def say(self, doing: str = "", share: float | None = None) -> None:
        """Show how far it is, if it is time to; share: the part that is done, where it is not a number of steps."""
        self.show(self.text(clock.monotonic() - self.began, doing, share))

    def along(
        self, *, t_max: float = math.inf, steps: float = math.inf, loss_ratio: float = 0.0
    ) -> Callable[[float, float, int, float], None]:
        """A progress function for one run, called with its time, loss, number of steps and step.

        The part that is done is that of the time t_max, of the steps or, in decades, of the fall of the loss to
        loss_ratio times the first one: whichever ends the run first, as far as can be told.
        """
        first: list[tuple[float, float]] = []  # the loss and the part that is done when it is called first

        def show(time: float, loss: float, step: int, tau: float) -> None:
            fallen = math.log(first[0][0] / loss) if first and 0 < loss < first[0][0] else 0.0
            parts = [time / t_max, step / steps, fallen / -math.log(loss_ratio) if loss_ratio > 0 else 0.0]
            if not first:
                first.append((loss, max(parts)))
            self.done, self.before = step, first[0][1]
            self.say(f"t={time:.4g} loss={loss:.3e} tau={tau:.2e}", max(parts))

        return show

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

    def text(self, seconds: float, doing: str = "", share: float | None = None) -> str:
        """The line: how much is done, how long it took, how long it will take, and what is being done."""
        words = printable(f": {doing}" if doing else "")
        if share is None and not self.total:
            return f"[{seconds:6.1f} s] {self.done} {self.what}{words}"
        done = f"{self.done} {self.what}" if share is not None else f"{self.done}/{self.total} {self.what}"
        share = min(self.done / (self.total or 1) if share is None else share, 1.0)
        bar = "#" * round(BAR * share)
        made = share - self.before
        left = f", {duration(seconds * (1 - share) / made)} left" if made > 0 and share < 1 else ""
        return f"[{bar:.<{BAR}}] {done}{left}{words}"

    def close(self) -> None:
        """Take the line away again: what comes next begins on a clear one."""
        if self.drawn:
            self._write("\r\x1b[K")
            self.drawn = False

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # a terminal that was closed ends no run
            self.stream.write(text)
            self.stream.flush()


def with_progress(items: Collection[T], what: str, name: Callable[[T], str] = str) -> Iterator[T]:
    """The items one by one, with the progress of what is done to each; name: of an item, as it is shown."""
    with Progress(what, len(items)) as progress:
        for item in items:
            progress.say(name(item))
            yield item
            progress.step(name(item))


def announce(text: str) -> None:
    """One line on stderr at once, such as "compiling ..."; nothing after --quiet or outside a command line."""
    if COMMAND.get() and not QUIET.get():
        with contextlib.suppress(OSError, ValueError):
            print(f"  {printable(text)}", file=sys.stderr, flush=True)
