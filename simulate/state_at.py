"""The network at a chosen time of a run."""

from __future__ import annotations

from typing import Any

from bounds.checks import check_time, instance
from bounds.errors import ArgumentError, require
from simulate.network import Network
from simulate.run import gradient_descent, gradient_flow
from simulate.trajectory import Trajectory

MOST_STEPS = 10**9  # the run itself came to its end
ROUNDING = 1e-12  # of a sum of steps, as a part


def state_at(run: Trajectory, time: float) -> Network:
    """The network at a time of a run, which is computed once more from its start up to there.

    run: of gradient_flow or gradient_descent; time: between 0 and run.time[-1], in the time of the run. Of descent it
    is the network after the last step that ends no later. A flow is followed to the tolerance of `run`, by the same
    integrator; its steps differ, since the last one ends at `time`.

    >>> middle = state_at(run, run.time[-1] / 2)

    Raises ArgumentError for a time out of range, and for a descent whose step was chosen by a function, which the run
    does not keep.
    """
    instance("run", run, Trajectory, "Pass what gradient_flow or gradient_descent returns.")
    time = check_time("time", time) if time != 0 else 0.0
    require(time <= run.time[-1], "time", f"at most {run.time[-1]:g}, where the run ends", time)
    if time == 0:
        return run.initial
    again: dict[str, Any] = {"network": run.initial, "X_test": run.X_test, "loss": run.options["loss"]}
    again |= {"scaling": run.scaling, "dtype": run.dtype, "device": run.device, "interval": run.interval}
    if run.integrator != "descent":
        again |= {"t_max": time, "loss_ratio": 0.0, "save_at": [time], "rtol": run.options["rtol"]}
        return gradient_flow(run.problem, integrator=run.integrator, max_steps=MOST_STEPS, **again).final
    step = run.options["step"]
    if step == "a function":
        raise ArgumentError("the step was chosen by a function, which the run does not keep. Use steps=k for k steps.")
    done = [0]

    def count(elapsed: float, loss: float, number: int, length: float) -> None:
        if elapsed <= time * (1 + ROUNDING):
            done[0] = number

    gradient_descent(run.problem, step=step, steps=run.options["steps"], save_at=[0.0], progress=count, **again)
    return gradient_descent(run.problem, step=step, steps=done[0], save_at=[0.0], **again).final
