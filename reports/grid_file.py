"""The file of `linrate gaps --grid`: which problems, networks and methods. Only plain values are read from it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bounds.checks import INITS, check_probability, check_scale, check_seed, check_time, check_width, choice, integer
from bounds.data.datasets import DATASETS
from bounds.data.embeddings import get_embedding
from bounds.data.files import open_file
from bounds.errors import AssumptionError, DataError, unknown_name
from bounds.methods import METHODS
from bounds.problem import check_mobility

LARGEST_FILE = 10**5  # bytes
MOST_POINTS = 10**5  # of a grid

EXAMPLE = """\
builtin: [experiment-1, reference]   # names of built-in data sets
activation: [tanh, softplus]
embedding: [identity, identity+bias=1.0]   # biases are part of the embedding; +fixed-bias=1.0: not trained
last_layer: [0, 1]                   # its mobility; 0: fixed
n: [10, 20]
d: 100
data_seed: [0, 1]
width: [1024, 8192]
scale: [1, 10]
init: antisymmetric
seed: [0, 1, 2]
method: [printed, repaired, slopes, kernel]
delta: 0.05
t_max: 1000
"""


@dataclass(frozen=True)
class Point:
    """One problem with one network: a point of the grid. The fields are named as in the file."""

    builtin: str
    activation: str
    embedding: str
    n: int
    d: int
    data_seed: int
    width: int
    scale: float
    init: str
    seed: int
    delta: float
    t_max: float
    last_layer: float = 0.0


@dataclass(frozen=True)
class Grid:
    """points: all combinations, each once; methods: those that are compared at each; axes: the values of each key."""

    points: tuple[Point, ...]
    methods: tuple[str, ...]
    axes: dict[str, list[Any]]


DEFAULTS: dict[str, Any] = {
    "builtin": "reference",
    "activation": "tanh",
    "embedding": "identity",
    "n": 10,
    "d": 100,
    "data_seed": 0,
    "width": 1024,
    "scale": 1.0,
    "init": "antisymmetric",
    "seed": 0,
    "delta": 0.05,
    "t_max": 1000.0,
    "last_layer": 0.0,
}
DEFAULT_METHODS = tuple(METHODS)


def read_grid(path: str | Path) -> Grid:
    """The grid that a YAML file describes: each key a value or a list of values, as in EXAMPLE; all combinations.

    Raises DataError for a file that is no such description, ArgumentError for a value out of range, AssumptionError
    where PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError:
        raise AssumptionError("a grid file needs PyYAML: pip install 'linrate[grid]'.") from None
    shown = f"grid {str(path)!r}"
    with open_file(path, "grid") as stream:
        text = stream.read(LARGEST_FILE + 1)
    if len(text) > LARGEST_FILE:
        raise DataError(f"{shown} is longer than {LARGEST_FILE} bytes. Give ranges as lists of a few values.")
    try:
        found = yaml.safe_load(text)  # plain values only: nothing in the file is run
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DataError(f"{shown} cannot be read as YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(found, dict):
        raise DataError(f"{shown} must hold lines such as 'n: [10, 20]'. Found {type(found).__name__}.")
    return grid_of(found, shown)


def grid_of(found: Mapping[str, Any], shown: str = "grid") -> Grid:
    """The grid that a mapping describes: each key a value or a list of values, as in EXAMPLE; all combinations.

    shown: what errors call it. Raises DataError for a mapping that is no such description, ArgumentError for a value
    out of range.
    """
    for key in found:
        if key not in DEFAULTS and key != "method":
            raise unknown_name(f"key in {shown}:", key, [*DEFAULTS, "method"])
    methods = tuple(choice("method", m, METHODS) for m in _listed("method", found.get("method", list(DEFAULT_METHODS))))
    values = {key: _listed(key, found.get(key, default)) for key, default in DEFAULTS.items()}
    count = 1
    for entries in values.values():
        count *= len(entries)
    if count > MOST_POINTS:
        raise DataError(f"{shown} describes {count} points, more than {MOST_POINTS}. Split it.")
    combinations = itertools.product(*(values[f.name] for f in fields(Point)))
    points = dict.fromkeys(_checked(dict(zip(values, c, strict=True))) for c in combinations)
    return Grid(tuple(points), tuple(dict.fromkeys(methods)), {**values, "method": list(methods)})


def _listed(key: str, value: Any) -> list[Any]:
    entries = value if isinstance(value, list) else [value]
    for entry in entries:
        if isinstance(entry, list | dict) or entry is None:
            raise DataError(f"{key} of a grid must be a value or a list of values. Found {str(entry)[:60]!r}.")
    if not entries:
        raise DataError(f"{key} of a grid must not be an empty list.")
    return entries


def _checked(values: dict[str, Any]) -> Point:
    """The point, each value in its range."""
    embedding = values["embedding"]
    get_embedding(embedding)
    return Point(
        builtin=choice("builtin", values["builtin"], DATASETS),
        activation=choice("activation", values["activation"], _activations()),
        embedding=embedding,
        n=integer("n", values["n"], 1),
        d=integer("d", values["d"], 1),
        data_seed=check_seed(values["data_seed"], "data_seed"),
        width=check_width(values["width"], choice("init", values["init"], INITS)),
        scale=check_scale(values["scale"]),
        init=values["init"],
        seed=check_seed(values["seed"]),
        delta=check_probability(values["delta"]),
        t_max=check_time("t_max", values["t_max"]),
        last_layer=check_mobility(values["last_layer"]),
    )


def _activations() -> Iterator[str]:
    from bounds import known_activations

    yield from known_activations()
