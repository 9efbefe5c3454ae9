"""Signals as exceptions: SIGTERM and SIGHUP end a command as ctrl-C does, with the same results saved."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

# The signals, if the platform has them.
STOPPING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
AGAIN = 0.05  # seconds after which a signal that came during an import is sent once more
PATIENCE = 30.0  # seconds for which it is put off at most
_first_heard: dict[int, float] = {}  # signal that is put off -> when it came


class Stopped(KeyboardInterrupt):
    """The process was asked to end by a signal other than that of ctrl-C. signum: the number of the signal."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.signum = signum


def raise_stopped(signum: int, frame: FrameType | None) -> None:
    """The signal handler: raise Stopped, or KeyboardInterrupt for ctrl-C; after an import, if one is under way.

    In an import the exception may be lost in a callback of Python's, or abort the process in the middle of the
    initialisation of a compiled library; torch takes a second to be imported, or several.
    """
    now, possible = time.monotonic(), hasattr(signal, "pthread_kill")
    if possible and _importing(frame) and now - _first_heard.setdefault(signum, now) < PATIENCE:
        again = threading.Timer(AGAIN, signal.pthread_kill, (threading.main_thread().ident, signum))
        again.daemon = True
        again.start()
        return
    _first_heard.pop(signum, None)
    raise KeyboardInterrupt if signum == signal.SIGINT else Stopped(signum)


def _importing(frame: FrameType | None) -> bool:
    """Whether a function of Python's import system is among those that have called one another here."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def exit_code(stop: KeyboardInterrupt) -> int:
    """128 + the number of the signal, as shells count: 130 after ctrl-C, 143 after SIGTERM, 129 after SIGHUP.

    `python -m` ends by the signal itself, whatever code it is told to exit with, if a KeyboardInterrupt has once passed
    through `exec` of a text (a namedtuple is made so). It forgets that with the next text, which is run here.
    """
    exec("")
    return 128 + int(getattr(stop, "signum", signal.SIGINT))


def listen() -> dict[int, Any]:
    """Let ctrl-C, SIGTERM and SIGHUP call raise_stopped from now on; returns the signals that now do, with the handler
    that each had.

    A signal that is ignored already (nohup), or has a handler of its own, is left as it is. Does nothing outside the
    main thread.
    """
    heard = {}
    for signum in (signal.SIGINT, *STOPPING):
        if (handler := signal.getsignal(signum)) in (signal.SIG_DFL, signal.default_int_handler):
            try:
                signal.signal(signum, raise_stopped)
            except ValueError:  # not the main thread
                break
            heard[int(signum)] = handler
    return heard


def listen_no_more(heard: dict[int, Any]) -> None:
    """Give the signals that `listen` has returned their handlers back."""
    for signum, handler in heard.items():
        signal.signal(signum, handler)


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """A context in which ctrl-C, SIGTERM and SIGHUP call raise_stopped."""
    heard = listen()
    try:
        yield
    finally:
        listen_no_more(heard)
