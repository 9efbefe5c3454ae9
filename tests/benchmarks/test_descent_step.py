"""The two sides of `python -m benchmarks descent` take the same steps."""

import pytest

from benchmarks.descent_peers import PEERS, Start, missing
from benchmarks.descent_step import AGREEMENT, agree, data, ours


@pytest.mark.parametrize(("activation", "dtype"), [("tanh", "float64"), ("relu", "float64"), ("tanh", "float32")])
@pytest.mark.parametrize("peer", ["autograd", "jax.jit"])  # torch.compile takes a minute
def test_our_step_and_that_of_a_peer_agree(peer, activation, dtype):
    if peer in missing():
        pytest.skip(f"{peer}: {missing()[peer]}")
    start = Start.draw(5, 64, data(5, 8), activation, dtype=dtype)
    agree(ours(start), PEERS[peer](start), AGREEMENT[dtype])
