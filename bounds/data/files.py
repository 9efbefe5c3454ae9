"""Files: only plain files are opened, they are read up to a limit, and replaced as a whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bounds.errors import ArgumentError, DataError, WriteError

try:
    import fcntl
except ImportError:  # not on Unix: files that a killed run left behind then stay
    fcntl = None  # type: ignore[assignment]

LIMIT = "LINRATE_FILE_LIMIT_GB"  # the environment variable that changes the limit
DEFAULT_LIMIT_GB = 4.0
# The names of the temporary files of this module.
OURS = re.compile(r"\.linrate-[0-9a-f]{12}\.tmp")
# The errors of a file system without hard links.
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}  # the errors of a disk that accepts no more data


def size_limit() -> int:
    """How many bytes a file may take once it is unpacked: 4 GB, or what LINRATE_FILE_LIMIT_GB says."""
    text = os.environ.get(LIMIT, "")
    try:
        gigabytes = float(text) if text else DEFAULT_LIMIT_GB
        return int(gigabytes * 1e9)
    except (ValueError, OverflowError):
        raise ArgumentError(f"{LIMIT} must be a number of gigabytes, such as 16. Found {text!r}.") from None


def too_large(what: str, size: float, limit: int) -> DataError:
    """The error for a file that would take `size` bytes; it names the limit and says how to change it."""
    return DataError(
        f"{what} takes {size / 1e9:.3g} GB unpacked; the limit is {limit / 1e9:.3g} GB."
        f" If you trust the file, set the environment variable {LIMIT}={max(1, -(-int(size) // 10**9))}."
    )


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "folder"), (stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"), (stat.S_ISREG, "file"))
    return next((name for test, name in kinds if test(mode)), "device")


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


@contextlib.contextmanager
def open_file(path: str | Path, what: str = "file") -> Iterator[BinaryIO]:
    """A plain file, for reading: no folder, and no pipe or device, which may never end. DataError otherwise."""
    shown = f"{what} {str(path)!r}"
    try:
        if (kind := _kind(os.stat(path).st_mode)) != "file":
            raise DataError(f"{shown} is a {kind}. Name a file.")
        # Without waiting: the file may have been replaced by a pipe since.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise DataError(f"{shown} does not exist.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{shown} cannot be read: {_reason(error)}.") from None
    with os.fdopen(handle, "rb") as stream:
        if (kind := _kind(os.fstat(handle).st_mode)) != "file":
            raise DataError(f"{shown} is a {kind}. Name a file.")
        yield stream


def check_writable(path: str | Path, name: str = "out") -> Path:
    """The path, if a file can be written there; DataError before any work is done otherwise.

    A symbolic link stands for what it points to. Folders that are missing are made later, by write_atomically.
    """
    shown = f"{name} {str(path)!r}"
    try:
        target = Path(os.path.realpath(path))
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if (kind := _kind(os.stat(path).st_mode)) != "file":
                raise DataError(f"{shown} is a {kind}. Name a file.")
            if not os.access(target, os.W_OK):
                raise DataError(f"{shown} is write-protected. Name another file, or change its mode.")
        folder = next(p for p in target.parents if os.path.lexists(p))
        longest = os.pathconf(folder, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
        if max(len(os.fsencode(part)) for part in target.relative_to(folder).parts) > longest:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        handle, temporary = _temporary(folder)
        os.close(handle)
        temporary.unlink(missing_ok=True)  # since it is unlocked, another process may have removed it as stale
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{shown} cannot be written: {_reason(error)}.") from None
    return Path(path)


def write_atomically(path: str | Path, content: str | bytes) -> None:
    """Replace the file by `content` at once: a reader sees the old file or the new one, never half of either.

    A symbolic link stays one, and its target is replaced. An old file's mode is kept; a new one gets what the umask
    leaves. Temporary files that killed runs left in the folder are removed. Raises DataError if no file can be written
    there, WriteError if the disk is full.
    """
    data = content if isinstance(content, bytes) else content.encode(errors="backslashreplace")
    target = Path(os.path.realpath(check_writable(path)))
    old = target.exists()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(target.parent)
        handle, temporary = _temporary(target.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(handle)
                if old:
                    os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
                os.replace(temporary, target)  # before the lock goes with the stream
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        kept = "what it held before is kept" if old else "no part of it is left"
        way = "Free some space, or name a file elsewhere." if error.errno in FULL else "Name another file."
        raise WriteError(f"{str(path)!r} could not be written: {_reason(error)}; {kept}. {way}") from None


def write_once(path: str | Path, content: str | bytes) -> bool:
    """Write the file unless it is there already: of several processes that do, the first one wins, and a reader sees
    its file whole or not at all. False if it was there.

    The folder must exist. Temporary files of killed runs are left to `write_atomically`. Raises WriteError.
    """
    target = Path(path)
    if target.exists():
        return False
    try:
        handle, temporary = _temporary(target.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content if isinstance(content, bytes) else content.encode(errors="backslashreplace"))
                stream.flush()
                try:
                    os.link(temporary, target)
                except FileExistsError:
                    return False
                except OSError as error:
                    if error.errno not in NO_LINKS:
                        raise
                    os.replace(temporary, target)  # of two at the same moment the last one wins, whole as well
            return True
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        way = "Free some space, or name a folder elsewhere." if error.errno in FULL else "Name another folder."
        raise WriteError(f"{str(path)!r} could not be written: {_reason(error)}. {way}") from None


def _temporary(folder: Path) -> tuple[int, Path]:
    """(handle, path) of a new temporary file, locked while it is open so that no other process takes it for stale."""
    while True:
        path = folder / f".linrate-{secrets.token_hex(6)}.tmp"  # short, so that a long name of the target does no harm
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
        if _locked(handle) is not False and os.path.exists(path):
            return handle, path
        os.close(handle)  # taken for stale in the moment before it was locked


def _locked(handle: int) -> bool | None:
    """Try to lock the file without waiting: True if locked, False if another process holds the lock, None if the file
    system has no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def remove_stale(folder: Path) -> None:
    """Remove temporary files that no process holds a lock on: the processes that wrote them were killed."""
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(folder)):
            if OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    handle = os.open(entry.path, os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0))
                    try:
                        if _locked(handle) is True:
                            os.unlink(entry.path)
                    finally:
                        os.close(handle)
