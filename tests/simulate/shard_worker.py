"""The processes of test_shards.py, in a program of its own: it loads everything once, and forks those of each group.

    python -m tests.simulate.shard_worker FOLDER

leaves what one process finds in FOLDER/alone.npz, what P of them find together in FOLDER/P.npz, and in FOLDER/told.json
what the processes are told when something goes wrong.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import torch
import torch.distributed  # noqa: F401  (loaded before the fork)

import bounds
import simulate
import simulate.setup
from bounds.data.datasets import load_builtin
from bounds.data.embeddings import get_embedding
from simulate import checkpoint, network, processes
from simulate.field import chunks
from simulate.field.arrays import Arrays
from simulate.integrators.piecewise_linear import method

SMALLER = 8  # chunks and blocks of draws are that much smaller here than in a program that only wants to be fast
# Widths of four to eight chunks, the fewest that three processes can share.
WIDTH = 1780
X, Y = load_builtin("experiment-1", n=5)
FLOW = {"width": WIDTH, "scale": 3.0, "t_max": 0.5, "save_at": [0.1, 0.5], "rtol": 1e-4}
KINKED = {**FLOW, "t_max": 0.3, "save_at": [0.1, 0.3]}
DESCENT = {"width": WIDTH, "scale": 3.0, "steps": 12}
FEATURES = "random-features:depth=1,activation=relu,dim=256"
TEST = np.random.default_rng(7).standard_normal((3, X.shape[1]))


def problem(activation="tanh", embedding="identity"):
    return bounds.Problem(X, Y, activation=activation, embedding=get_embedding(embedding))


NEARLY = "as on a GPU"  # the case in which the number of processes may change last digits
CASES = {
    "tanh": lambda: simulate.gradient_flow(problem(), **FLOW),
    "pairs": lambda: simulate.gradient_flow(problem(), **FLOW, init="antisymmetric", scaling="ntk"),
    "several blocks of draws": lambda: simulate.gradient_flow(problem(), **{**FLOW, "width": 8_750, "max_steps": 2}),
    "low memory": lambda: simulate.gradient_flow(problem(), **FLOW, low_memory=True),
    "float32": lambda: simulate.gradient_flow(problem(), **{**FLOW, "width": 2 * WIDTH}, dtype="float32"),
    "test points": lambda: simulate.gradient_flow(problem("gelu"), **FLOW, X_test=TEST),
    "runge-kutta": lambda: simulate.gradient_flow(
        problem(), **{**FLOW, "t_max": 0.2, "save_at": [0.2]}, integrator="runge-kutta"
    ),
    "relu": lambda: simulate.gradient_flow(problem("relu"), **{**KINKED, "rtol": 1e-2}),
    "relu without events": lambda: simulate.gradient_flow(
        problem("relu"), **{**KINKED, "rtol": 0.1}, integrator="exponential"
    ),
    "random features": lambda: simulate.gradient_flow(problem(embedding=FEATURES), **FLOW),
    "descent": lambda: simulate.gradient_descent(problem(), **DESCENT, step=0.1),
    "descent by a rule": lambda: simulate.gradient_descent(
        problem("softplus"), **DESCENT, step="residual", X_test=TEST
    ),
    "diverged": lambda: simulate.gradient_descent(problem("linear"), **{**DESCENT, "steps": 200}, step=1e3),
    "trained last layer": lambda: simulate.gradient_flow(bounds.Problem(X, Y, last_layer=1.0), **FLOW, X_test=TEST),
    "a given network": lambda: simulate.gradient_flow(problem(), network=given(), t_max=0.5, save_at=[0.5]),
}


def as_on_a_gpu():
    """The operators of torch, on the CPU: each process hands over one sum for all of its chunks."""
    before, simulate.setup.Arrays = simulate.setup.Arrays, functools.partial(Arrays, tensors=True)
    try:
        return simulate.gradient_flow(problem(), **{**FLOW, "width": 400}, X_test=TEST, integrator="exponential")
    finally:
        simulate.setup.Arrays = before


def given():
    return simulate.sample_network(problem(), width=WIDTH, scale=2.0, seed=5)


def numbers(run):
    """All that a run reports, by name."""
    frame, final = run.to_frame(), processes.whole_network(run.final)
    found = {name: frame[name].to_numpy() for name in frame.columns}
    found |= {f"error of {name}": values for name, values in run.errors.items()}
    found["status"] = np.array(f"{run.status.name} {run.detail}")
    test = {} if final.H_test is None else {"H_test": final.H_test}
    return found | certified(run) | {"H": final.H, "signs": final.signs} | test


def certified(run):
    """What every formula certifies of the final network, or why none can."""
    try:
        table = bounds.certificate_table(run.problem, run.neurons(), signs=run.final.signs)
    except bounds.LinrateError as error:
        return {"no certificate": np.array(str(error))}
    numbers = {name: table[name].to_numpy(dtype=float) for name in ("rate", "beta", "critical_scale", "path_length")}
    return {f"certified {name}": values for name, values in numbers.items()}


def find():
    """What the cases find, by "case: name"."""
    runs = {**CASES, NEARLY: as_on_a_gpu}
    return {f"{case}: {name}": array for case, run in runs.items() for name, array in numbers(run()).items()}


def free_port():
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return str(chosen.getsockname()[1])


def group(size, work, **environment):
    """work(rank) in each of `size` processes that can meet: what each returns, a text, or its error, or by which signal
    it was ended; with the seconds that it took all of them."""
    started, port, children = time.monotonic(), free_port(), []
    for rank in range(size):
        ear, mouth = os.pipe()
        child = os.fork()
        if child == 0:
            os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
            os.environ |= {"LOCAL_WORLD_SIZE": str(size), **environment}
            try:
                text = work(rank) or ""
            except (bounds.errors.LinrateError, KeyboardInterrupt) as error:
                text = f"{type(error).__name__}: {error}"
            except BaseException:
                text = traceback.format_exc()
            os.write(mouth, text.encode())
            os._exit(0)
        os.close(mouth)
        children.append((child, ear))
    told = []
    for child, ear in children:
        with open(ear) as stream:
            text = stream.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        told.append(text if code == 0 else f"exit {code}")
    return {"told": told, "seconds": time.monotonic() - started}


def saved_flow(folder, end, **options):
    """The loss of the case "tanh", saved at each step; end(): what is called at the fourth, or None."""
    checkpoint.FIRST = checkpoint.EVERY = 0.0
    steps = iter(range(3))

    def progress(*_):
        if end is not None and next(steps, None) is None:
            end()

    with processes.shared():
        run = simulate.gradient_flow(problem(), **FLOW, checkpoint=folder / "run.npz", progress=progress, **options)
    return json.dumps(run.loss.tolist())


def equal_points():
    """The losses of a flow of ReLU with two equal data points, at more save points of a step than it has memory for."""
    before, method.KEPT = method.KEPT, 5 * 9 * len(Y) * WIDTH
    try:
        equal = bounds.Problem(np.vstack([X, X[:1]]), np.append(Y, -Y[0]), activation="relu")
        options = {"scale": 3.0, "t_max": 1e-3, "save_at": np.linspace(1e-4, 1e-3, 12), "rtol": 0.1}
        return json.dumps(simulate.gradient_flow(equal, width=WIDTH, max_steps=1, **options).loss.tolist())
    finally:
        method.KEPT = before


def hang():
    time.sleep(12.0)  # longer than the patience of the others


def together_equal(_rank):
    with processes.shared():
        return equal_points()


def main():
    folder, found = Path(sys.argv[1]), {}
    chunks.CHUNK_FROM //= SMALLER
    network.DRAWN_TOGETHER //= SMALLER
    np.savez(folder / "alone.npz", **find())  # first: what is compiled or loaded for it, the forked processes have

    def together(rank):
        with processes.shared() as others:
            numbers = find()
        if rank == 0:
            np.savez(folder / f"{others.size}.npz", **numbers)
        return f"{others.exchanges} {others.received}"

    for size in (1, 2, 3):
        found[f"{size} together"] = group(size, together)

    def killed(rank):
        end = (lambda: os.kill(os.getpid(), signal.SIGKILL)) if rank == 2 else None
        return saved_flow(folder, end)

    found["killed"] = group(3, killed)
    found["resumed"] = group(2, lambda rank: saved_flow(folder, None, resume=True))
    found["equal points"] = {"told": [equal_points(), *group(3, together_equal)["told"]]}
    found["resumed alone"] = {"told": [resumed_alone(folder)]}
    found["hanging"] = group(2, lambda rank: saved_flow(folder, hang if rank == 1 else None), LINRATE_PATIENCE="5")

    def stopped(rank):
        return saved_flow(folder, (lambda: os.kill(os.getpid(), signal.SIGTERM)) if rank == 1 else None)

    found["stopped"] = group(2, stopped)

    def fails():
        raise bounds.DataError("something is wrong here")

    found["one fails"] = group(2, lambda rank: saved_flow(folder, fails if rank == 1 else None))

    def calls(call):
        def work(rank):
            with processes.shared():
                call(rank)

        return work

    narrow = {**FLOW, "width": 100}
    found["too many"] = group(2, calls(lambda rank: simulate.gradient_flow(problem(), **narrow)))
    found["another width"] = group(
        2, calls(lambda rank: simulate.gradient_flow(problem(), **{**FLOW, "width": WIDTH + rank}))
    )
    found["another time"] = group(
        2, calls(lambda rank: simulate.gradient_flow(problem(), **{**FLOW, "max_steps": 5 + rank}))
    )
    found["predict"] = group(2, calls(lambda rank: simulate.gradient_descent(problem(), **DESCENT).predict(TEST)))
    found["no checkpoint"] = group(
        2, calls(lambda rank: simulate.gradient_flow(problem(), **FLOW, checkpoint=folder / "none.npz", resume=True))
    )

    def other_version(rank):
        processes.versions = lambda: {"linrate": f"0.{rank}"}
        return calls(lambda rank: None)(rank)

    found["versions"] = group(2, other_version)
    found["nobody there"] = group(1, calls(lambda rank: None), RANK="1", WORLD_SIZE="2", LINRATE_PATIENCE="1")
    found["half a world"] = group(1, calls(lambda rank: None), MASTER_ADDR="")
    (folder / "told.json").write_text(json.dumps(found))


def resumed_alone(folder):
    run = simulate.gradient_flow(problem(), **FLOW, checkpoint=folder / "run.npz", resume=True)
    return json.dumps(run.loss.tolist())


if __name__ == "__main__":
    main()
