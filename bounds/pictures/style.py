"""How every picture looks, and how it is written: the one place of colours, markers and sizes.

The colours are those of Okabe and Ito, told apart by readers with any colour vision; each series also has a line style
and a marker of its own, for print in black and white. matplotlib is imported when something is drawn, not before.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bounds.data.files import check_writable, write_atomically
from bounds.errors import ArgumentError, AssumptionError, shown

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))
CERTIFIED: dict[str, Any] = {"color": "black", "linewidth": 1.4, "linestyle": (0, (4, 2))}
PROMISED: dict[str, Any] = {"color": "#555555", "linewidth": 1.4, "linestyle": (0, (1, 1.2))}
LAZY: dict[str, Any] = {"color": "#E69F00", "linewidth": 1.4, "linestyle": "-."}
# A verdict's colour and marker: shape and colour say the same.
VERDICTS: dict[str, dict[str, Any]] = {
    "HOLDS": {"color": "#0072B2", "marker": "o"},
    "REFUTED": {"color": "#D55E00", "marker": "X"},
    "UNDECIDED": {"color": "#E69F00", "marker": "o", "fillstyle": "none"},
}
NOTES = {"fontsize": 8, "color": "#444444"}  # of words inside a picture
DPI = 150
SIZE = (5.6, 3.8)  # inches, of a picture with one pair of axes
SUFFIXES = (".png", ".svg", ".pdf")
METADATA: dict[str, dict[str, Any]] = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
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
def styled() -> Iterator[None]:
    """This style and no other for what is drawn inside. Raises AssumptionError where matplotlib is not installed."""
    _require_matplotlib()
    import matplotlib

    settings: dict[Any, Any] = dict(matplotlib.rcParamsDefault)
    # Which window shows a picture is the user's choice, and no matter of style.
    settings = {name: value for name, value in settings.items() if not str(name).startswith("backend")}
    settings.update(SETTINGS)
    with matplotlib.rc_context(settings):
        yield


def _require_matplotlib() -> None:
    if importlib.util.find_spec("matplotlib") is None:
        raise AssumptionError("pictures need matplotlib: pip install 'linrate[plot]'.")


@contextmanager
def drawing(rows: int, columns: int, size: tuple[float, float], **options: Any) -> Iterator[tuple[Any, Any]]:
    """(figure, axes (rows, columns)) in this style, without a display; closed at the end.

    Raises AssumptionError where matplotlib is not installed.
    """
    with styled():
        from matplotlib.figure import Figure

        figure = Figure(figsize=size, dpi=DPI)
        yield figure, figure.subplots(rows, columns, squeeze=False, **options)


@contextmanager
def on_axes(
    ax: Any, columns: int = 1, size: tuple[float, float] = SIZE, name: str = "ax", **options: Any
) -> Iterator[Any]:
    """What a function that takes `ax` draws on, in this style: the user's axes or, for None, those of a new figure.

    The new figure is pyplot's, so that a notebook shows it. columns: how many axes; for more than one they are an array
    of that length. Raises ArgumentError for anything else, AssumptionError where matplotlib is not installed.
    """
    with styled():
        if ax is None:
            from matplotlib import pyplot

            _, ax = pyplot.subplots(1, columns, figsize=size, dpi=DPI, **options)
        given = [ax] if columns == 1 else list(ax) if hasattr(ax, "__len__") else []
        if len(given) != columns or not all(hasattr(one, "set_yscale") for one in given):
            rule = "axes of matplotlib" if columns == 1 else f"an array of {columns} axes of matplotlib"
            raise ArgumentError(f"{name} must be {rule}, or None for new ones. Found {shown(ax)}.")
        yield ax


def check_picture(path: str | Path, name: str = "--plot") -> Path:
    """The path, if a picture can be written there, before any work is done.

    Raises ArgumentError for a suffix that is none of SUFFIXES, AssumptionError where matplotlib is not installed,
    DataError for a file that cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        kinds = ", ".join(SUFFIXES)
        raise ArgumentError(f"{name} must be a file whose name ends in one of {kinds}. Found {shown(str(path))}.")
    _require_matplotlib()
    return check_writable(path, name)


@contextmanager
def picture_file(path: str | Path, columns: int = 1, size: tuple[float, float] = SIZE, **options: Any) -> Iterator[Any]:
    """Axes to draw on (an array for more than one column); afterwards the picture is written to the path as a whole.

    The suffix says the format, as in `check_picture`, which also says what is raised; WriteError if the disk is full.
    """
    target = check_picture(path)
    with drawing(1, columns, size, **options) as (figure, axes):
        yield axes[0, 0] if columns == 1 else axes[0]
        _write(figure, target, target.suffix[1:].lower())


def add_plot_option(parser: Any, what: str) -> None:
    """Add --plot FILE to the parser of a command; `what` is drawn."""
    parser.add_argument("--plot", metavar="FILE", help=f"draw {what} (.png, .svg or .pdf; needs matplotlib)")


def save(figure: Any, stem: Path) -> list[Path]:
    """Write the picture as stem.png and stem.svg, each as a whole; their paths. Raises DataError, WriteError."""
    paths = []
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # once for both files
    for kind in ("png", "svg"):
        paths.append(stem.with_name(f"{stem.name}.{kind}"))
        _write(figure, paths[-1], kind)
    return paths


def _write(figure: Any, path: Path, kind: str) -> None:
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, metadata=METADATA[kind])
    write_atomically(path, stream.getvalue())


def series(k: int) -> dict[str, Any]:
    """Colour and line of the k-th series."""
    return {"color": COLOURS[k % len(COLOURS)], "linestyle": LINES[k % len(LINES)]}


def points(k: int) -> dict[str, Any]:
    """Colour, line and marker of the k-th series."""
    return {**series(k), "marker": MARKERS[k % len(MARKERS)]}
