"""Results on disk, one file a case: a figure that was interrupted goes on where it was, and figures share their runs.

Beside a run's file stand the certificates of the same case. Nothing in these files can run code; each is checked, array
by array or value by value, and replaced as a whole.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from bounds.data.archives import Field, read_archive
from bounds.data.files import check_writable, write_atomically
from bounds.errors import DataError
from bounds.versions import versions
from reports.experiments.case import Case, Result
from reports.experiments.certified import Certified

FORMAT = 1  # raised whenever the arrays, or what they mean, change
ARRAYS = ("time", "loss", "loss_error", "test_mse", "test_wrong")
TEXTS = ("case", "status", "detail", "measures", "origin")
FIELDS = {
    "format": Field("integer", ()),
    **{name: Field("text") for name in TEXTS},
    "seconds": Field("float", ()),
    **{name: Field("float", ("T",)) for name in ARRAYS[:3]},
    **{name: Field("float", ("K",)) for name in ARRAYS[3:]},
    "features": Field("float", (4, "m")),
}
MOST_BYTES = 10**6  # of a certificate
MOST_ATTEMPTS = 2  # a run whose process was killed so often is not tried again


class Cache:
    """A folder of results. Raises DataError if nothing can be written there."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        check_writable(self.folder / "probe", "cache")

    def file(self, case: Case, kind: str = "npz") -> Path:
        """Where the result of a case is, or with another kind: its checkpoint ("part.npz"), its attempts ("began")."""
        return self.folder / f"{case.experiment}-{case.key}.{kind}"

    def read(self, case: Case) -> Result | None:
        """The result of a case, None if there is none yet. Raises DataError for a file of another version."""
        path = self.file(case)
        if not path.exists():
            return None
        found = read_archive(path, "cached result", {"format": FIELDS["format"]}, others=True)
        if int(found["format"]) != FORMAT:
            raise DataError(
                f"cached result {str(path)!r} is of format {int(found['format'])}; this version reads {FORMAT}. Remove"
                " the file, or name another folder with --cache."
            )
        found = read_archive(path, "cached result", FIELDS)
        if _decoded(path, found, "case") != json.loads(json.dumps(asdict(case))):
            raise DataError(f"cached result {str(path)!r} is that of another case. Remove the file.")
        arrays: dict[str, Any] = {name: found[name] for name in (*ARRAYS, "features")}
        texts: dict[str, Any] = {name: _decoded(path, found, name) for name in ("measures", "origin")}
        return Result(case, str(found["status"]), str(found["detail"]), float(found["seconds"]), **arrays, **texts)

    def write(self, result: Result) -> None:
        """Keep a result, and remove what its run has left on the way. Raises WriteError if the disk is full."""
        arrays: dict[str, Any] = {name: np.asarray(getattr(result, name), float) for name in (*ARRAYS, "features")}
        texts: dict[str, Any] = {"case": json.dumps(asdict(result.case)), "status": result.status}
        texts["detail"] = result.detail
        texts |= {"measures": json.dumps(result.measures), "origin": json.dumps(result.origin)}
        stream = io.BytesIO()
        np.savez(stream, format=np.array(FORMAT), seconds=np.array(float(result.seconds)), **arrays, **texts)
        write_atomically(self.file(result.case), stream.getvalue())
        for kind in ("part.npz", "began"):
            with contextlib.suppress(FileNotFoundError):
                self.file(result.case, kind).unlink()

    def certified(self, case: Case, what: str, find: Callable[[], Certified]) -> Certified:
        """The certificate of a case that is kept under the name `what`; if there is none, find it and keep it.

        what: names the search, with everything that its answer depends on besides the case. Raises DataError for a file
        that is no certificate or of another version, WriteError if the disk is full, and what `find` raises.
        """
        path = self.file(case, f"{what}.json")
        if path.exists():
            return _certificate(path, case)
        found = replace(find(), origin=dict(versions()))
        kept = {"format": FORMAT, "case": asdict(case), **asdict(found)}
        write_atomically(path, json.dumps(kept, indent=1))
        return found

    def has_certificate(self, case: Case, what: str) -> bool:
        """Whether one is kept under that name."""
        return self.file(case, f"{what}.json").exists()

    def begin(self, case: Case) -> bool:
        """Note that a run begins; False if that many attempts have ended without a result already."""
        path = self.file(case, "began")
        attempts = 0
        with contextlib.suppress(OSError, ValueError):
            attempts = int(path.read_text()[:9])
        if attempts >= MOST_ATTEMPTS:
            return False
        write_atomically(path, str(attempts + 1))
        return True

    def interrupted(self, case: Case) -> None:
        """The attempt ended in good order, and does not count."""
        with contextlib.suppress(OSError):
            self.file(case, "began").unlink()


def _certificate(path: Path, case: Case) -> Certified:
    """The certificate in a file. Raises DataError."""
    remedy = "Remove the file, or name another folder with --cache."
    try:
        kept = json.loads(path.read_bytes()[:MOST_BYTES])
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"cached certificate {str(path)!r} cannot be read ({error}). {remedy}") from None
    names = [f.name for f in fields(Certified)]
    if not isinstance(kept, dict) or kept.get("format") != FORMAT or not all(name in kept for name in names):
        raise DataError(f"cached certificate {str(path)!r} is none of format {FORMAT}. {remedy}")
    if kept.get("case") != json.loads(json.dumps(asdict(case))):
        raise DataError(f"cached certificate {str(path)!r} is that of another case. {remedy}")
    found = {name: kept[name] for name in names}
    numbers = [found[name] for name in ("time", "loss", "rate")]
    if not all(isinstance(value, float) and 0 <= value < math.inf for value in numbers):
        raise DataError(f"cached certificate {str(path)!r}: time, loss and rate must be numbers >= 0. {remedy}")
    origin = found["origin"]
    texts = [found["method"], found["reason"], *(origin.values() if isinstance(origin, dict) else [None])]
    if not all(isinstance(text, str) for text in texts):
        raise DataError(f"cached certificate {str(path)!r}: method, reason and origin must be text. {remedy}")
    return Certified(**found)


def _decoded(path: Path, found: dict[str, np.ndarray], name: str) -> Any:
    """An object kept as JSON. Raises DataError."""
    try:
        value = json.loads(str(found[name]))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise DataError(f"cached result {str(path)!r}: array {name!r} must hold an object as JSON. Remove the file.")
    return value
