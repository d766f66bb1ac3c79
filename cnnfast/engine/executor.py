"""From a layer or model to numbers: lower, run the passes, build a plan, keep it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from cnnfast import variables
from cnnfast._core import Kernel, Plan, WeightDtype
from cnnfast.engine import options
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import Kernels
from cnnfast.engine.ops import Float32Array, Shape, Value
from cnnfast.engine.passes import optimize
from cnnfast.engine.program import Program, build, is_cut
from cnnfast.engine.sizes import Sizes
from cnnfast.engine.states import Streaming, with_states
from cnnfast.engine.template import Template
from cnnfast.errors import ModelFileError, UnsupportedError
from cnnfast.utils import defaults
from cnnfast.utils.locks import Guard
from cnnfast.utils.system.threads import get_num_threads, positive

if TYPE_CHECKING:
    from cnnfast.engine.quantized.quantization import Quantization

PLANS_KEPT = 32
LOWERED_KEPT = 8

AnyPlan: TypeAlias = Plan | Program | Streaming

WEIGHT_DTYPES = {
    "float32": WeightDtype.FLOAT32,
    "float16": WeightDtype.FLOAT16,
    "bfloat16": WeightDtype.BFLOAT16,
}

PRECISIONS = ("float32", "bfloat16")

PlanKey: TypeAlias = tuple[options.Config, tuple[str, str], tuple[Shape, ...]]


class Network(Protocol):
    """What an executor asks of a layer or model."""

    name: str

    @property
    def weights(self) -> list[variables.Variable]:
        """Every variable that the lowered graph may hold a copy of."""
        ...

    @property
    def versions(self) -> tuple[int, ...]:
        """One number for each change of what the lowered graph depends on: weights and layers."""
        ...

    @property
    def arithmetic(self) -> tuple[str, str]:
        """How plans compute.

        How they store weights where reading them is most of the work, of `WEIGHT_DTYPES`, and what
        operands of products may be rounded to, of `PRECISIONS`.
        """
        ...

    def quantized_by(self) -> Quantization | None:
        """How the network is computed in 8 bits; None where it is in float32.

        Raises UnsupportedError where it has changed since it was quantized.
        """
        ...

    def check(self, shapes: Sequence[Shape]) -> None:
        """Raise ValueError, in Keras' words, if the network cannot take images of `shapes`."""
        ...

    def open_sizes(self, shapes: Sequence[Shape]) -> Sequence[Sequence[bool]]:
        """Which sizes of `shapes` are likely to be others in other calls."""
        ...

    def lower_all(self, graph: Graph, inputs: Sequence[Value]) -> Sequence[Value]:
        """Append the network's operations to `graph`; return its outputs."""
        ...


def draw(
    network: Network, shapes: Sequence[Shape], quantized_by: Quantization | None = None
) -> Graph:
    """Return the graph of `network` as its layers lower to it, of which it is quantized by this."""
    graph = Graph(quantized_by=quantized_by)
    inputs = [graph.add_input(shape) for shape in shapes]
    with variables.snapshot(network.weights):
        graph.outputs = list(network.lower_all(graph, inputs))
    return graph


def lower(network: Network, shapes: Sequence[Shape]) -> Graph:
    """Return the graph of `network`, after all passes, for images of `shapes`, one per input."""
    quantization = network.quantized_by()
    graph = draw(network, shapes, quantization)
    if quantization is not None:
        return quantization.applied(graph)
    if not graph.states:
        return optimize(graph)
    graph.outputs += graph.states.values()
    return replace(optimize(graph), states=graph.states, states_read=graph.states_read)


