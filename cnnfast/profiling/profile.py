"""The time of each operation of a model, beside what the machine could do at best."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import Plan, StepInfo
from cnnfast.engine.ops import Call, Float32Array, Shape
from cnnfast.utils.display.console import console
from cnnfast.utils.system.machine import Machine, measure

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.figure import Figure
    from rich.table import Table

    from cnnfast.engine.program import Program


@dataclass(frozen=True)
class Row:
    """One operation of a run; flops and bytes are those of the whole batch.

    Attributes
    ----------
    layer
        The layers it comes from, as ``"conv + bn + relu"`` where several were merged.
    op, algorithm
        What it does, and how where there is a choice, such as ``"conv2d"`` and ``"winograd4"``.
    input_shapes, output_shape
        Of one image.
    flops, own_flops
        Of the operation as mathematics has it, and of the algorithm that computes it: a function
        such as GELU is one flop for each number, and as many as its operations take the place of.
    weight_bytes, moved_bytes
        Weights read; activations read and written.
    least_milliseconds
        The roofline: the longer of `own_flops` at the machine's rate of multiply-adds and all
        bytes at its rate of reading, each from the memory it fits in.
    milliseconds
        The median over the repeats.
    share
        Of the sum of all operations, 0 to 1.
    candidates
        What the cost model expected of each algorithm it could choose from, in flops of the
        register tile for one image; empty where there was no choice.
    """

    layer: str
    op: str
    algorithm: str
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    flops: float
    own_flops: float
    weight_bytes: float
    moved_bytes: float
    least_milliseconds: float
    milliseconds: float = 0.0
    share: float = 0.0
    candidates: dict[str, float] = field(default_factory=dict)

    @property
    def gflops(self) -> float:
        """10^9 operations of mathematics per second."""
        return _rate(self.flops, self.milliseconds)

    @property
    def own_gflops(self) -> float:
        """10^9 operations of the algorithm per second."""
        return _rate(self.own_flops, self.milliseconds)

    @property
    def gbs(self) -> float:
        """10^9 bytes of weights and activations per second."""
        return _rate(self.weight_bytes + self.moved_bytes, self.milliseconds)

    @property
    def attained(self) -> float:
        """Part of the attainable speed: 1 on the roofline.

        More where the estimate of bytes is too high: a weight that meets a zero is not read, and
        caches keep what they can.
        """
        return self.least_milliseconds / self.milliseconds if self.milliseconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data; see `Profile.to_dict`."""
        data = asdict(self)
        for key in ("milliseconds", "least_milliseconds", "candidates"):
            del data[key]
        return data | {
            "median_ms": self.milliseconds,
            "roofline_ms": self.least_milliseconds,
            "attained": self.attained,
            "gflop_per_second": self.gflops,
            "own_gflop_per_second": self.own_gflops,
            "gb_per_second": self.gbs,
            "candidate_flops": self.candidates,
        }


@dataclass(frozen=True)
class Profile:
    """Where the time of a run goes.

    Attributes
    ----------
    model
        The name of the model.
    batch, threads, repeats
        How it was run.
    machine
        What the machine can do at best on so many threads.
    milliseconds
        The median of whole runs without time stamps between the operations.
    rows
        The operations, in the order they run.
    """

    model: str
    batch: int
    threads: int
    repeats: int
    machine: Machine
    milliseconds: float
    rows: tuple[Row, ...]

    @property
    def least_milliseconds(self) -> float:
        """The roofline of the whole: the sum of that of its operations."""
        return sum(row.least_milliseconds for row in self.rows)

    @property
    def images_per_second(self) -> float:
        """Images in a second of whole runs."""
        return 1e3 * self.batch / self.milliseconds

    @property
    def gflops(self) -> float:
        """10^9 operations of mathematics per second, over whole runs."""
        return _rate(sum(row.flops for row in self.rows), self.milliseconds)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, under the keys of the command ``profile --json``.

        Times end in ``_ms``, sizes in ``_bytes``, rates in ``_per_second``.
        """
        machine = self.machine
        return {
            "model_name": self.model,
            "batch_size": self.batch,
            "threads": self.threads,
            "repeats": self.repeats,
            "median_ms": self.milliseconds,
            "roofline_ms": self.least_milliseconds,
            "images_per_second": self.images_per_second,
            "machine": {
                "instruction_set": machine.isa,
                "threads": machine.threads,
                "gflop_per_second": machine.gflops,
                "reading": [
                    {"array_bytes": size, "gb_per_second": rate} for size, rate in machine.reading
                ],
            },
            "rows": [row.to_dict() for row in self.rows],
        }

    def to_json(self, **kwargs: Any) -> str:
        """Return `to_dict` as JSON; `kwargs` go to `json.dumps`."""
        return json.dumps(self.to_dict(), **kwargs)

    def table(self, candidates: bool = False) -> Table:
        """Return a table of the rows.

        ``GFLOP/s`` are those of the operation. `candidates` adds those of the algorithm itself
        (``own``), and what the cost model expected of each that it could choose.
        """
        from cnnfast.profiling.table import profile_table

        return profile_table(self, candidates)

    def print(self, candidates: bool = False) -> None:
        """Print `table`."""
        console().print(self.table(candidates))

    def plot(self, path: str | PathLike[str] | None = None) -> Figure:
        """Draw the roofline with the operations on it, and their times as bars.

        Parameters
        ----------
        path
            Where to save the picture; its ending says the format.

        Returns
        -------
        matplotlib.figure.Figure
            The picture.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from cnnfast.profiling.plot import plot

        return plot(self, path)

    def __rich__(self) -> Table:
        return self.table()


