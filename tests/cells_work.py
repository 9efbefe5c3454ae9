"""Work for the tests of cells, in a module that other processes can import."""

import os
import signal
import time
from pathlib import Path

import numpy as np

COLUMNS = {"k": int, "seed": int, "value": float, "word": str, "even": bool}


def draw(cell):
    """One row, drawn with the seed of the cell; k = 13 raises an error."""
    k = cell.definition["k"]
    if k == 13:
        raise RuntimeError("unlucky")
    value = float(np.random.default_rng(cell.seed).standard_normal())
    return [{"k": k, "seed": cell.seed, "value": value, "word": f"cell {k}", "even": k % 2 == 0}]


def slow(cell):
    """As draw, in a tenth of a second."""
    time.sleep(0.1)
    return draw(cell)


def slow_at_the_end(cell):
    """As draw, in two seconds from k = 30 on."""
    time.sleep(2.0 if cell.definition["k"] >= 30 else 0.05)
    return draw(cell)


def deadly(folder, cell):
    """As draw, but k = 5 ends its process each time, and k = 8 the first time."""
    k, once = cell.definition["k"], Path(folder) / "once"
    if k == 5 or (k == 8 and not once.exists()):
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return draw(cell)
