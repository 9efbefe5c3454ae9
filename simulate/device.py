"""Where a run takes place: the device that is chosen, and whether the state fits there."""

from __future__ import annotations

import sys
from typing import Any

from bounds import memory
from bounds.errors import ArgumentError, require, shown
from simulate.field.chunks import GPU_CHUNK

DTYPES = ("float64", "float32")
GPU_FROM = 2**18  # entries of a state from which on a GPU was faster than 16 cores
# Of the state that a run needs: where slopes are computed again; with low_memory; where they are kept from step to
# step (18.4 measured, with tensors on the CPU); and with a trained last layer, where they have twice as many rows and
# are kept always (32.7).
COPIES = {"large": 6.0, "low memory": 3.5, "kept": 20.0, "last layer": 34.0}


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


def require_memory(entries: int, *, beside: int = 0, dtype: str, kind: str, device: str) -> None:
    """Raise ArgumentError, before anything is allocated, if a state of that many entries does not fit.

    beside: entries for test points that states do not carry, needed at the start and at the end; kind: of the run, as
    in COPIES.
    """
    itemsize = 8 if dtype == "float64" else 4
    needed = entries * itemsize * COPIES[kind] + 2 * beside * itemsize
    needed += 4 * GPU_CHUNK * itemsize if device.startswith("cuda") else 0
    there = available_memory(device) if needed > memory.SMALL else None
    if there is None or needed <= there:
        return
    ways = [] if kind in ("low memory", "last layer") else ["low_memory=True"]
    ways += ["dtype='float32'"] if itemsize == 8 else []
    copies = f"{COPIES[kind]:g} copies in {dtype}"
    raise ArgumentError(
        f"a state of {entries:.3g} pre-activations needs {needed / 1e9:.3g} GB on {device.partition(':')[0]}"
        f" ({copies}); {there / 1e9:.3g} GB are available. Use {', '.join([*ways, 'a smaller width'])}."
    )
