"""State files: one network with its training set, written by `linrate flow --state-out`, read by `linrate certify`."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bounds.data.archives import Field, read_archive
from bounds.data.files import write_atomically
from bounds.errors import DataError
from bounds.problem import Problem

FORMAT = 1  # of the files that are written, and the only one that is read
FIELDS = {  # only the network itself is required, because a user may write such a file without linrate
    "X": Field("number", ("n", "d")),
    "y": Field("number", ("n",)),
    "H": Field("number", ("m", "n"), optional=True),
    "W": Field("number", ("m", "D"), optional=True),
    "signs": Field("number", ("m",)),
    "activation": Field("text", optional=True),
    "embedding": Field("text", optional=True),
    "last_layer": Field("float", (), optional=True),
    "format": Field("integer", (), optional=True),
}


@dataclass(frozen=True)
class State:
    """A network and its training set: X (n, d), y (n,), signs (m,), and either H (m, n) or the weights W (m, D).

    activation, embedding: their names, None if the file does not hold them; last_layer: the mobility of the last layer,
    0 if it is fixed, None if the file does not say.
    """

    X: np.ndarray
    y: np.ndarray
    H: np.ndarray | None
    W: np.ndarray | None
    signs: np.ndarray
    activation: str | None
    embedding: str | None
    last_layer: float | None


def read_state(path: str | Path) -> State:
    """The state of a .npz file. Raises DataError naming the array that is missing, unknown or not as it should be."""
    found = read_archive(path, "state", FIELDS)
    known = int(found.get("format", FORMAT))
    if known != FORMAT:
        raise DataError(
            f"state {str(path)!r} is of format {known}; this version reads {FORMAT}."
            " Write it anew: linrate flow --state-out."
        )
    if ("H" in found) == ("W" in found):
        raise DataError(
            f"state {str(path)!r} must hold either H, the pre-activations (m, n), or W, the weights of the first layer"
            f" (m, D). It holds {'both' if 'H' in found else 'neither'}."
        )
    activation, embedding = (str(found[name]) if name in found else None for name in ("activation", "embedding"))
    last_layer = float(found["last_layer"]) if "last_layer" in found else None
    network = (found["X"], found["y"], found.get("H"), found.get("W"), found["signs"])
    return State(*network, activation, embedding, last_layer)


def write_state(path: str | Path, problem: Problem, H: np.ndarray, signs: np.ndarray) -> None:
    """Replace the file by this network, H (m, n) and signs (m,), with the problem that it was trained on."""
    stream = io.BytesIO()
    trained: dict[str, Any] = {"last_layer": np.array(problem.last_layer)} if problem.last_layer else {}
    np.savez(
        stream,
        format=np.array(FORMAT),
        X=problem.X,
        y=problem.y,
        H=H,
        signs=signs,
        activation=np.array(problem.activation.name),
        embedding=np.array(problem.embedding_name),
        **trained,
    )
    write_atomically(path, stream.getvalue())
