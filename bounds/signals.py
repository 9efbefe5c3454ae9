"""Signals as exceptions: SIGTERM and SIGHUP end a command as ctrl-C does, with the same results saved."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn

# The signals, if the platform has them.
STOPPING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
AGAIN = 0.05  # seconds after which a signal that came where it must wait is sent once more
PATIENCE = 60.0  # seconds for which it is put off at most
_first_heard: dict[int, float] = {}  # signal that is put off -> when it came
_coming: dict[int, threading.Timer] = {}  # signal that is put off -> what will send it again
_since: dict[str, int] = {"waiting": 0}  # what _waiting_frames counted when the program began to listen


class Stopped(KeyboardInterrupt):
    """The process was asked to end by a signal other than that of ctrl-C. signum: the number of the signal."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.signum = signum


def raise_stopped(signum: int, frame: FrameType | None) -> None:
    """The signal handler: raise Stopped, or KeyboardInterrupt for ctrl-C; after an import, if one is under way, and
    after what llvmlite does, through which numba loads compiled loops.

    In an import the exception may be lost in a callback of Python's, or abort the process in the middle of the
    initialisation of a compiled library; torch takes a second to be imported, or several. What is raised where C calls
    llvmlite back is lost.
    """
    if not _put_off(signum, frame):
        _first_heard.pop(signum, None)
        _stop(signum)


def _stop(signum: int) -> NoReturn:
    raise KeyboardInterrupt if signum == signal.SIGINT else Stopped(signum)


def _put_off(signum: int, frame: FrameType | None) -> bool:
    """Whether the signal will come again; if it does already, this one is the same to the program."""
    if signum in _coming:
        return True
    if _waiting_frames(frame) <= _since["waiting"] or not hasattr(signal, "pthread_kill"):
        return False
    now = time.monotonic()
    if now - _first_heard.setdefault(signum, now) >= PATIENCE:
        return False
    timer = threading.Timer(AGAIN, _send, (signum,))
    timer.daemon = True
    _coming[signum] = timer
    try:
        timer.start()
    except RuntimeError:  # the system gives no thread
        del _coming[signum]
        return False
    return True


def _send(signum: int) -> None:
    if _coming.pop(signum, None) is not None:
        signal.pthread_kill(threading.main_thread().ident or 0, signum)


def _waiting_frames(frame: FrameType | None) -> int:
    """How many functions in which a signal must wait are among those that have called one another here: those of
    Python's import system and of llvmlite."""
    count = 0
    while frame is not None:
        file = frame.f_code.co_filename
        count += file.startswith("<frozen importlib") or "llvmlite" in file
        frame = frame.f_back
    return count


def exit_code(stop: KeyboardInterrupt) -> int:
    """128 + the number of the signal, as shells count: 130 after ctrl-C, 143 after SIGTERM, 129 after SIGHUP.

    If a KeyboardInterrupt was raised inside `exec` of a string (which is how a namedtuple is made), `python -m` ignores
    the exit code and kills itself by SIGINT at the end. The next `exec` of a string resets that, so one is run here.
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
    _since["waiting"] = _waiting_frames(sys._getframe())
    for signum in (signal.SIGINT, *STOPPING):
        if (handler := signal.getsignal(signum)) in (signal.SIG_DFL, signal.default_int_handler):
            try:
                signal.signal(signum, raise_stopped)
            except ValueError:  # not the main thread
                break
            heard[int(signum)] = handler
    return heard


def listen_no_more(heard: dict[int, Any]) -> None:
    """Give the signals that `listen` has returned their handlers back. A signal that is still put off is heard now."""
    for signum, handler in heard.items():
        signal.signal(signum, handler)
    coming = [signum for signum in heard if _coming.pop(signum, None) is not None]
    _first_heard.clear()
    if coming:
        _stop(coming[0])


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """A context in which ctrl-C, SIGTERM and SIGHUP call raise_stopped."""
    heard = listen()
    try:
        yield
    finally:
        listen_no_more(heard)
