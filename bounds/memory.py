"""The memory that is left, so that a request that cannot fit is refused with a message before it is allocated."""

from __future__ import annotations

import os

from bounds.errors import ArgumentError

SMALL = 2**24  # bytes: so few are not asked for, since asking takes a tenth of the time of a small flow


def available_memory() -> int | None:
    """Bytes that this machine can still allocate; None if the system does not say."""
    try:
        with open("/proc/meminfo") as lines:
            found = next((line for line in lines if line.startswith("MemAvailable")), "")
        return 1024 * int(found.split()[1]) if found else None
    except OSError:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else None


def require_memory(needed: int, what: str, way_out: str) -> None:
    """ArgumentError "`what` needs ... GB; ... GB are available. `way_out`" if `needed` bytes are not available."""
    there = available_memory() if needed > SMALL else None
    if there is not None and needed > there:
        raise ArgumentError(f"{what} needs {gigabytes(needed)}; {gigabytes(there)} are available. {way_out}")


def gigabytes(size: int | float) -> str:
    """A number of bytes in words; an int may exceed the largest float."""
    return f"{float(size) / 1e9:.3g} GB" if size < 1e300 else "more than 1e291 GB"
