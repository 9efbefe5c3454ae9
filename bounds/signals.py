"""Being stopped: SIGTERM and SIGHUP end a command as ctrl-C does, so that it keeps what ctrl-C keeps."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

STOPPING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(KeyboardInterrupt):
    """A signal other than ctrl-C asked for the end. signum: which."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.signum = signum


def raise_stopped(signum: int, _: FrameType | None) -> NoReturn:
    """A signal handler."""
    raise Stopped(signum)


def exit_code(stop: KeyboardInterrupt) -> int:
    """128 + the number of the signal, as shells count: 130 after ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
    return 128 + int(getattr(stop, "signum", signal.SIGINT))


def listen() -> list[int]:
    """Let SIGTERM and SIGHUP raise Stopped from now on; returns those of them that now do.

    One that the program's caller ignores (nohup) or handles itself stays as it is. Only the main thread can listen.
    """
    heard = []
    for signum in STOPPING:
        if signal.getsignal(signum) is signal.SIG_DFL:
            try:
                signal.signal(signum, raise_stopped)
            except ValueError:  # not the main thread
                break
            heard.append(signum)
    return heard


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """The same while this lasts."""
    heard = listen()
    try:
        yield
    finally:
        for signum in heard:
            signal.signal(signum, signal.SIG_DFL)
