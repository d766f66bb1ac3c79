"""A user's function of tensors, as an activation or inside of a `Lambda`: traced, and not run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.errors import UnsupportedError
from cnnfast.symbolic.activation_functions import UserFunction
from cnnfast.symbolic.blame import located
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.symbolic.tracing import Trace, differences, trace

if TYPE_CHECKING:
    from cnnfast.engine.ops import BatchShape
    from cnnfast.symbolic.typing import Tensor


def confirmed(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], of: str
) -> Trace:
    """Trace `function`, twice, so that what differs each time is found.

    Parameters
    ----------
    function, args, kwargs
        As for `tracing.trace`.
    of
        How messages call the function.

    Raises
    ------
    UnsupportedError
        If the two differ, or the function cannot be traced.
    """
    try:
        first, second = (trace(function, args, kwargs, of=of) for _ in range(2))
    except Exception as error:
        raise located(error, f"In {of}") from error
    found = differences([first], [second])
    if found is not None:
        raise UnsupportedError(
            f"{of} must compute the same whenever it runs, as it runs once for all predictions. "
            f"Received: two runs that differ in {found}"
        )
    return first


class TracedFunction(UserFunction):
    """A user's function of tensors, given as an activation; it runs in the core."""

    def _trace(self, shape: BatchShape) -> Trace:
        of = f"the function {self.name!r}"
        return confirmed(self.function, (KerasTensor(shape),), {}, of)

    def lower(self, graph: Graph, x: Value) -> Value:
        lowered: Value = self._trace((None, *x.shape)).lower(graph, [x])
        return lowered

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        output: KerasTensor = self._trace(input_shape).outputs
        return output.shape

    def __call__(self, x: Tensor) -> Tensor:
        """Return what the function does."""
        result: Tensor = self.function(x)
        return result
