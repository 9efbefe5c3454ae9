"""reports: the theory compared with simulation, as CSV files, tables on the terminal, and one HTML page.

`report` and `ReportOptions` are loaded when they are first used, so that importing the package stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.page.report import ReportOptions, report

__all__ = ["ReportOptions", "report"]


def __getattr__(name: str) -> Any:
    """`report` or `ReportOptions`, when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module 'reports' has no attribute {name!r}. It has {', '.join(__all__)}.")
    import reports.page.report as page

    return getattr(page, name)