class Executor:
    """Runs one layer or model, from any number of threads at once.

    Plans are kept per input shape, the most recently used `PLANS_KEPT` of them. All share the
    packed weights, and most are made of a `Lowered` that was made for another shape. Everything is
    dropped when a variable of the network is assigned or a layer in it changes.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._plans: OrderedDict[PlanKey, AnyPlan] = OrderedDict()
        self._lowered: list[Lowered] = []  # the last one used is the first
        self._kernels = Kernels()
        self._guard = Guard()
        # Held while a plan is made; who finds one does not wait for it.
        self._making = Guard()
        self._epoch = -1
        self._epsilon = 0.0
        self._versions: tuple[int, ...] = ()

    def plan(self, shapes: tuple[Shape, ...]) -> AnyPlan:
        """Return the plan for images of `shapes`, one per input, without the batch axis.

        Raises
        ------
        ValueError
            If the network cannot run on such images, or needs a tensor that is too large.
        """
        key = (options.get(), self._network.arithmetic, shapes)
        plan = self._find(key)
        if plan is not None:
            return plan
        with self._making.lock:
            plan = self._find(key)
            if plan is not None:
                return plan
            versions = self._versions
            lowered, plan = self._make(shapes, *_numbers(key[1]))
            with self._guard.lock:
                self._drop_outdated()
                if versions == self._versions:
                    self._keep(key, plan, lowered)
            return plan

    def _find(self, key: PlanKey) -> AnyPlan | None:
        with self._guard.lock:
            self._drop_outdated()
            plan = self._plans.get(key)
            if plan is not None:
                self._plans.move_to_end(key)
            return plan

    def _keep(self, key: PlanKey, plan: AnyPlan, lowered: Lowered | None) -> None:
        self._plans[key] = plan
        if len(self._plans) > PLANS_KEPT:
            self._plans.popitem(last=False)
        if lowered is not None:
            others = [other for other in self._lowered if other is not lowered]
            self._lowered = [lowered, *others][:LOWERED_KEPT]

    @property
    def plans(self) -> dict[tuple[Shape, ...], AnyPlan]:
        """The plans that are kept for the configuration in force, by the shapes of the inputs."""
        with self._guard.lock:
            self._drop_outdated()
            current = (options.get(), self._network.arithmetic)
            return {key[-1]: plan for key, plan in self._plans.items() if key[:-1] == current}

    @property
    def kernels(self) -> list[Kernel]:
        """The kernels that plans share, with what was packed of them."""
        return self._kernels.all()

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
            One C-contiguous float32 array per input, each (batch, ...).
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
        batch = inputs[0].shape[0]
        if outputs is None:
            outputs = [np.empty((batch, *shape), np.float32) for shape in plan.output_shapes]
        most = get_num_threads() if threads is None else positive(threads, "threads")
        if batch:
            plan.run(inputs, outputs, most, True)  # by position: a keyword takes its time
        return list(outputs)

    def clear(self) -> None:
        """Drop all plans and packed weights; those that run now end first."""
        with self._guard.lock:
            self._plans.clear()
            self._lowered.clear()

    def _make(
        self, shapes: tuple[Shape, ...], weight_dtype: WeightDtype, bfloat16: bool
    ) -> tuple[Lowered | None, AnyPlan]:
        winograd = options.get().winograd
        with self._guard.lock:
            known = list(self._lowered)
        for lowered in known:
            plan = lowered.plan(shapes, winograd, weight_dtype, bfloat16)
            if plan is not None:
                return lowered, plan
        self._network.check(shapes)
        new = lowered_for_all(self._network, shapes, self._kernels)
        plan = None if new is None else new.plan(shapes, winograd, weight_dtype, bfloat16)
        if plan is not None:
            return new, plan
        return None, self._make_alone(shapes, weight_dtype, bfloat16)

    def _make_alone(
        self, shapes: tuple[Shape, ...], weight_dtype: WeightDtype, bfloat16: bool
    ) -> AnyPlan:
        """Make a plan for these shapes and no others."""
        graph = lower(self._network, shapes)
        try:
            return with_states(build(graph, weight_dtype, self._kernels, bfloat16), graph)
        except (ModelFileError, UnsupportedError):
            raise
        except ValueError as error:
            raise ValueError(
                f"'{self._network.name}' cannot run on images of this shape: {error}. "
                f"Received: {', '.join(map(str, shapes))}"
            ) from error

    def _drop_outdated(self) -> None:
        epoch, epsilon = variables.epoch(), defaults.epsilon()
        if epoch == self._epoch and epsilon == self._epsilon:
            return
        versions = self._network.versions
        if versions != self._versions or epsilon != self._epsilon:
            self._plans.clear()
            self._lowered.clear()
        self._epoch, self._epsilon, self._versions = epoch, epsilon, versions


def _numbers(arithmetic: tuple[str, str]) -> tuple[WeightDtype, bool]:
    """Return `arithmetic` as a `PlanBuilder` takes it."""
    weight_dtype, precision = arithmetic
    return WEIGHT_DTYPES[weight_dtype], precision == "bfloat16"


class Lowered:
    """A network that was lowered once, and the plans it gives for images of many sizes.

    Parameters
    ----------
    pattern
        The shapes that it is for; None stands for a size that is open.
    sizes
        The open sizes, in their order.
    template
        What the network lowered to.
    """

    def __init__(
        self, pattern: Sequence[tuple[int | None, ...]], sizes: Sizes, template: Template
    ) -> None:
        self._pattern, self._sizes, self._template = pattern, sizes, template

    def plan(
        self, shapes: Sequence[Shape], winograd: bool, weight_dtype: WeightDtype, bfloat16: bool
    ) -> Plan | None:
        """Return the plan for `shapes`; None where the network does not lower alike for them."""
        opened: list[int] = []
        if len(shapes) != len(self._pattern):
            return None
        for known, shape in zip(self._pattern, shapes, strict=True):
            if len(known) != len(shape):
                return None
            for size, now in zip(known, shape, strict=True):
                if size is None:
                    opened.append(now)
                elif size != now:
                    return None
        values = self._sizes.solve(opened)
        if values is None:
            return None
        try:
            return self._template.plan(values, winograd, weight_dtype, bfloat16)
        except ModelFileError:
            raise
        except ValueError:
            return None  # what is wrong is said where the network is lowered for these shapes


def lowered_for_all(network: Network, shapes: Sequence[Shape], kernels: Kernels) -> Lowered | None:
    """Lower `network` with its open sizes left open; None where it has to know them."""
    sizes = Sizes()
    pattern = [
        tuple(None if is_open else size for size, is_open in zip(shape, flags, strict=True))
        for shape, flags in zip(shapes, network.open_sizes(shapes), strict=True)
    ]
    opened = [
        tuple(sizes.open(now) if size is None else size for size, now in zip(*pair, strict=True))
        for pair in zip(pattern, shapes, strict=True)
    ]
    try:
        graph = lower(network, opened)
        if is_cut(graph) or graph.states:
            return None  # a user's function may do anything with a size
        return Lowered(pattern, sizes, Template(graph, kernels))
    except ModelFileError:
        raise
    except Exception:
        return None
