"""Models that are classes of the user's, with a `call`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnfast.engine.executor import Executor
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Float32Array, Shape
from cnnfast.errors import UnsupportedError
from cnnfast.layers.base.array_masks import MaskExecutor
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.base.mixing import Mixing
from cnnfast.layers.own.array_calls import Prepared
from cnnfast.layers.own.traced import Traced
from cnnfast.models.data import to_arrays
from cnnfast.models.model import Model
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import tree


class TracedModel(Traced, Model):
    """What a model is whose class the user wrote, with `call` in terms of layers and operations.

    It is built by its first call, or by `build`. See `Traced` for what `call` may do.
    """

    casts_inputs = False

    def lower_beside_masks(self, graph: Graph, *call: Any) -> Any:
        self._check_outermost(graph)
        return super().lower_beside_masks(graph, *call)

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        outputs = super().infer(args, kwargs)
        vars(self)["_drawn_call"] = (tuple(args), dict(kwargs), outputs)
        return outputs

    def _first_call(self) -> tuple[Any, Any, Any]:
        drawn: tuple[Any, Any, Any] | None = vars(self).get("_drawn_call")
        if drawn is None:
            raise AttributeError(
                f"Model '{self.name}' of class {type(self).__name__} has no inputs and outputs "
                "before it is called on data or built."
            )
        return drawn

    # --- what a model is asked ------------------------------------------------------------

    @property
    def inputs(self) -> list[KerasTensor]:
        """Symbolic tensors like the inputs of the last call."""
        args, kwargs, _ = self._first_call()
        return [leaf for leaf in tree.flatten((args, kwargs)) if isinstance(leaf, KerasTensor)]

    @property
    def outputs(self) -> list[KerasTensor]:
        """Symbolic tensors like the outputs of the last call."""
        return tree.present(self._first_call()[2])

    @property
    def input_shape(self) -> Any:
        """Shapes of the inputs of the last call, batch included."""
        shapes = [tensor.shape for tensor in self.inputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_shape(self) -> Any:
        """Shapes of the outputs of the last call, batch included, in their structure."""
        return tree.map_present(lambda tensor: tensor.shape, self._first_call()[2])

    def layer_output_shapes(self) -> list[Any]:
        """Return the output shape of each of `layers`; None where it is not known."""
        return [_output_shape(layer) for layer in self.layers]

    def _output_keys(self) -> list[str] | None:
        drawn = vars(self).get("_drawn_call")
        if drawn is not None and isinstance(drawn[2], Mapping):
            return sorted(drawn[2])
        return None

    def _ends(self) -> Sequence[KerasTensor]:
        return ()

    def result_dtype(self, received: Sequence[str]) -> str:
        return Layer.result_dtype(self, received)

    # --- running --------------------------------------------------------------------------

    def _prepare(self, x: Any) -> list[Float32Array]:
        return self._prepared((to_arrays(x, "x"),), {}, self._said_by_predict)

    @property
    def _said_by_predict(self) -> bool | None:
        """False where `call` can hear it, as in Keras; else the layers inside are told nothing."""
        return False if self.takes_training else None

    @property
    def _executor(self) -> Executor:
        """That of the newest call on arrays, or of one like the last on symbolic tensors."""
        if not self._kept:
            args, kwargs, outputs = self._first_call()
            self._keep((args, kwargs), outputs, self._said_by_predict)
        executor: Executor = self._kept[0][1].executor
        return executor

    def _executor_of(self, arrays: Sequence[Any]) -> Executor:
        assert isinstance(arrays, Prepared)
        return arrays.executor

    @property
    def _apart(self) -> bool:  # type: ignore[override]
        return self.makes_masks

    def _mask_executor_of(self, arrays: Sequence[Any]) -> MaskExecutor:
        assert isinstance(arrays, Prepared)
        return arrays.kept.with_masks

    def _fixed_input_shapes(self) -> tuple[Shape, ...] | None:
        return super()._fixed_input_shapes() if "_drawn_call" in vars(self) else None

    def release_memory(self) -> None:
        vars(self)["_kept"] = []
        super().release_memory()

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_drawn_call": None}


def _output_shape(layer: Layer) -> BatchShape | Any:
    shape = layer._build_shape
    config = layer._get_build_config() or {}
    shape = config.get("input_shape") if shape is None else shape
    if shape is None:
        return None
    try:
        return layer.compute_output_shape(shape)
    except (ValueError, UnsupportedError):
        return None


Mixing.mix(Model, TracedModel)
