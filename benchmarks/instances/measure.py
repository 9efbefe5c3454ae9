"""Each instance in a process of its own with a time limit: certificate, simulated rate, independent replay."""

from __future__ import annotations

import multiprocessing
import time as clock
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.instances.picture import draw_cactus
from benchmarks.instances.problems import Instance, instances
from benchmarks.instances.replay import replay
from bounds import AssumptionError, Certificate, certify
from bounds.csv_file import write_csv
from bounds.errors import LinrateError
from bounds.pictures.style import picture_file
from bounds.versions import versions
from simulate import Network, Status, gradient_flow

LIMIT = 150.0  # seconds for one instance, of which the replay may take REPLAY
REPLAY = 60.0
RATIO = 1e-6  # the simulated run ends at this share of its initial loss
CERTAIN = 10.0  # a loss counts in the measured rate if it is so many times its numerical error
RESULTS = Path(__file__).with_name("results.csv")
PICTURE = Path(__file__).with_name("cactus.svg")
COLUMNS = (
    "instance", "verdict", "method", "certified_rate", "measured_rate", "certified_over_measured", "seconds",
    "measured_seconds", "replay", "replay_rate", "replay_until", "replay_ratio", "replay_seconds", "activation", "n",
    "dim", "width", "scale", "init", "detail",
)  # fmt: skip

Row = dict[str, Any]


def measure(instance: Instance, send: Connection) -> None:
    """Send what is found in parts, each a dictionary, so that a time limit loses none that is finished."""
    problem = instance.problem()
    features, y = instance.arrays()
    W, signs = instance.weights()
    H = W @ features.T / np.sqrt(features.shape[1])
    began = clock.monotonic()
    try:
        found, detail = _certified(problem, H, signs)
    except LinrateError as error:
        found, detail = None, str(error)
    row: Row = {"seconds": clock.monotonic() - began, "detail": detail, "verdict": "UNCERTIFIED"}
    if found is not None and found.holds:
        row |= {"verdict": "CERTIFIED", "method": found.method, "certified_rate": found.rate}
    send.send(row)
    began = clock.monotonic()
    rate = found.rate if found is not None and found.holds else None
    run = gradient_flow(
        problem, network=Network(H, signs), t_max=1e5, loss_ratio=RATIO, max_steps=20_000, rtol=1e-5 if
        problem.activation.smooth else None,
    )  # fmt: skip
    known = run.loss[1:] > CERTAIN * run.error[1:]
    measured: Row = {"measured_seconds": clock.monotonic() - began}
    if run.status is Status.LOSS_REACHED and known.any():
        rates = np.log(run.loss[0] / run.loss[1:][known]) / run.time[1:][known]
        measured["measured_rate"] = float(rates.min())
        if rate is not None:
            measured["certified_over_measured"] = rate / measured["measured_rate"]
    else:
        measured["detail"] = f"{detail} measured: {run.status.name}".strip()
    send.send(measured)
    if rate is not None:
        again = replay(features, y, instance.activation, W, signs, rate, REPLAY)
        send.send({"replay": again.verdict, "replay_rate": again.rate, "replay_until": again.until,
                   "replay_ratio": again.ratio, "replay_seconds": again.seconds})  # fmt: skip


def _certified(problem: Any, H: np.ndarray, signs: np.ndarray) -> tuple[Certificate | None, str]:
    """The certificate of the best formula; where none holds, that of the path, if that method applies."""
    detail, found = "", None
    try:
        found = certify(problem, H, signs=signs)
        detail = "" if found.holds else f"beta {found.beta:.3g} of {found.method}"
    except AssumptionError as error:
        detail = str(error)
    if found is not None and found.holds:
        return found, detail
    try:
        return certify(problem, H, signs=signs, method="shadowing"), detail
    except AssumptionError as error:
        return found, detail or str(error)


def rows() -> Iterator[Row]:
    """One row for each instance, as soon as it is known; at the end results.csv and cactus.svg are written here."""
    found: list[Row] = []
    for instance in instances():
        facts = {name: getattr(instance, name) for name in ("activation", "n", "width", "scale", "init")}
        row = {"instance": instance.name, **facts, "dim": instance.arrays()[0].shape[1], **_with_limit(instance)}
        found.append({**row, **versions()})
        yield {name: row[name] for name in COLUMNS if row.get(name) not in (None, "")}
    write_csv(RESULTS, found, (*COLUMNS, *versions()))
    with picture_file(PICTURE) as axes:
        draw_cactus(found, axes)


def _with_limit(instance: Instance) -> Row:
    """What `measure` sends within LIMIT seconds; the process is ended then."""
    receive, send = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=measure, args=(instance, send))
    process.start()
    send.close()
    row: Row = {"verdict": "TIMEOUT", "seconds": LIMIT}
    end = clock.monotonic() + LIMIT
    while receive.poll(max(end - clock.monotonic(), 0.0)):
        try:
            row |= receive.recv()
        except EOFError:
            break
    if process.is_alive():
        process.terminate()
    process.join()
    if row["verdict"] == "TIMEOUT" and process.exitcode not in (0, -15):
        row["verdict"] = "FAILED"
    return row
