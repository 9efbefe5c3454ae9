"""How every picture looks, and how it is written: the one place of colours, markers and sizes.

The colours are those of Okabe and Ito, told apart by readers with any colour vision; each series also has a line style
and a marker of its own, for print in black and white.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bounds.data.files import write_atomically
from bounds.errors import AssumptionError

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))
CERTIFIED: dict[str, Any] = {"color": "black", "linewidth": 1.4, "linestyle": (0, (4, 2))}
DPI = 150
SETTINGS = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "linrate",  # the same picture gives the same file
    "svg.fonttype": "none",
}


@contextmanager
def drawing(rows: int, columns: int, size: tuple[float, float], **options: Any) -> Iterator[tuple[Any, Any]]:
    """(figure, axes (rows, columns)) in this style, without a display; closed at the end.

    Raises AssumptionError where matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise AssumptionError("pictures need matplotlib: pip install 'linrate[plot]'.") from None
    settings: dict[Any, Any] = dict(matplotlib.rcParamsDefault)
    settings.update(SETTINGS)
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=size, dpi=DPI)
        yield figure, figure.subplots(rows, columns, squeeze=False, **options)


def save(figure: Any, stem: Path) -> list[Path]:
    """Write the picture as stem.png and stem.svg, each as a whole; their paths. Raises DataError, WriteError."""
    paths = []
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # once for both files
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        stream = io.BytesIO()
        figure.savefig(stream, format=kind, metadata=metadata)
        paths.append(stem.with_name(f"{stem.name}.{kind}"))
        write_atomically(paths[-1], stream.getvalue())
    return paths


def series(k: int) -> dict[str, Any]:
    """Colour and line of the k-th series."""
    return {"color": COLOURS[k % len(COLOURS)], "linestyle": LINES[k % len(LINES)]}


def points(k: int) -> dict[str, Any]:
    """Colour, line and marker of the k-th series."""
    return {**series(k), "marker": MARKERS[k % len(MARKERS)]}
