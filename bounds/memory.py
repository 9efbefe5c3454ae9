"""How much memory there is, asked before anything large is allocated."""

from __future__ import annotations

import os

from bounds.errors import ArgumentError


def available_memory() -> int | None:
    """Bytes that can still be allocated, None where the system does not tell."""
    try:
        with open("/proc/meminfo") as lines:
            found = next((line for line in lines if line.startswith("MemAvailable")), "")
        return 1024 * int(found.split()[1]) if found else None
    except OSError:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else None


def require_bytes(needed: int, what: str, remedy: str) -> None:
    """Raise ArgumentError "what needs so many GB; so many are available. remedy" unless they are."""
    there = available_memory()
    if there is not None and needed > there:
        raise ArgumentError(f"{what} needs {shown(needed)} GB; {shown(there)} GB are available. {remedy}")


def shown(count: int) -> str:
    """Bytes in gigabytes; an int may be too large for a float."""
    return f"{count / 1e9:.3g}" if count < 10**300 else f"10^{len(str(count)) - 10}" if count < 10**4000 else "too many"
