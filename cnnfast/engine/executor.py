"""From a layer or model to numbers: lower, run the passes, build a plan, keep it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np

from cnnfast import config, variables
from cnnfast._core import Plan, WeightDtype
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Float32Array, Shape, Value
from cnnfast.engine.passes import optimize
from cnnfast.engine.program import Program, build
from cnnfast.errors import ModelFileError
from cnnfast.utils.locks import Guard
from cnnfast.utils.threads import get_num_threads, positive

PLANS_KEPT = 8

WEIGHT_DTYPES = {
    "float32": WeightDtype.FLOAT32,
    "float16": WeightDtype.FLOAT16,
    "bfloat16": WeightDtype.BFLOAT16,
}

PlanKey: TypeAlias = tuple[config.Config, str, tuple[Shape, ...]]


class Network(Protocol):
    """What an executor asks of a layer or model."""

    name: str

    @property
    def weights(self) -> list[variables.Variable]:
        """Every variable that the lowered graph may hold a copy of."""
        ...

    @property
    def weight_dtype(self) -> str:
        """How plans store weights where reading them is most of the work; see `WEIGHT_DTYPES`."""
        ...

    def lower_all(self, graph: Graph, inputs: Sequence[Value]) -> Sequence[Value]:
        """Append the network's operations to `graph`; return its outputs."""
        ...


def lower(network: Network, shapes: Sequence[Shape]) -> Graph:
    """Return the graph of `network`, after all passes, for images of `shapes`, one per input."""
    graph = Graph()
    inputs = [graph.add_input(shape) for shape in shapes]
    with variables.snapshot(network.weights):
        graph.outputs = list(network.lower_all(graph, inputs))
    return optimize(graph)


class Executor:
    """Runs one layer or model, from any number of threads at once.

    Plans are kept per input shape, the most recently used `PLANS_KEPT` of them, and dropped
    when a variable of the network is assigned. They share packed weights, as do those of other
    executors.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._plans: OrderedDict[PlanKey, Plan | Program] = OrderedDict()
        self._guard = Guard()
        self._epoch = -1
        self._versions: tuple[int, ...] = ()

    def plan(self, shapes: tuple[Shape, ...]) -> Plan | Program:
        """Return the plan for images of `shapes`, one per input, without the batch axis.

        Raises
        ------
        ValueError
            If the network cannot run on such images, or needs a tensor that is too large.
        """
        with self._guard.lock:
            self._drop_outdated()
            key = (config.get(), self._network.weight_dtype, shapes)
            plan = self._plans.get(key)
            if plan is None:
                plan = self._build(shapes)
                self._plans[key] = plan
                if len(self._plans) > PLANS_KEPT:
                    self._plans.popitem(last=False)
            else:
                self._plans.move_to_end(key)
            return plan

    @property
    def plans(self) -> dict[tuple[Shape, ...], Plan | Program]:
        """The plans that are kept for the configuration in force, by the shapes of the inputs."""
        with self._guard.lock:
            self._drop_outdated()
            current = (config.get(), self._network.weight_dtype)
            return {key[-1]: plan for key, plan in self._plans.items() if key[:-1] == current}

    def run(
        self,
        inputs: Sequence[Float32Array],
        outputs: Sequence[Float32Array] | None = None,
        threads: int | None = None,
    ) -> list[Float32Array]:
        """Run the network on a batch.

        Parameters
        ----------
        inputs : sequence of ndarray
            One C-contiguous float32 array per input, each (batch, ...), batch >= 1.
        outputs : sequence of ndarray, optional
            C-contiguous float32 arrays to write to; new ones where absent.
        threads : int, optional
            At most so many threads; `cnnfast.get_num_threads()` where absent.

        Returns
        -------
        list of ndarray
            One float32 array (batch, ...) per output.

        Raises
        ------
        ValueError
            If `threads` is not a positive integer, or the network cannot run on such images.
        """
        plan = self.plan(tuple(x.shape[1:] for x in inputs))
        if outputs is None:
            batch = inputs[0].shape[0]
            outputs = [np.empty((batch, *shape), np.float32) for shape in plan.output_shapes]
        most = get_num_threads() if threads is None else positive(threads, "threads")
        plan.run(inputs, outputs, most, True)  # by position: a keyword takes its time
        return list(outputs)

    def clear(self) -> None:
        """Drop all plans; those that run now end first."""
        with self._guard.lock:
            self._plans.clear()

    def _build(self, shapes: tuple[Shape, ...]) -> Plan | Program:
        graph = lower(self._network, shapes)
        try:
            plan = build(graph, WEIGHT_DTYPES[self._network.weight_dtype])
        except ModelFileError:
            raise
        except ValueError as error:
            raise ValueError(
                f"'{self._network.name}' cannot run on images of this shape: {error}. "
                f"Received: {', '.join(map(str, shapes))}"
            ) from error
        return plan

    def _drop_outdated(self) -> None:
        epoch = variables.epoch()
        if epoch == self._epoch:
            return
        versions = tuple(v.version for v in self._network.weights)
        if versions != self._versions:
            self._plans.clear()
        self._epoch, self._versions = epoch, versions
