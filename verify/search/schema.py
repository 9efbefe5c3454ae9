"""What the .json and the .npz of a counterexample may hold.

The files are not trusted: nothing else is accepted, and every refusal is a DataError that names the field.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bounds.checks import INITS
from bounds.data.archives import Field, read_archive
from bounds.errors import DataError
from bounds.methods import METHODS

FORMAT = 2  # 1 named the file of its conjectures by its path, and had no hash of it
READ = (1, 2)  # formats that can be read
LARGEST_JSON = 2**24  # bytes
ARRAYS = {
    "y": Field("number", ("n",)),
    "gram": Field("number", ("n", "n")),
    "signs": Field("number", ("m",)),
    "H": Field("number", ("m", "n")),
    "time": Field("number", ("T",)),
}

Check = Callable[[str, Any], Any]  # check(name of the field, its value) -> the value, or a DataError


def _refuse(name: str, rule: str, value: Any) -> DataError:
    """The error of a field that breaks a rule, with the beginning of its value."""
    shown = repr(value)
    return DataError(f"{name} must be {rule}. Found {shown if len(shown) <= 80 else shown[:77] + '...'}.")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _refuse(name, "text", value)
    return value


def _one_of(*known: str) -> Check:
    def check(name: str, value: Any) -> str:
        if not (isinstance(value, str) and value in known):
            raise _refuse(name, f"one of {known}", value)
        return value

    return check


def _number(least: float = -math.inf, most: float = math.inf, *, open_below: bool = False) -> Check:
    """A finite number from least to most."""
    ends = f"a finite number in {'(' if open_below else '['}{least:g}, {most:g}]"

    def check(name: str, value: Any) -> float:
        ok = isinstance(value, int | float) and not isinstance(value, bool)
        try:
            number = float(value) if ok else math.nan
        except OverflowError:
            number = math.nan
        if not (math.isfinite(number) and least <= number <= most and not (open_below and number == least)):
            raise _refuse(name, ends, value)
        return number

    return check


def _whole(least: int, most: int = 2**63 - 1) -> Check:
    def check(name: str, value: Any) -> int:
        if not (isinstance(value, int) and not isinstance(value, bool) and least <= value <= most):
            raise _refuse(name, f"a whole number in [{least}, {most}]", value)
        return value

    return check


def _or_none(inner: Check) -> Check:
    return lambda name, value: None if value is None else inner(name, value)


def _times(name: str, value: Any) -> list[float]:
    """Increasing finite times."""
    if not isinstance(value, list) or not value:
        raise _refuse(name, "a list of increasing times", value)
    times = [_number(0.0)(f"{name}[{k}]", item) for k, item in enumerate(value)]
    if any(b <= a for a, b in itertools.pairwise(times)):
        raise _refuse(name, "a list of increasing times", value)
    return times


def _interval(name: str, value: Any) -> tuple[float, float]:
    """Two ends, which may be infinite."""
    numbers = isinstance(value, list) and len(value) == 2
    if not numbers or any(isinstance(end, bool) or not isinstance(end, int | float) for end in value):
        raise _refuse(name, "two numbers", value)
    if not value[0] < value[1]:
        raise _refuse(name, "two increasing numbers", value)
    return float(value[0]), float(value[1])


def _object(fields: Mapping[str, Check]) -> Check:
    """A JSON object with exactly these fields."""

    def check(name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _refuse(name or "the .json", "an object", value)
        prefix = f"{name}." if name else ""
        for key in value:
            if key not in fields:
                raise DataError(f"unknown field {prefix + key!r}. Known: {', '.join(fields)}.")
        for key in fields:
            if key not in value:
                raise DataError(f"field {prefix + key!r} is missing.")
        return {key: inner(prefix + key, value[key]) for key, inner in fields.items()}

    return check


def _hash(name: str, value: Any) -> str:
    if not (isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")):
        raise _refuse(name, "a SHA-256 of 64 hexadecimal digits", value)
    return value


def _texts(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _refuse(name, "an object", value)
    return {key: _text(f"{name}.{key}", one) for key, one in value.items()}


POSITIVE = _number(0.0, open_below=True)
LOSS = _one_of("sum", "mean")
FLOW = _object(
    {
        "t_max": POSITIVE,
        "rtol": _number(1e-13, 0.1),
        "loss_ratio": _number(0.0, 1 - 2**-53),
        "loss": LOSS,
        "save_at": _or_none(_times),
    }
)
DESCENT = _object({"step": POSITIVE, "steps": _whole(0), "loss": LOSS})


def _options(name: str, value: Any) -> dict[str, Any]:
    """The options of a descent, which has a step, or of a flow."""
    found: dict[str, Any] = (DESCENT if isinstance(value, dict) and "step" in value else FLOW)(name, value)
    return found


PROMISE = {
    "delta": _number(1e-300, 1 - 2**-53),
    "method": _one_of(*METHODS),
    "init": _one_of(*INITS),
    "width": _whole(1),
    "scale": _number(0.0, 1e150, open_below=True),
    "rate": _number(0.0),
}
FIELDS: dict[str, Check] = {
    "format": _whole(1),
    "claim": _text,
    "title": _text,
    "conjectures": _or_none(_object({"file": _text, "sha256": _hash})),
    "activation": _text,
    "data": _text,
    "scaling": _one_of("ours", "ntk", "mf"),
    "interval": _interval,
    "options": _options,
    "promise": _or_none(_object(PROMISE)),
    "seed": _or_none(_whole(0)),
    "init": _one_of(*INITS, "given"),
    "quantity": _text,
    "margin": _number(),
    "error": _number(0.0),
    "at": _number(0.0),
    "versions": _texts,
}


def read_fields(file: Path) -> dict[str, Any]:
    """The checked fields of the .json. Raises DataError."""
    try:
        if file.stat().st_size > LARGEST_JSON:
            raise DataError(f"it has more than {LARGEST_JSON} bytes.")
        fields = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{error}.") from None
    if isinstance(fields, dict) and "format" in fields and FIELDS["format"]("format", fields["format"]) not in READ:
        raise DataError(f"format {fields['format']}, this version reads {', '.join(map(str, READ))}.")
    checks = FIELDS
    if isinstance(fields, dict) and fields.get("format") == 1:
        checks = {**FIELDS, "conjectures": _or_none(_text)}
    if isinstance(fields, dict) and "last_layer" in fields:  # written where the last layer is trained
        checks = {**checks, "last_layer": POSITIVE}
    checked: dict[str, Any] = _object(checks)("", fields)
    return checked


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """The checked arrays of the .npz: gram (n, n) symmetric, y (n,), H (m, n), signs (m,), time (T,)."""
    arrays = read_archive(file, "counterexample", ARRAYS)
    for name, array in arrays.items():
        if array.size == 0:
            raise DataError(f"{name} must not be empty. Found shape {array.shape}.")
    sizes = np.abs(arrays["signs"])
    if not (sizes[0] > 0 and np.all(sizes == sizes[0])):
        raise DataError("signs must be +scale or -scale with one scale > 0.")
    if arrays["time"][0] < 0 or np.any(np.diff(arrays["time"]) <= 0):
        raise DataError("time must increase from 0 on.")
    return arrays
