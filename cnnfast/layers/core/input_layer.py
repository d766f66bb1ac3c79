"""Where what a model is called on comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.layer import Layer
from cnnfast.symbolic import arguments
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.symbolic.tensor import KerasTensor, Node

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import DTypeLike, InputLayerOptions, OpenShape


class InputLayer(Layer):
    """The place where a model's input comes in.

    Takes and returns (batch, *shape).

    Parameters
    ----------
    shape
        Without the batch; None stands for any size.
    batch_size
        Kept for the config.
    dtype
        What the caller passes; the core takes float32.
    sparse, ragged
        Must not be set.
    batch_shape
        In place of `shape` and `batch_size`.
    input_tensor
        Must be None.
    optional
        Kept for the config.
    name
        Unique in a model; made from the class where None.
    **kwargs
        What else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If no shape is given, or two.

    Examples
    --------
    >>> layer = cnnfast.layers.InputLayer((28, 28, 1))
    >>> layer.output.shape
    (None, 28, 28, 1)
    """

    built_without_weights = True

    def __init__(
        self,
        shape: OpenShape | None = None,
        batch_size: int | None = None,
        dtype: DTypeLike = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: OpenShape | None = None,
        input_tensor: None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Unpack[InputLayerOptions],
    ) -> None:
        shape = kwargs.pop("input_shape", shape)
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        super().__init__(name=name, dtype=dtype, **kwargs)
        if sparse or ragged or input_tensor is not None:
            raise self.unsupported(
                "must be dense and have no tensor of its own. Received: "
                f"sparse={sparse}, ragged={ragged}, input_tensor={input_tensor}"
            )
        if shape is None and batch_shape is None:
            raise ValueError("You must pass a `shape` argument.")
        if shape is not None and batch_shape is not None:
            raise ValueError(
                "You cannot pass both `shape` and `batch_shape` at the same time. Received: "
                f"shape={shape}, batch_shape={batch_shape}"
            )
        if batch_size is not None and batch_shape is not None:
            raise ValueError(
                "You cannot pass both `batch_size` and `batch_shape` at the same time. Received: "
                f"batch_size={batch_size}, batch_shape={batch_shape}"
            )
        if shape is not None:
            batch_shape = (batch_size, *arguments.shape(shape))
        self.batch_shape = arguments.shape(batch_shape)
        self.optional = bool(optional)
        self.input_spec = InputSpec(ndim=len(self.batch_shape))

    def _first_node(self, which: str) -> Node:
        for node in self._inbound_nodes:
            return node
        return Node(self, (), {}, [KerasTensor(self.batch_shape, self.dtype, self.name)])

    def _arguments(self) -> dict[str, Any]:
        return {}  # what graphs begin with stays as it is

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return input_shape

    def lower(self, graph: Graph, x: Value) -> Value:
        return x

    def lower_like(
        self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any], drawn: tuple[Any, Any]
    ) -> Any:
        return self.lower_call(graph, args, kwargs)  # and what comes in keeps its mask

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def Input(  # noqa: N802 - Keras' name
    shape: OpenShape | None = None,
    batch_size: int | None = None,
    dtype: DTypeLike = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: OpenShape | None = None,
    name: str | None = None,
    tensor: None = None,
    optional: bool = False,
) -> KerasTensor:
    """Return a symbolic tensor, the first item of a `Sequential`.

    It stands for arrays (batch, *shape).

    Parameters
    ----------
    shape
        Without the batch; None stands for any size.
    batch_size
        Kept for the config.
    dtype
        What the caller passes; the core takes float32.
    sparse, ragged
        Must not be set.
    batch_shape
        In place of `shape` and `batch_size`.
    name
        Unique in a model; made from the class where None.
    tensor
        Must be None.
    optional
        Kept for the config.

    Examples
    --------
    >>> image = cnnfast.Input((28, 28, 1))
    >>> cnnfast.layers.Conv2D(8, 3)(image).shape
    (None, 26, 26, 8)
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
    output: KerasTensor = layer.output
    return output