def profile(
    name: str, plan: Plan | Program, inputs: Sequence[Float32Array], repeats: int, threads: int
) -> Profile:
    """Time `plan` on a batch.

    Whole runs and runs with time stamps take turns, `repeats` of each after one to warm up.

    Parameters
    ----------
    name
        Of the model.
    plan
        What runs it.
    inputs
        One C-contiguous float32 array (batch, ...) per input.
    repeats
        How many runs of each kind.
    threads
        At most so many.

    Raises
    ------
    ValueError
        If the system does not start so many threads.
    """
    batch = inputs[0].shape[0]
    outputs = [np.empty((batch, *shape), np.float32) for shape in plan.output_shapes]
    machine = measure(threads)
    plan.run(inputs, outputs, threads, useful_only=True)
    whole: list[float] = []
    stamped: list[list[float]] = []
    for _ in range(repeats):
        start = time.perf_counter()
        plan.run(inputs, outputs, threads, useful_only=True)
        whole.append(time.perf_counter() - start)
        stamped.append(plan.run_profiled(inputs, outputs, threads, useful_only=True))
    seconds = [statistics.median(times) for times in zip(*stamped, strict=True)]
    return Profile(
        model=name,
        batch=batch,
        threads=threads,
        repeats=repeats,
        machine=machine,
        milliseconds=1e3 * statistics.median(whole),
        rows=_rows(plan, batch, seconds, machine),
    )


def _rows(
    plan: Plan | Program, batch: int, seconds: Sequence[float], machine: Machine
) -> tuple[Row, ...]:
    steps: list[tuple[StepInfo | Call, int]] = []
    for stage, parts in [(plan, 1)] if isinstance(plan, Plan) else plan.stages:
        of_stage = (
            [stage] if isinstance(stage, Call) else stage.steps_for(batch * parts, machine.threads)
        )
        steps += [(step, batch * parts) for step in of_stage]
    weights = sum(step.weight_bytes for step, _ in steps if isinstance(step, StepInfo))
    total = sum(seconds)
    rows = []
    for (step, images), spent in zip(steps, seconds, strict=True):
        if isinstance(step, Call):
            row = _call_row(step, images)
        else:
            row = _step_row(step, images, weights, machine)
        share = spent / total if total else 0.0
        rows.append(replace(row, milliseconds=1e3 * spent, share=share))
    return tuple(rows)


def _step_row(step: StepInfo, batch: int, weights: float, machine: Machine) -> Row:
    weight_bytes = step.weight_bytes * math.ceil(batch / step.images)
    moved_bytes = step.moved_bytes * batch
    # All weights are read between two readings of one; activations were just written.
    reading = weight_bytes / machine.gbs(weights)
    reading += moved_bytes / machine.gbs(step.moved_bytes * step.images)
    return Row(
        layer=step.label,
        op=step.name,
        algorithm=step.algorithm,
        input_shapes=step.input_shapes,
        output_shape=step.output_shape,
        flops=step.flops * batch,
        own_flops=step.own_flops * batch,
        weight_bytes=weight_bytes,
        moved_bytes=moved_bytes,
        least_milliseconds=max(step.own_flops * batch / machine.gflops, reading) / 1e6,
        candidates=step.candidates,
    )


def _call_row(call: Call, batch: int) -> Row:
    shapes = tuple(x.shape for x in call.xs)
    floats = sum(int(np.prod(shape)) for shape in (*shapes, *(out.shape for out in call.outs)))
    return Row(
        layer=call.name,
        op="function",
        algorithm="numpy",
        input_shapes=shapes,
        output_shape=call.out.shape,
        flops=0.0,
        own_flops=0.0,
        weight_bytes=0.0,
        moved_bytes=4.0 * floats * batch,
        least_milliseconds=0.0,
    )


def _rate(amount: float, milliseconds: float) -> float:
    return amount / milliseconds / 1e6 if milliseconds else 0.0
