"""Arrays from .npz and .npy files of unknown origin: each is checked before it is unpacked.

numpy's own reader allocates as much memory as the header of a file claims; here the header must agree with the size of
the file, with the kind and shape that are expected, and with the size limit. Nothing in these files can run code.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.lib import format as npy

from bounds.data.files import open_file, size_limit, too_large
from bounds.errors import DataError

Kind = Literal["number", "float", "integer", "text"]
# The kinds of numpy dtype that are accepted for each Kind, the dtype that is returned, and the words for an error.
ACCEPTS = {"number": "biuf", "float": "f", "integer": "i", "text": "U"}
COMES_AS = {"number": np.float64, "float": np.float64, "integer": np.int64}
CHUNK = 2**22  # bytes that are read at a time
RULE = {"number": "numbers only, real ones", "float": "float64 numbers", "integer": "int64 numbers", "text": "one text"}


@dataclass(frozen=True)
class Field:
    """What an array must be; numbers must be finite.

    kind: "number" (of any real type, read as float64), "float" (float64), "integer" (int64) or "text" (one string);
    shape: an int is that size, a letter any size, but the same in all arrays of the file; None for any shape; optional:
    the array may be absent.
    """

    kind: Kind
    shape: tuple[int | str, ...] | None = None
    optional: bool = False


def read_archive(
    path: str | Path, what: str, fields: Mapping[str, Field], *, others: bool = False
) -> dict[str, np.ndarray]:
    """The arrays of a .npz file by name, checked against `fields`; optional ones may be absent.

    what: a word for the file in errors; others: whether the file may hold further arrays, which are then not read. An
    array whose size is fixed by `fields` does not count towards size_limit(). Raises DataError naming the array.
    """
    shown = f"{what} {str(path)!r}"
    with open_file(path, what) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                return _read(archive, shown, fields, others)
        except DataError:
            raise
        except Exception as error:  # zipfile and its decompressors raise a dozen kinds
            raise DataError(f"{shown} cannot be read as .npz: {error}") from None


def read_array(path: str | Path, what: str, name: str) -> np.ndarray:
    """The numbers of a .npy file. what, name: the words for the file and for the array in errors. Raises DataError."""
    shown = f"{what} {str(path)!r}"
    with open_file(path, what) as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        try:
            head = _head(stream, size)
            _check(shown, name, head, Field("number"), {})
            if (limit := size_limit()) < head.bytes:
                raise too_large(shown, head.bytes, limit)
            return _unpack(stream, shown, name, head, Field("number"))
        except DataError:
            raise
        except Exception as error:
            raise DataError(f"{shown} cannot be read as .npy: {error}") from None


@dataclass(frozen=True)
class _Head:
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    bytes: int


def _head(stream: Any, size: int) -> _Head:
    """The header of an array of `size` bytes; ValueError if the bytes that follow do not agree with it."""
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"arrays of version {version[0]}.{version[1]} are not read")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if min(shape, default=0) < 0 or not all(type(size) is int for size in shape):
        raise ValueError(f"its shape is said to be {shape}")
    head = _Head(shape, fortran, dtype, math.prod(shape) * dtype.itemsize)
    if not dtype.hasobject and head.bytes != size - stream.tell():
        raise ValueError(f"its shape {shape} needs {head.bytes} bytes; it holds {size - stream.tell()}")
    return head


def _read(archive: zipfile.ZipFile, shown: str, fields: Mapping[str, Field], others: bool) -> dict[str, np.ndarray]:
    """The wanted arrays of an open archive; see `read_archive`."""
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if len(members) != len(archive.infolist()):
        raise DataError(f"{shown} holds two arrays of one name.")
    wanted = [name for name, field in fields.items() if name in members or not field.optional]
    if missing := [name for name in wanted if name not in members]:
        needed = ", ".join(name for name, field in fields.items() if not field.optional)
        raise DataError(f"{shown} must hold arrays {needed}. Missing: {missing}. Found {sorted(members)[:40]}.")
    if unknown := sorted(set(members) - set(fields)) if not others else []:
        raise DataError(f"{shown} holds arrays that do not belong there: {unknown[:40]}.")
    limit, sizes, total = size_limit(), dict[str, tuple[int, str]](), 0
    found: dict[str, np.ndarray] = {}
    for name in wanted:
        field, info = fields[name], members[name]
        with archive.open(info) as member:
            try:
                head = _head(member, info.file_size)
            except ValueError as error:
                raise DataError(f"{shown}: array {name!r} cannot be read: {error}.") from None
            _check(shown, name, head, field, sizes)
            total += 0 if field.shape is not None and all(isinstance(s, int) for s in field.shape) else head.bytes
            if total > limit:
                raise too_large(shown, total, limit)
            found[name] = _unpack(member, shown, name, head, field)
    return found


def _check(shown: str, name: str, head: _Head, field: Field, sizes: dict[str, tuple[int, str]]) -> None:
    """DataError unless the array is of the expected kind and shape.

    sizes: by letter, its size and the array that fixed it; letters met for the first time are added.
    """
    exact = {"float": np.float64, "integer": np.int64}.get(field.kind)
    wrong = head.dtype.kind not in ACCEPTS[field.kind] or (exact is not None and head.dtype != exact)
    if wrong or (field.kind == "text" and head.shape != ()):
        raise DataError(f"{shown}: array {name!r} must hold {RULE[field.kind]}. Found {head.dtype} {head.shape}.")
    if field.shape is None or field.kind == "text":
        return
    known = [sizes.get(s, (None, name)) if isinstance(s, str) else (s, name) for s in field.shape]
    fits = len(head.shape) == len(known)
    if not fits or any(size not in (None, here) for (size, _), here in zip(known, head.shape, strict=True)):
        letters = {s: sizes[s] for s in field.shape if isinstance(s, str) and s in sizes}
        fixed = ", ".join(f"{s} = {size} as in {array!r}" for s, (size, array) in letters.items())
        asked = f"({', '.join(map(str, field.shape))}{',' if len(field.shape) == 1 else ''})"
        raise DataError(
            f"{shown}: array {name!r} must be of shape {asked}{f' with {fixed}' if fixed else ''}. Found {head.shape}."
        )
    for letter, here in zip(field.shape, head.shape, strict=True):
        if isinstance(letter, str):
            sizes.setdefault(letter, (here, name))


def _unpack(stream: BinaryIO | Any, shown: str, name: str, head: _Head, field: Field) -> np.ndarray:
    """The checked array whose header has been read, from the rest of its stream."""
    raw, at = np.empty(head.bytes, dtype=np.uint8), 0
    while len(chunk := stream.read(CHUNK)):
        if at + len(chunk) > head.bytes:
            break
        raw[at : at + len(chunk)] = np.frombuffer(chunk, dtype=np.uint8)
        at += len(chunk)
    if at != head.bytes or len(chunk):
        raise DataError(f"{shown}: array {name!r} does not end where it should.")
    array = (raw.view(head.dtype) if head.bytes else np.empty(0, head.dtype)).reshape(
        head.shape, order="F" if head.fortran else "C"
    )
    if field.kind == "text":
        return array
    with np.errstate(all="ignore"):
        array = array.astype(COMES_AS[field.kind], copy=False)
    if field.kind != "integer" and len(bad := np.argwhere(~np.isfinite(array))):
        where = ", ".join(str(int(i)) for i in bad[0])
        raise DataError(f"{shown}: array {name!r} must be finite. Found {array[tuple(bad[0])]} at {name}[{where}].")
    return array
