"""What a model keeps in memory, and what running it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cnnfast._core import Kernel, Plan, idle_workspace_bytes, packed_bytes_of
from cnnfast.engine.ops import Shape
from cnnfast.utils.display.console import console
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from rich.table import Table

    from cnnfast.engine.executor import AnyPlan


@dataclass(frozen=True)
class PlanMemory:
    """What one cached plan holds, in bytes.

    Attributes
    ----------
    input_shapes
        Of one image, one per input.
    packed_bytes
        Weights and constants in the order that the kernels read them; other plans may hold the
        same ones.
    constant_bytes
        The part of them that are tensors of their own, the same for every image.
    workspace_bytes
        Activations and scratch memory of one run of the report's batch and threads; where NumPy
        functions cut the network into parts, of the largest.
    """

    input_shapes: tuple[Shape, ...]
    packed_bytes: int
    constant_bytes: int
    workspace_bytes: int


@dataclass(frozen=True)
class MemoryReport:
    """What a model keeps in memory, in bytes.

    Attributes
    ----------
    model
        The name of the model.
    batch, threads
        What `PlanMemory.workspace_bytes` is for.
    variable_bytes
        Variables in memory of their own.
    file_bytes
        Variables that stay in their file and are read when a plan packs them.
    deferred_bytes
        Variables that will be drawn when they are first needed; they take nothing yet.
    packed_bytes
        Packed weights and constants of the model, those of plans that are gone among them; what
        several plans hold counts once.
    idle_bytes
        Workspaces that earlier runs left for the next, of whatever model: they are the process',
        and no part of `held_bytes`. See `cnnfast.config.set` for their limit.
    plans
        What is cached, one per input shape.
    """

    model: str
    batch: int
    threads: int
    variable_bytes: int
    file_bytes: int
    deferred_bytes: int
    packed_bytes: int
    idle_bytes: int
    plans: tuple[PlanMemory, ...]

    @property
    def held_bytes(self) -> int:
        """What the model holds between runs."""
        return self.variable_bytes + self.packed_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, under the keys of ``profile --memory --json``."""
        data = asdict(self)
        names = {"model_name": data.pop("model"), "batch_size": data.pop("batch")}
        return {**names, **data, "held_bytes": self.held_bytes}

    def table(self) -> Table:
        """Return the report as a table."""
        from cnnfast.profiling.table import memory_table

        return memory_table(self)

    def print(self) -> None:
        """Print `table`."""
        console().print(self.table())

    def __rich__(self) -> Table:
        return self.table()


def memory_report(
    name: str,
    variables: Sequence[Variable],
    plans: Mapping[tuple[Shape, ...], AnyPlan],
    kernels: Sequence[Kernel],
    batch: int,
    threads: int,
) -> MemoryReport:
    """Add up what `variables`, `plans` and `kernels` hold.

    Parameters
    ----------
    name
        Of the model.
    variables
        All of the model's, a shared one once.
    plans
        What is cached, by the shapes of the inputs.
    kernels
        What plans share.
    batch, threads
        Of the run whose workspace is asked for.
    """
    bytes_of = {"own": 0, "file": 0, "deferred": 0}
    for variable in variables:
        bytes_of[variable.storage] += variable.itemsize * math.prod(variable.shape)
    return MemoryReport(
        model=name,
        batch=batch,
        threads=threads,
        variable_bytes=bytes_of["own"],
        file_bytes=bytes_of["file"],
        deferred_bytes=bytes_of["deferred"],
        packed_bytes=packed_bytes_of(
            [stage for plan in plans.values() for stage, _ in _stages(plan)], kernels
        ),
        idle_bytes=idle_workspace_bytes(),
        plans=tuple(_plan(shapes, plan, batch, threads) for shapes, plan in plans.items()),
    )


def _stages(plan: AnyPlan) -> list[tuple[Plan, int]]:
    """Return the plans, with how many places along the batch an image has in each."""
    stages = [(plan, 1)] if isinstance(plan, Plan) else plan.stages
    return [(stage, parts) for stage, parts in stages if isinstance(stage, Plan)]


def _plan(shapes: tuple[Shape, ...], plan: AnyPlan, batch: int, threads: int) -> PlanMemory:
    stages = _stages(plan)
    plans = [stage for stage, _ in stages]
    return PlanMemory(
        input_shapes=shapes,
        packed_bytes=packed_bytes_of(plans),
        constant_bytes=sum(stage.constant_bytes for stage in plans),
        workspace_bytes=max(
            (stage.workspace_bytes(batch * parts, threads) for stage, parts in stages), default=0
        ),
    )
