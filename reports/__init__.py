"""reports: the theory compared with simulation, as CSV files, tables, pictures, and one HTML page.

What is named here is loaded when it is first used, so that importing the package stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.coverage import CoverageOptions, coverage_rows, draw_coverage
    from reports.gap_picture import draw_gaps
    from reports.gaps import GapOptions, gap_rows
    from reports.grid import sweep, sweep_share
    from reports.page.report import ReportOptions, report
    from reports.scaling import ScalingOptions, draw_scaling, scaling_rows
    from reports.slack import slack_rows
    from reports.slack_table import draw_slack

__all__ = [
    "CoverageOptions",
    "GapOptions",
    "ReportOptions",
    "ScalingOptions",
    "coverage_rows",
    "draw_coverage",
    "draw_gaps",
    "draw_scaling",
    "draw_slack",
    "gap_rows",
    "report",
    "scaling_rows",
    "slack_rows",
    "sweep",
    "sweep_share",
]

# Name -> the module that has it.
PLACES = {
    **dict.fromkeys(("ReportOptions", "report"), "reports.page.report"),
    **dict.fromkeys(("GapOptions", "gap_rows"), "reports.gaps"),
    "draw_gaps": "reports.gap_picture",
    **dict.fromkeys(("CoverageOptions", "coverage_rows", "draw_coverage"), "reports.coverage"),
    **dict.fromkeys(("ScalingOptions", "scaling_rows", "draw_scaling"), "reports.scaling"),
    **dict.fromkeys(("sweep", "sweep_share"), "reports.grid"),
    "slack_rows": "reports.slack",
    "draw_slack": "reports.slack_table",
}


def __getattr__(name: str) -> Any:
    """What is named above, when it is first asked for."""
    if name not in PLACES:
        raise AttributeError(f"module 'reports' has no attribute {name!r}. It has {', '.join(__all__)}.")
    return getattr(importlib.import_module(PLACES[name]), name)
