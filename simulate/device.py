"""Where a run takes place: the device that is chosen, and whether the run fits there."""

from __future__ import annotations

import sys
from typing import Any

from bounds import memory
from bounds.errors import ArgumentError, require, shown
from simulate.memory import CODE, Run, needed
from simulate.ways_out import ways_out

DTYPES = ("float64", "float32")
GPU_FROM = 2**18  # entries of a state from which on a GPU was faster than 16 cores


def choose_device(device: Any, entries: int) -> str:
    """The device of that name, such as "cpu" or "cuda:1"; "auto": a GPU if there is one and the state gains by it.

    device: a name or a torch.device; entries: of the state. Raises ArgumentError for no device.
    """
    loaded = sys.modules.get("torch")
    if not isinstance(device, str) and not (loaded and isinstance(device, loaded.device)):
        raise ArgumentError(f"device must be 'auto', 'cpu' or 'cuda'. Found {shown(device)}.")
    device = str(device)
    if device == "cpu" or (device == "auto" and entries < GPU_FROM):
        return "cpu"  # without torch, whose import takes three seconds
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError, ValueError):
        raise ArgumentError(f"device must be 'auto', 'cpu' or 'cuda'. Found {shown(device)}.") from None
    require(chosen.type in ("cpu", "cuda"), "device", "'auto', 'cpu' or 'cuda'", device)
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ArgumentError(
            f"device {device!r} asked for, but torch {torch.__version__} sees no GPU. Use device='cpu'."
        )
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise ArgumentError(f"device {device!r} asked for, but there are {torch.cuda.device_count()} GPUs.")
    return str(chosen)


def available_memory(device: str) -> int | None:
    """Bytes that can still be allocated there, None where the system does not tell."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    return memory.available_memory()


def require_memory(run: Run, device: str) -> None:
    """Raise ArgumentError, before anything is allocated, if the run does not fit there, with what would fit."""
    size = needed(run)
    there = available_memory(device) if size > memory.SMALL + CODE else None
    if there is None or size <= there:
        return
    raise ArgumentError(
        f"a state of {run.rows * run.width:.3g} pre-activations needs {memory.gigabytes(size)} on"
        f" {device.partition(':')[0]} with all that goes with it; {memory.gigabytes(there)} are available."
        f" {ways_out(run, there)}"
    )
