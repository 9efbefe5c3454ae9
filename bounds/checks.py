"""The checks of arguments, all in one place: every public function passes its arguments through them first.

Each takes the name of an argument and its value, and returns the value as a plain Python number, string, tuple or
read-only float64 array. numpy's scalars, 0-d arrays and torch tensors (with gradients too) stand for the numbers in
them. What does not fit is a typed error that names the argument, echoes the value and says what to give instead.
"""

from __future__ import annotations

import math
import numbers
import operator
import os
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bounds.errors import ArgumentError, DataError, require, shown, unknown_name
from bounds.tensors import is_tensor, tensor_as_array, without_tensors

T = TypeVar("T")

INITS = ("independent", "antisymmetric")
# The scale as an argument, of a guarantee or of a network to be drawn: rates and the flow are computed with its square
# in float64, which is then a normal number. certify accepts smaller signs: LEAST_SCALE_OF_SIGNS in
# bounds/certificates/magnitudes.py.
LEAST_SCALE_ARGUMENT, LARGEST_SCALE = 1e-150, 1e150
LARGEST_COUNT = 2**63 - 1  # the largest number that a compiled loop can count to
LARGEST_SEED = 2**128 - 1  # numpy mixes every seed into a pool of 128 bits

# The default handling of floating-point errors in numpy, in place of what the caller has set by np.seterr. It decorates
# every entry point, so that np.seterr(all="raise") neither stops a computation nor changes its result.
numpy_defaults = np.errstate(divide="warn", over="warn", under="ignore", invalid="warn")


def plain(value: Any) -> Any:
    """The number inside a 0-d array or tensor, a numpy array for any other tensor; anything else as it is."""
    if is_tensor(value):
        value = tensor_as_array(value)
    if isinstance(value, np.ndarray) and value.ndim == 0 and not isinstance(value, np.ma.MaskedArray):
        return value.item()
    return value


def real(name: str, value: Any, rule: str, holds: Callable[[float], bool], remedy: str = "") -> float:
    """A real number for which holds(number) is true, as a float; `rule` says in words what is asked for."""
    number = _as_float(value)
    require(number is not None and holds(number), name, rule, value, remedy)
    assert number is not None
    return number


def integer(
    name: str, value: Any, least: int, most: int | None = LARGEST_COUNT, rule: str = "", remedy: str = ""
) -> int:
    """A whole number in [least, most], as an int; a bool, or a float such as 5.0, is refused."""
    scalar = plain(value)
    whole = isinstance(scalar, numbers.Integral) and not isinstance(scalar, bool | np.bool_)
    rule = rule or {0: "a non-negative integer", 1: "a positive integer"}.get(least, f"an integer >= {least}")
    require(whole and scalar >= least, name, rule, value, remedy)
    require(most is None or scalar <= most, name, f"at most {shown(most)}", value, remedy)
    return operator.index(scalar)


def boolean(name: str, value: Any) -> bool:
    """True or False; nothing that is merely truthy, such as "no"."""
    scalar = plain(value)
    require(isinstance(scalar, bool | np.bool_), name, "True or False", value)
    return bool(scalar)


def text(name: str, value: Any) -> str:
    """A string."""
    require(isinstance(value, str), name, "a string", value)
    return str(value)


def choice(name: str, value: Any, known: Iterable[str]) -> str:
    """One of the known names; another string is answered with the nearest of them."""
    names = list(known)
    if not isinstance(value, str):
        raise ArgumentError(f"{name} must be one of {', '.join(map(repr, names))}. Found {shown(value)}.")
    if value not in names:
        raise unknown_name(name, value, names)
    return value


def instance(name: str, value: Any, kind: type[T], remedy: str = "") -> T:
    """An object of that class."""
    rule = f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__module__.partition('.')[0]}.{kind.__name__}"
    require(isinstance(value, kind), name, rule, value, remedy)
    return value


def function(name: str, value: Any, rule: str = "a function") -> Callable[..., Any]:
    """Something that can be called."""
    require(callable(value), name, rule, value)
    return value


def path(name: str, value: Any) -> Path:
    """A path of the file system."""
    ok = isinstance(value, str | os.PathLike) and isinstance(os.fspath(value), str)
    require(ok and "\0" not in os.fspath(value) and os.fspath(value) != "", name, "the path of a file", value)
    return Path(value)


