"""SIGTERM and SIGHUP as exceptions: they end a command as ctrl-C does, with the same results saved."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

# The signals, if the platform has them.
STOPPING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(KeyboardInterrupt):
    """The process was asked to end by a signal other than that of ctrl-C. signum: the number of the signal."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.signum = signum


def raise_stopped(signum: int, _: FrameType | None) -> NoReturn:
    """The signal handler: raise Stopped."""
    raise Stopped(signum)


def exit_code(stop: KeyboardInterrupt) -> int:
    """128 + the number of the signal, as shells count: 130 after ctrl-C, 143 after SIGTERM, 129 after SIGHUP.

    `python -m` ends by the signal itself, whatever code it is told to exit with, if a KeyboardInterrupt has once passed
    through `exec` of a text (a namedtuple is made so). It forgets that with the next text, which is run here.
    """
    exec("")
    return 128 + int(getattr(stop, "signum", signal.SIGINT))


def listen() -> list[int]:
    """Let SIGTERM and SIGHUP raise Stopped from now on; returns the signals that now do.

    A signal that is ignored already (nohup), or has a handler, is left as it is. Does nothing outside the main thread.
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
    """A context in which SIGTERM and SIGHUP raise Stopped; their default handlers are restored at its end."""
    heard = listen()
    try:
        yield
    finally:
        for signum in heard:
            signal.signal(signum, signal.SIG_DFL)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """A context in which ctrl-C, SIGTERM and SIGHUP wait: a signal that comes in it is heard at its end.

    For the import of large compiled libraries, which a KeyboardInterrupt in the middle of their initialisation makes
    abort the process, or of which it is lost. A signal that is ignored, or ends the process by itself, is left as it
    is. Does nothing outside the main thread, where no signal is heard.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    before = {s: handler for s in (signal.SIGINT, *STOPPING) if callable(handler := signal.getsignal(s))}
    for signum in before:
        signal.signal(signum, lambda signum, _: waiting.append(signum))
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
        for signum in waiting[:1]:
            signal.raise_signal(signum)
