"""Plans with a user's NumPy functions between them."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from cnnfast._core import Plan, StepInfo, WeightDtype
from cnnfast.engine import options
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import Kernels
from cnnfast.engine.ops import Call, Float32Array, Op, Shape, Value
from cnnfast.engine.template import Template
from cnnfast.utils.records import record


@record(frozen=True)
class Stage:
    """A plan or a user's function, from values to values."""

    work: Plan | Call
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


def has_calls(graph: Graph) -> bool:
    """Whether functions of a user stand between the operations."""
    return any(isinstance(op, Call) for op in graph.ops)


def build(
    graph: Graph,
    weight_dtype: WeightDtype = WeightDtype.FLOAT32,
    kernels: Kernels | None = None,
) -> Plan | Program:
    """Build what runs `graph`: one plan, or several with the user's functions between.

    The kernels of a network are found in `kernels`.
    """
    kernels = kernels or Kernels()
    if has_calls(graph):
        return Program(graph, weight_dtype, kernels)
    return Template(graph, kernels).plan([], options.get().winograd, weight_dtype)


class Program:
    """Runs like a plan; a graph is cut at each user's function.

    Parameters
    ----------
    graph
        After all passes; every size is a number.
    weight_dtype
        As plans take it.
    kernels
        Where the kernels of the network are found.
    """

    def __init__(self, graph: Graph, weight_dtype: WeightDtype, kernels: Kernels) -> None:
        self._graph = graph
        self._weight_dtype = weight_dtype
        self._kernels = kernels
        self._templates: list[Template] = []  # hold the kernels
        self._stages: list[Stage] = []
        self.output_shapes: tuple[Shape, ...] = tuple(value.shape for value in graph.outputs)
        segment: list[Op] = []
        for position, op in enumerate(graph.ops):
            if isinstance(op, Call):
                self._add_segment(segment, graph.ops[position:])
                self._stages.append(Stage(op, op.xs, op.outs))
                segment = []
            else:
                segment.append(op)
        self._add_segment(segment, [])

    def _add_segment(self, ops: Sequence[Op], later: Sequence[Op]) -> None:
        """Plan `ops`: what they read from before comes in, what `later` ones read goes out."""
        made = {op.out: None for op in ops}
        wanted = dict.fromkeys(self._graph.outputs)
        wanted.update((value, None) for op in later for value in op.inputs)
        outputs = tuple(value for value in made if value in wanted)
        if not outputs:
            return
        read = dict.fromkeys(value for op in ops for value in op.inputs if value not in made)
        # A segment of constants alone still needs an input, for the size of the batch.
        inputs = tuple(read) or (self._graph.inputs[0],)
        segment = Template(Graph(list(inputs), list(ops), list(outputs)), self._kernels)
        self._templates.append(segment)
        plan = segment.plan([], options.get().winograd, self._weight_dtype)
        self._stages.append(Stage(plan, inputs, outputs))

    @property
    def steps(self) -> list[StepInfo]:
        """The steps of all plans, in the order they run."""
        return [step for work in self.stages if isinstance(work, Plan) for step in work.steps]

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
    def stages(self) -> tuple[Plan | Call, ...]:
        """The plans and functions, in the order they run."""
        return tuple(stage.work for stage in self._stages)

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
            if isinstance(stage.work, Call):
                start = time.perf_counter()
                results = _call(stage.work, taken, batch)
                if seconds is not None:
                    seconds.append(time.perf_counter() - start)
                arrays.update(zip(stage.outputs, results, strict=True))
                continue
            made = [np.empty((batch, *value.shape), np.float32) for value in stage.outputs]
            if seconds is None:
                stage.work.run(taken, made, threads, useful_only)
            else:
                seconds.extend(stage.work.run_profiled(taken, made, threads, useful_only))
            arrays.update(zip(stage.outputs, made, strict=True))
        for value, output in zip(self._graph.outputs, outputs, strict=True):
            output[...] = arrays[value]


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
