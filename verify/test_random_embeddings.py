"""Theorems 2 and 3 and the L-layer model at their own embedding dimension, where that can be drawn.

With one random layer only the lower tail and the diagonal of G count, and the dimension can be drawn for n > d. With
more layers Lemma 4 is what is proved, whose dimension grows as (n/lambda_min)^2: there small problems are tested and,
for n = 20, the last layer given the others, or an embedding that is drawn, its lambda_min(G) certified.
"""

import numpy as np
import pytest

from bounds import Problem, RandomFeatures, guarantee, required_embedding_dim
from bounds.data.datasets import load_builtin
from verify.test_theorem_1 import verify_in_regime

pytestmark = [pytest.mark.usefixtures("own_examples"), pytest.mark.statistical]
DRAWABLE = 10**7  # D up to which the Gram matrices of many embeddings can be drawn
DRAWN = {1: None, 2: 1024, 3: 1024}  # D of the drawn embeddings, by depth; None: what the tail by draws requires


def skip_unless_drawable(problem: Problem, delta: float) -> None:
    """Skip if the proved dimension is larger than what can be drawn, with the number."""
    dim = guarantee(problem, delta, init="antisymmetric").embedding_dim
    assert dim is not None
    if dim > DRAWABLE:
        pytest.skip(f"asks for D = {dim:.3g}, beyond {DRAWABLE:.0e}: drawn embeddings are tested instead")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.claim(n)) for n in ("theorem-3", "theorem-2")])
@pytest.mark.parametrize("second", [-1.0, -0.5])
def test_at_its_own_dimension(name: str, second: float, request: pytest.FixtureRequest) -> None:
    """n = 2 > d = 1 with ReLU features: every trial draws embedding and network."""
    points = np.array([[1.0], [second]])
    problem = Problem(points, [0.3, -0.2], embedding=RandomFeatures(1, "relu"), name=f"opposite{second:g}")
    verify_in_regime(name, problem, request, init="antisymmetric", delta=0.25)


@pytest.mark.claim("theorem-1")
@pytest.mark.parametrize("depth", DRAWN)
def test_on_a_drawn_embedding(depth: int, request: pytest.FixtureRequest) -> None:
    """n = 20 > d = 10: one embedding, lambda_min(G) certified, Theorem 1 in its own regime."""
    X, y = load_builtin("reference", n=20, d=10)
    limit = Problem(X, y, embedding=RandomFeatures(depth, "relu"), name=f"reference-20-10-depth-{depth}")
    dim = DRAWN[depth] or required_embedding_dim(limit, 0.05, tail="monte-carlo")
    drawn = limit.draw(dim=dim, seed=0)
    assert drawn.spectrum.lmin[0] > 0
    verify_in_regime("theorem-1", drawn, request, init="antisymmetric", delta=0.25)


@pytest.mark.claim("theorem-layers")
@pytest.mark.parametrize("depth", [2, 3])
def test_layers_at_their_own_dimension(depth: int, request: pytest.FixtureRequest) -> None:
    """Two orthogonal points, tanh layers: the small problem that requires the least dimension."""
    problem = Problem(np.eye(2), [0.3, -0.2], embedding=RandomFeatures(depth, "tanh"), name="orthogonal")
    skip_unless_drawable(problem, 0.5)
    verify_in_regime("theorem-layers", problem, request, init="antisymmetric", delta=0.5)


@pytest.mark.claim("theorem-3")
@pytest.mark.parametrize(("n", "d"), [(20, 10), (40, 20)])
@pytest.mark.parametrize(("activation", "method"), [("tanh", "slopes"), ("relu", "envelope")])
def test_theorem_3_where_n_exceeds_d(
    n: int, d: int, activation: str, method: str, request: pytest.FixtureRequest
) -> None:
    """ReLU features: every trial draws embedding and network, for a verdict at the delta that is promised."""
    if n > 20 and not request.config.option.thorough:
        pytest.skip("left out but for --thorough: minutes")
    X, y = load_builtin("reference", n=n, d=d)
    problem = Problem(X, y, activation=activation, embedding=RandomFeatures(1, "relu"), name=f"reference-{n}-{d}")
    delta = 0.05 if activation == "tanh" else 0.25
    verify_in_regime("theorem-3", problem, request, init="antisymmetric", method=method, delta=delta)


@pytest.mark.claim("theorem-3")
def test_the_last_of_two_layers_given_the_first(request: pytest.FixtureRequest) -> None:
    """n = 20 > d = 10: the first layer is drawn once, the last one and the network in every trial."""
    X, y = load_builtin("reference", n=20, d=10)
    two = Problem(X, y, embedding=RandomFeatures(2, "relu"), name="reference-20-10-last-of-2")
    problem = two.draw_inner(dim=1024, seed=0)
    verify_in_regime("theorem-3", problem, request, init="antisymmetric", method="slopes", delta=0.5)


@pytest.mark.parametrize("depth", [2, 3])
@pytest.mark.claim("theorem-layers")
def test_twenty_points_at_their_own_dimension(depth: int, request: pytest.FixtureRequest) -> None:
    """n = 20 > d = 10."""
    X, y = load_builtin("reference", n=20, d=10)
    problem = Problem(X, y, embedding=RandomFeatures(depth, "relu"), name="reference-20-10")
    skip_unless_drawable(problem, 0.5)
    verify_in_regime("theorem-layers", problem, request, init="antisymmetric", delta=0.5)