def sequence(name: str, value: Any, rule: str = "a sequence") -> list[Any]:
    """The entries of a list, a tuple, a one-dimensional array or a tensor, each of them plain; no string, no set."""
    array = plain(value)
    ordered = isinstance(array, Sequence | range) and not isinstance(array, str | bytes | bytearray)
    ordered = ordered or (isinstance(array, np.ndarray) and array.ndim == 1 and not np.ma.isMaskedArray(array))
    require(ordered, name, rule, value)
    return [plain(entry) for entry in array]


# -- numbers with a name of their own --------------------------------------------------------------------------------


def check_probability(value: Any, name: str = "delta") -> float:
    """`name` must be a number in (0, 1), and no denormal one."""
    return real(name, value, "in (0, 1), and at least 1e-300", lambda p: 1e-300 <= p < 1)


def check_scale(value: Any, name: str = "scale") -> float:
    """scale must be positive, and its square a finite number with all its digits."""
    rule = f"a positive finite number in [{LEAST_SCALE_ARGUMENT:g}, {LARGEST_SCALE:g}]"
    return real(name, value, rule, lambda c: LEAST_SCALE_ARGUMENT <= c <= LARGEST_SCALE)


def check_init(value: Any) -> str:
    """init must be a known initialisation."""
    return choice("init", value, INITS)


def check_width(value: Any, init: str, name: str = "width") -> int:
    """width must be a positive integer, even for antisymmetric pairs."""
    width = integer(name, value, 1)
    odd = init == "antisymmetric" and width % 2 == 1
    require(not odd, name, "even with init='antisymmetric', which draws pairs", value, f"Use {name}={width + 1}.")
    return width


def check_seed(value: Any, name: str = "seed") -> int:
    """seed must be a non-negative integer of at most 128 bits."""
    return integer(name, value, 0, LARGEST_SEED)


def check_time(name: str, value: Any) -> float:
    """`name` must be a positive finite time."""
    return real(name, value, "a positive finite number", lambda t: 0 < t < math.inf)


def check_interval(name: str, value: Any) -> tuple[float, float]:
    """`name` must be (left, right) with left < right; the ends may be infinite."""
    rule = "(left, right), two numbers with left < right"
    ends = sequence(name, value, rule)
    require(len(ends) == 2, name, rule, value)
    left, right = _as_float(ends[0]), _as_float(ends[1])
    require(left is not None and right is not None and left < right, name, rule, value)
    assert left is not None and right is not None  # noqa: PT018
    return left, right


# -- arrays ----------------------------------------------------------------------------------------------------------


def as_float_array(name: str, value: Any, ndim: int) -> np.ndarray:
    """A read-only float64 copy of `value`, finite, with 1 or 2 dimensions; what is accepted: see real_array.

    Raises DataError, with the place of the first bad entry, for what is no finite real number, ArgumentError for
    another number of dimensions.
    """
    array = real_array(name, value, ndim)
    require_finite(name, array)
    array.setflags(write=False)
    return array


def real_array(name: str, value: Any, ndim: int | None = None) -> np.ndarray:
    """A float64 copy of lists, arrays, tensors or data frames of real numbers (True counts as 1), NaN among them.

    Raises DataError for text, dates, complex or masked entries, None; ArgumentError if it does not have `ndim`
    dimensions.
    """
    array = _as_array(name, value, 2 if ndim is None else ndim)
    if ndim is not None and array.ndim != ndim:
        rule = {1: "one-dimensional, shape (n,)", 2: "two-dimensional, shape (n, d)"}[ndim]
        raise ArgumentError(f"{name} must be {rule}. Found shape {array.shape}.")
    if array.dtype.kind == "O":
        array = _from_objects(name, array)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name} must hold numbers only. Found {_kind_of(array)}{_first(name, array)}.")
    try:
        with np.errstate(all="ignore"):
            return np.array(array, dtype=np.float64)
    except MemoryError:
        raise ArgumentError(f"{name} does not fit into memory. Found shape {array.shape}. Pass fewer rows.") from None


