"""How far many cells are: one line that is rewritten on a terminal, a line now and then in a log, with failures."""

from __future__ import annotations

import contextlib
import sys
import time as clock
from collections.abc import Callable

from bounds.progress import duration
from bounds.text import printable, terminal_width

EVERY = 0.5  # seconds between two lines on a terminal
FIRST_IN_LOG, MORE = 10.0, 1.5  # seconds until the first line in a log, and by how much longer until each next one
LONGEST_IN_LOG = 600.0
BAR = 20  # characters


class CellProgress:
    """Counts cells, and shows how many are done and failed, the rate and the time left.

    quiet: show nothing. write: where a line goes, by default to stderr, rewritten in place if that is a terminal.
    """

    def __init__(self, *, quiet: bool = False, write: Callable[[str], None] | None = None, what: str = "cells") -> None:
        self.what, self.quiet = what, quiet
        self._rewritten = write is not None or sys.stderr.isatty()
        self._write = write or (to_terminal if self._rewritten else _to_log)
        self.begin(0)

    def begin(self, total: int) -> None:
        """So many cells there are."""
        self.total, self.done, self.failed = total, 0, 0
        self._part, self._doing = 0.0, ""
        self._before, self._began = 0, clock.monotonic()
        self._pause = EVERY if self._rewritten else FIRST_IN_LOG
        self._next = self._began + self._pause
        if total and self._rewritten:
            self._say(self.line())

    def known(self, failed: bool = False) -> None:
        """One was done, or had failed, already: it does not count for the rate."""
        self._before += 1
        self.done += 1
        self.failed += failed
        self._began = clock.monotonic()

    def step(self, failed: bool = False) -> None:
        """One more is done, or has failed."""
        self.done += 1
        self.failed += failed
        self._part, self._doing = 0.0, ""
        self._show()

    def inside(self, part: float, doing: str) -> None:
        """So much of the cell at hand is done, from 0 to 1; doing: what is done in it, in words.

        Only where one cell is worked on at a time, in this process.
        """
        self._part, self._doing = part, doing
        self._show()

    def _show(self) -> None:
        """Show the line, if it is time to."""
        if clock.monotonic() >= self._next:
            self._say(self.line())
            if not self._rewritten:
                self._pause = min(MORE * self._pause, LONGEST_IN_LOG)
            self._next = clock.monotonic() + self._pause

    def clear(self) -> None:
        """Take the line away from the terminal: something else is written there."""
        if self._rewritten:
            self._say("")

    def end(self) -> None:
        """The last line, which stays."""
        self._say(self.line())
        if self._rewritten:
            self._say("\n")

    def line(self) -> str:
        """The line that is shown now."""
        seconds = clock.monotonic() - self._began
        made = self.done - self._before
        begun = self.done + self._part
        words = [f"{self.done}/{self.total} {self.what}"]
        if self.failed:
            words.append(f"{self.failed} failed")
        if made and seconds > 0:
            rate = made / seconds
            words.append(f"{rate:.3g}/s" if rate >= 1 else f"{seconds / made:.3g} s each")
        if made + self._part and seconds > 0:
            left = (self.total - begun) * seconds / (made + self._part)
            words.append(f"{duration(left)} left" if self.done < self.total else f"in {duration(seconds)}")
        full = int(BAR * begun / max(self.total, 1))
        doing = f": {self._doing}" if self._doing else ""
        return f"[{'#' * full}{'.' * (BAR - full)}] {', '.join(words)}{doing}"

    def _say(self, line: str) -> None:
        if not self.quiet:
            self._write(line)


def to_terminal(line: str) -> None:
    """Rewrite the line at the end of the terminal; "\\n" leaves it there and begins the next one."""
    with contextlib.suppress(OSError):  # a terminal that was closed ends no run
        shown = printable(line)[: terminal_width() - 1]  # a longer one would be two, of which only one is rewritten
        sys.stderr.write("\n" if line == "\n" else f"\r\x1b[K{shown}")
        sys.stderr.flush()


def _to_log(line: str) -> None:
    with contextlib.suppress(OSError):
        print(printable(line), file=sys.stderr, flush=True)
