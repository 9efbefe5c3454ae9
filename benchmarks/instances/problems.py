"""The instances: read from instances.toml, their data and weights drawn by numpy alone, as another tool can do too."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from bounds import Problem
from bounds.data.datasets import DATASETS, load_builtin

FILE = Path(__file__).with_name("instances.toml")


@dataclass(frozen=True)
class Instance:
    """One training problem with one network.

    data: a built-in set, or gaussian, orthogonal, correlated (with `correlation`), clusters, spectrum (a Gram matrix
    with this `condition`); embedding: identity, quadratic, or random-features with `dim` features of
    `feature_activation`; width, scale, init, seed: the network; init "antisymmetric": each neuron twice, with both
    signs.
    """

    name: str
    data: str
    n: int
    d: int
    data_seed: int
    activation: str
    embedding: str
    width: int
    scale: float
    init: str
    seed: int
    correlation: float = 0.0
    condition: float = 1.0
    dim: int = 0
    feature_activation: str = ""

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """(features (n, D), y (n,)): phi(x_a) of each data point, so that G = features features' / D."""
        X, y = self._data()
        if self.embedding == "quadratic":
            X = (X[:, :, None] * X[:, None, :]).reshape(len(X), -1)
        elif self.embedding == "random-features":
            Z = np.random.default_rng([self.data_seed, 1]).standard_normal((self.d, self.dim))
            h = X @ Z / np.sqrt(self.d)
            X = np.maximum(h, 0.0) if self.feature_activation == "relu" else np.tanh(h)
        return X, y

    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        """(W (m, D), signs (m,)) of the network at the start: W standard normal, signs +scale or -scale."""
        rng = np.random.default_rng([self.seed, 2])
        dim = self.arrays()[0].shape[1]
        if self.init == "antisymmetric":
            half = rng.standard_normal((self.width // 2, dim))
            return np.concatenate([half, half]), self.scale * np.repeat([1.0, -1.0], self.width // 2)
        W = rng.standard_normal((self.width, dim))
        return W, self.scale * rng.choice([-1.0, 1.0], self.width)

    def problem(self) -> Problem:
        """The problem as linrate sees it, of the features: their Gram matrix is all that matters."""
        X, y = self.arrays()
        return Problem(X, y, activation=self.activation, name=self.name)

    def _data(self) -> tuple[np.ndarray, np.ndarray]:
        n, d = self.n, self.d
        if self.data in DATASETS:
            fixed = self.data in ("digits", "diabetes")
            return load_builtin(self.data, n=n, d=None if fixed else d, seed=self.data_seed)
        rng = np.random.default_rng(self.data_seed)
        y = rng.uniform(-0.5, 0.5, n)
        noise = rng.standard_normal((n, d))
        if self.data == "gaussian":
            return noise, y
        if self.data == "clusters":  # two centres, as far apart as the points of one are wide
            centres = rng.standard_normal((2, d))
            return centres[np.arange(n) % 2] + noise, np.where(np.arange(n) % 2, 0.5, -0.5)
        basis = np.linalg.qr(rng.standard_normal((d, d)))[0][:n] * np.sqrt(d)  # n rows, orthogonal, of norm sqrt(d)
        if self.data == "orthogonal":
            return basis, y
        if self.data == "spectrum":
            values = np.geomspace(1.0, self.condition, n)
            turned = np.linalg.qr(noise[:, :n])[0]
            return (turned * np.sqrt(values / values.mean())) @ basis, y
        gram = np.full((n, n), self.correlation) + (1 - self.correlation) * np.eye(n)
        return np.linalg.cholesky(gram) @ basis, y


def instances() -> list[Instance]:
    """All of them, in the order of the file. Raises TypeError for an entry with an unknown or missing field."""
    content = tomllib.loads(FILE.read_text(encoding="utf-8"))
    known = {field.name for field in fields(Instance)}
    found = [Instance(**{**content["defaults"], **entry}) for entry in content["instance"]]
    assert all(set(entry) <= known for entry in content["instance"])
    return found
