"""A network lowered once for many sizes: what the core is told, with the open sizes left blank."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from cnnfast._core import Plan, PlanBuilder, WeightDtype
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import Kernels, LateArray
from cnnfast.engine.ops import Value
from cnnfast.engine.positions import Made
from cnnfast.engine.sizes import Size, Values

# Makes an argument of the ids that the builder returned so far and of the values of sizes.
Fill: TypeAlias = Callable[[Sequence[int], Values], Any]
Call: TypeAlias = tuple[str, str, tuple[Any, ...]]


class Template:
    """Instructions for a plan; holds the kernels, so that they are packed once for all plans.

    Parameters
    ----------
    graph
        After all passes, without functions of a user; its shapes may hold open sizes.
    kernels
        Where the kernels of the network are found.
    """

    def __init__(self, graph: Graph, kernels: Kernels) -> None:
        self._kernels = kernels
        self._places = {value: place for place, value in enumerate(graph.inputs)}
        self._steps: list[tuple[str, str, tuple[Any, ...], Fill | None]] = []
        for value in graph.inputs:
            self._steps.append(("", "input", *self._argument((value.shape,))))
        for op in graph.ops:
            label = " + ".join(op.layers)
            method, arguments = op.instruction
            self._steps.append((label, method, *self._argument(arguments)))
            self._places[op.out] = len(self._places)
        self._outputs = [self._places[value] for value in graph.outputs]

    def plan(
        self, values: Values, winograd: bool, weight_dtype: WeightDtype, bfloat16: bool
    ) -> Plan:
        """Return the plan where the sizes have these values, as `Sizes.solve` returns them."""
        builder = PlanBuilder(winograd, weight_dtype, bfloat16)
        ids: list[int] = []
        for label, method, arguments in self.calls(ids, values):
            builder.label(label)
            ids.append(getattr(builder, method)(*arguments))
        return builder.build([ids[place] for place in self._outputs])

    def calls(self, ids: Sequence[int], values: Values) -> Iterator[Call]:
        """Yield each call: its label, the builder's method, and its arguments.

        `ids` holds what the calls before returned.
        """
        for label, method, known, fill in self._steps:
            yield label, method, known if fill is None else fill(ids, values)

    def _argument(self, argument: Any) -> tuple[Any, Fill | None]:
        """Return an argument as it always is, or how to fill it in."""
        match argument:
            case Value():
                place = self._places[argument]
                return None, lambda ids, _: ids[place]
            case Size(index=index):
                return None, lambda _, values: values[index]
            case LateArray():
                return self._kernels.get(argument), None
            case Made():
                return self._made(argument)
            case tuple():
                return self._tuple(argument)
        return argument, None

    def _made(self, made: Made) -> tuple[Any, Fill | None]:
        function = made.function
        known, fill = self._tuple(made.arguments)
        if fill is None:
            return function(*known), None
        return None, lambda ids, values: function(*fill(ids, values))

    def _tuple(self, arguments: tuple[Any, ...]) -> tuple[Any, Fill | None]:
        known, fills = [], []
        for place, argument in enumerate(arguments):
            one, fill = self._argument(argument)
            known.append(one)
            if fill is not None:
                fills.append((place, fill))
        if not fills:
            return tuple(known), None

        def fill_all(ids: Sequence[int], values: Values) -> tuple[Any, ...]:
            filled = known.copy()
            for place, fill in fills:
                filled[place] = fill(ids, values)
            return tuple(filled)

        return None, fill_all