def require_finite(name: str, array: np.ndarray) -> None:
    """DataError with the place of the first entry of a float array that is NaN or infinite."""
    finite = np.isfinite(array)
    if finite.all():
        return
    bad = np.argwhere(~finite)
    raise DataError(
        f"{name} must be finite. Found {array[tuple(bad[0])]} at {_place(name, bad[0])}"
        f" ({len(bad)} such entr{'y' if len(bad) == 1 else 'ies'}). Drop or impute these rows."
    )


def _as_array(name: str, value: Any, ndim: int) -> np.ndarray:
    """`value` as an array of any dtype; DataError if numpy cannot make an array of it."""
    refuse_masked(name, value)
    if hasattr(value, "todense"):  # numpy would take a sparse matrix for one object
        raise DataError(f"{name} must be a dense array. Found a sparse {type(value).__name__}. Use .toarray().")
    try:
        with np.errstate(all="ignore"):
            return np.asarray(without_tensors(value, ndim))
    except MemoryError:
        raise ArgumentError(f"{name} does not fit into memory. Pass fewer rows.") from None
    except Exception as error:
        # Ragged lists, tensors on another device, objects whose __array__ fails.
        raise DataError(
            f"{name} must hold numbers only ({shown(str(error))}). Convert or drop the other columns, and give rows of"
            " equal length."
        ) from None


def refuse_masked(name: str, value: Any, depth: int = 2) -> None:
    """DataError for a masked array, also inside a list: converting it would use the values that the mask hides."""
    if isinstance(value, np.ma.MaskedArray) or value is np.ma.masked:
        hidden = np.argwhere(np.ma.getmaskarray(value))
        where = f" at {_place(name, hidden[0])} ({len(hidden)} such)" if len(hidden) and hidden.shape[1] else ""
        raise DataError(
            f"{name} must not be a masked array. Found masked entries{where}. Fill them (.filled) or drop their rows."
            if len(hidden)
            else f"{name} must not be a masked array. Found one without masked entries. Use .data."
        )
    if depth and isinstance(value, list | tuple):
        for k, row in enumerate(value):
            if not isinstance(row, int | float):
                refuse_masked(f"{name}[{k}]", row, depth - 1)


def _from_objects(name: str, array: np.ndarray) -> np.ndarray:
    """float64 from an array of Python objects, entry by entry; DataError at the first that is no real number."""
    found = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        entry = plain(array[index])
        number = float(entry) if isinstance(entry, bool) else _as_float(entry)
        if number is None:
            way = "Rescale." if isinstance(entry, numbers.Real) else "Convert or drop the other columns."
            raise DataError(f"{name} must hold numbers only. Found {shown(entry)} at {_place(name, index)}. {way}")
        found[index] = number
    return found


def _kind_of(array: np.ndarray) -> str:
    """The kind of an array's entries in words."""
    kinds = {"c": "complex numbers", "M": "dates", "m": "time spans", "U": "text", "S": "bytes", "V": "records"}
    return kinds.get(array.dtype.kind, f"dtype {array.dtype}")


def _first(name: str, array: np.ndarray) -> str:
    """The words ', value at place' for the first offending entry of an array; empty for an empty array."""
    if not array.size:
        return ""
    index = (0,) * array.ndim
    if array.dtype.kind == "c":  # the first that is not real, if there is one
        index = tuple(np.argwhere(array.imag != 0)[0]) if np.any(array.imag != 0) else index
    if array.dtype.kind == "U":  # what was mixed with text became text: show the first that was no number
        index = next((i for i in np.ndindex(array.shape) if not _looks_like_a_number(str(array[i]))), index)
    return f", {shown(array[index])} at {_place(name, index)}"


def _looks_like_a_number(word: str) -> bool:
    """Whether Python reads the word as a float."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def _place(name: str, index: Iterable[Any]) -> str:
    """The place of an entry as text, such as X[3, 0]."""
    return f"{name}[{', '.join(str(int(i)) for i in index)}]"


def _as_float(value: Any) -> float | None:
    """The float nearest to a real number; None for anything else, and for a number beyond the largest float."""
    scalar = plain(value)
    if isinstance(scalar, bool | np.bool_) or not isinstance(scalar, numbers.Real | Decimal):
        return None
    try:
        return float(scalar)
    except (OverflowError, ValueError, TypeError):  # 10**400, a signalling NaN
        return None
