"""Plans with a user's NumPy functions, or another batch, between them."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from cnnfast._core import Plan, StepInfo, WeightDtype
from cnnfast.engine import options
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import Kernels
from cnnfast.engine.ops import Call, Float32Array, Op, Rebatch, Shape, Value
from cnnfast.engine.template import Template
from cnnfast.errors import AcrossBatchError
from cnnfast.utils.records import record


@record(frozen=True)
class Stage:
    """A plan, a user's function, or another view of the batch, from values to values.

    Attributes
    ----------
    parts
        How many places along the batch each image has in what it takes.
    finished
        Values that no later stage reads.
    """

    work: Plan | Call | Rebatch
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    parts: int
    finished: tuple[Value, ...] = ()


def is_cut(graph: Graph) -> bool:
    """Whether functions of a user, or another batch, stand between the operations."""
    return any(isinstance(op, Call | Rebatch) for op in graph.ops)


def build(
    graph: Graph,
    weight_dtype: WeightDtype = WeightDtype.FLOAT32,
    kernels: Kernels | None = None,
    bfloat16: bool = False,
) -> Plan | Program:
    """Build what runs `graph`: one plan, or several with the user's functions between.

    The kernels of a network are found in `kernels`.
    """
    kernels = kernels or Kernels()
    if is_cut(graph):
        return Program(graph, weight_dtype, kernels, bfloat16)
    return Template(graph, kernels).plan([], options.get().winograd, weight_dtype, bfloat16)


class Program:
    """Runs like a plan; a graph is cut at each user's function.

    Parameters
    ----------
    graph
        After all passes; every size is a number.
    weight_dtype, bfloat16
        As plans take them.
    kernels
        Where the kernels of the network are found.
    """

    def __init__(
        self, graph: Graph, weight_dtype: WeightDtype, kernels: Kernels, bfloat16: bool
    ) -> None:
        self._graph = graph
        self._weight_dtype = weight_dtype
        self._bfloat16 = bfloat16
        self._kernels = kernels
        self._parts = parts_of(graph)
        self._templates: list[Template] = []  # hold the kernels
        self._stages: list[Stage] = []
        self.output_shapes: tuple[Shape, ...] = tuple(value.shape for value in graph.outputs)
        self._add_all()

    def _add_all(self) -> None:
        """Cut the graph where a function stands, and where the batch becomes another one."""
        segment: list[Op] = []
        # What is the same for every image joins each segment that reads it.
        free = {op.out: op for op in self._graph.ops if self._parts[op.out] is None}
        ops = [op for op in self._graph.ops if op.out not in free]
        for position, op in enumerate(ops):
            whole = isinstance(op, Call | Rebatch)
            if segment and (whole or self._parts[op.out] != self._parts[segment[0].out]):
                self._add_segment(segment, ops[position:], free)
                segment = []
            if isinstance(op, Call | Rebatch):
                alike = next((v for v in op.inputs if v not in free), self._graph.inputs[0])
                constants = [free[v] for v in op.inputs if v in free]
                self._add_segment(constants, ops[position:], free, alike)
                outputs = op.outs if isinstance(op, Call) else (op.out,)
                self._add(op, op.inputs, outputs, ops[position + 1 :])
            else:
                segment.append(op)
        self._add_segment(segment, [], free)
        self._add_segment([free[v] for v in self._graph.outputs if v in free], [], free)

    def _add(
        self,
        work: Plan | Call | Rebatch,
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        later: Sequence[Op],
    ) -> None:
        # Constants alone may yet take the first input, for the size of the batch.
        kept = (self._graph.inputs[0], *self._graph.outputs)
        needed = {*kept, *(value for op in later for value in op.inputs)}
        finished = tuple(value for value in (*inputs, *outputs) if value not in needed)
        parts = next((n for v in inputs if (n := self._parts[v]) is not None), 1)
        self._stages.append(Stage(work, tuple(inputs), tuple(outputs), parts, finished))

    def _add_segment(
        self,
        own: Sequence[Op],
        later: Sequence[Op],
        free: Mapping[Value, Op],
        alike: Value | None = None,
    ) -> None:
        """Plan `own`: what they read from before comes in, what `later` ones read goes out.

        Constants alone still need an input for the size of the batch: `alike`.
        """
        ops = _with_constants(own, free)
        made = {op.out: None for op in ops}
        wanted = dict.fromkeys(self._graph.outputs)
        wanted.update((value, None) for op in later for value in op.inputs)
        outputs = tuple(op.out for op in own if op.out in wanted)
        if not outputs:
            return
        read = dict.fromkeys(value for op in ops for value in op.inputs if value not in made)
        inputs = tuple(read) or (alike or self._graph.inputs[0],)
        segment = Template(Graph(list(inputs), list(ops), list(outputs)), self._kernels)
        self._templates.append(segment)
        winograd = options.get().winograd
        plan = segment.plan([], winograd, self._weight_dtype, self._bfloat16)
        self._add(plan, inputs, outputs, later)

    @property
    def steps(self) -> list[StepInfo]:
        """The steps of all plans, in the order they run."""
        return [step for work, _ in self.stages if isinstance(work, Plan) for step in work.steps]

    def run(
        self,
        inputs: Sequence[Float32Array],
        outputs: Sequence[Float32Array],
        threads: int,
        useful_only: bool = False,
    ) -> None:
        """Run on a batch, on `threads` threads.

        `useful_only`: on fewer where the work of a plan would not pay for waking them.

        Raises
        ------
        ValueError
            If a user's function returns another shape than it was said to.
        """
        self._walk(inputs, outputs, threads, useful_only, None)

    def run_profiled(
        self,
        inputs: Sequence[Float32Array],
        outputs: Sequence[Float32Array],
        threads: int,
        useful_only: bool = False,
    ) -> list[float]:
        """Run on a batch; return the seconds of each step and function, in their order."""
        seconds: list[float] = []
        self._walk(inputs, outputs, threads, useful_only, seconds)
        return seconds

    @property
    def stages(self) -> list[tuple[Plan | Call, int]]:
        """The plans and functions, in the order they run, with how many places an image has."""
        return [(s.work, s.parts) for s in self._stages if not isinstance(s.work, Rebatch)]

    def _walk(
        self,
        inputs: Sequence[Float32Array],
        outputs: Sequence[Float32Array],
        threads: int,
        useful_only: bool,
        seconds: list[float] | None,
    ) -> None:
        arrays = dict(zip(self._graph.inputs, inputs, strict=True))
        batch = inputs[0].shape[0]
        for stage in self._stages:
            taken = [arrays[value] for value in stage.inputs]
            made = _run(stage, taken, batch * stage.parts, threads, useful_only, seconds)
            arrays.update(zip(stage.outputs, made, strict=True))
            for value in stage.finished:
                arrays.pop(value, None)
        for value, output in zip(self._graph.outputs, outputs, strict=True):
            output[...] = arrays[value]


def _run(
    stage: Stage,
    taken: Sequence[Float32Array],
    batch: int,
    threads: int,
    useful_only: bool,
    seconds: list[float] | None,
) -> list[Float32Array]:
    """Run one stage; add what it took to `seconds`, where they are given."""
    if isinstance(stage.work, Rebatch):
        return [taken[0].reshape(-1, *stage.work.out.shape)]
    if isinstance(stage.work, Call):
        start = time.perf_counter()
        made = _call(stage.work, taken, batch)
        if seconds is not None:
            seconds.append(time.perf_counter() - start)
        return made
    made = [np.empty((batch, *value.shape), np.float32) for value in stage.outputs]
    if seconds is None:
        stage.work.run(taken, made, threads, useful_only)
    else:
        seconds.extend(stage.work.run_profiled(taken, made, threads, useful_only))
    return made


def parts_of(graph: Graph) -> dict[Value, int | None]:
    """Return how many places along the batch each image has in each value.

    None for what is made of constants alone, which are the same for every place.

    Raises
    ------
    AcrossBatchError
        If values of different batches meet, or an output has another batch than the images.
    """
    parts: dict[Value, int | None] = dict.fromkeys(graph.inputs, 1)
    for op in graph.ops:
        found = {parts[value] for value in op.inputs} - {None}
        if isinstance(op, Call):
            parts.update(dict.fromkeys(op.outs, _one(found | ({1} if not found else set()), op)))
        elif isinstance(op, Rebatch):
            parts[op.out] = _moved(op, parts[op.x])
        else:
            parts[op.out] = _one(found, op)
    wrong = [parts[value] for value in graph.outputs if parts[value] not in (None, 1)]
    if wrong:
        raise AcrossBatchError(
            "windows that were moved into the batch must be moved back, by `ops.reshape`, before a "
            f"network returns them. Received: outputs with {wrong[0]} places along the batch for "
            "each image"
        )
    return parts


def _one(found: Collection[int | None], op: Op) -> int | None:
    if len(found) > 1:
        raise AcrossBatchError(
            f"tensors that meet must have the same batch. Received: in '{' + '.join(op.layers)}', "
            f"tensors of which each image has {sorted(map(str, found))} places along the batch"
        )
    return next(iter(found), None)


def _moved(op: Rebatch, parts: int | None) -> int:
    """Return how many places an image has behind `op`."""
    total, each = math.prod(op.x.shape), math.prod(op.out.shape)
    if parts is None or not each or parts * total % each:
        raise AcrossBatchError(
            "what is moved into the batch, or back, must depend on images, each of which stays in "
            f"its places. Received: in '{' + '.join(op.layers)}', shape {op.x.shape} to "
            f"{op.out.shape} with {parts or 'no'} places along the batch for each image"
        )
    return parts * total // each


def _with_constants(own: Sequence[Op], free: Mapping[Value, Op]) -> list[Op]:
    """Return operations behind those of `free` that they need."""
    needed: dict[Value, Op] = {}
    waiting = [(op, False) for op in own[::-1]]
    ordered: list[Op] = []
    while waiting:
        op, ready = waiting.pop()
        if ready:
            ordered.append(op)
        elif op.out not in needed:
            needed[op.out] = op
            waiting.append((op, True))
            waiting += [(free[value], False) for value in op.inputs if value in free]
    return ordered


def _call(call: Call, arrays: Sequence[Float32Array], batch: int) -> list[Float32Array]:
    try:
        results = call.function(*map(_read_only, arrays))
    except Exception as error:  # whatever a user's function may raise
        error.add_note(f"Raised by the {_described(call)}.")
        raise
    parts = results if call.more else [results]
    if len(parts) != len(call.outs):
        raise ValueError(
            f"The {_described(call)} must return {len(call.outs)} arrays. Received: {len(parts)}"
        )
    checked = []
    for part, out in zip(parts, call.outs, strict=True):
        if np.iscomplexobj(part):
            raise ValueError(
                f"The {_described(call)} must return real numbers. Received: an array "
                f"of dtype {np.asarray(part).dtype}"
            )
        result = np.require(part, np.float32, ["C", "A"])
        expected = (batch, *out.shape)
        if result.shape != expected:
            raise ValueError(
                f"The {_described(call)} must return an array of shape {expected}. "
                f"Received: shape {result.shape}"
            )
        checked.append(result)
    return checked


def _described(call: Call) -> str:
    """Return such as ``"function of layer 'outer/lambda'"``."""
    return f"function of layer '{call.layers[0] if call.layers else call.name}'"


def _read_only(array: Float32Array) -> Float32Array:
    """Return a view that a function cannot write to: other operations read the array too."""
    view = array.view()
    view.flags.writeable = False
    return view
