"""reports: the theory compared with simulation, as CSV files, tables on the terminal, and one HTML page.

What it hands on is loaded when it is first used, so that importing the package stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.grid import sweep, sweep_share
    from reports.page.report import ReportOptions, report

__all__ = ["ReportOptions", "report", "sweep", "sweep_share"]


def __getattr__(name: str) -> Any:
    """A name of `__all__`, when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module 'reports' has no attribute {name!r}. It has {', '.join(__all__)}.")
    return getattr(importlib.import_module("reports.grid" if "sweep" in name else "reports.page.report"), name)
