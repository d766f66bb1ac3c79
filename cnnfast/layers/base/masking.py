"""What layers say of masks, and how their calls are drawn and lowered where there are some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers.base import calling, masks, phases
from cnnfast.layers.base.rules import Rules
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import tree

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer


class Masked(Rules):
    """Masks by Keras' rules; see `cnnfast.layers.base.masks`."""

    takes_mask: ClassVar[bool] = False
    """Whether Keras' `call` has a `mask`; then `lower_masked` gets it."""

    passes_masks: ClassVar[bool] = False
    """Whether Keras' layer supports masking."""

    keeps_tensor: ClassVar[bool] = False
    """Whether Keras returns the very tensor it got, with its mask, where it changes nothing."""

    masked_above: ClassVar[float | None] = None
    """Above which number a mask of numbers is true; None for all but 0."""

    _supports_masking: bool | None = None

    _of_keras_2: bool = False
    """Whether the layer stands in a graph that an older Keras wrote."""

    call_arguments: ClassVar[tuple[str, ...]] = ("inputs",)
    """Names of the tensors that a call takes; several arrive as a list, without absent ones."""

    call_options: ClassVar[tuple[str, ...]] = ()
    """Names of what Keras' `call` takes behind them, in order."""

    @property
    def supports_masking(self) -> bool:
        """Whether the output has a mask where `compute_mask` gives one; can be set."""
        own = self._supports_masking
        return (self.passes_masks or self.has_own_mask_rule) if own is None else own

    @supports_masking.setter
    def supports_masking(self, value: bool) -> None:
        self._supports_masking = bool(value)
        self._changed()

    @property
    def has_own_mask_rule(self) -> bool:
        """Whether masks of the output are not just those of the input."""
        return type(self).compute_mask is not Masked.compute_mask

    def as_in_keras_2(self, mask: Any) -> bool:
        """Whether Keras 2 did the same with a mask, or a list of them, as Keras 3 does."""
        return True

    @property
    def gets_mask(self) -> bool:
        """Whether a call hands on the mask of its input."""
        return self.takes_mask

    @property
    def makes_mask(self) -> bool:
        """Whether `compute_mask` gives a mask where the input has none."""
        return False

    @property
    def makes_masks(self) -> bool:
        """Whether the output of a call without masks may have one."""
        return self.makes_mask or any(layer.makes_masks for layer in self._sublayers())

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return the mask of the output, symbolic or an array; None where there is none.

        Parameters
        ----------
        inputs
            The first argument of the call.
        previous_mask
            Its mask, or a list of masks where it is one of tensors.
        """
        return previous_mask

    def lower_masked(self, graph: Graph, x: Any, mask: Any) -> Any:
        """Append the operations of this layer on `x`, of which `mask` says which steps count.

        A mask is 1 or 0 for each step. What the call around says of training holds here.
        """
        return (self.lower_in_training if phases.current() else self.lower)(graph, x)

    def connect(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        layer = cast("Layer", self)
        args, kwargs = calling.by_name(layer, args, kwargs)
        kwargs = masks.noted(layer, args, kwargs)
        outputs = super().connect(args, kwargs)
        masks.draw(layer, args, kwargs, outputs)
        return outputs

    def lower_like(
        self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any], drawn: tuple[Any, Any]
    ) -> Any:
        if graph.masks or self.makes_mask or "mask" in kwargs:
            return masks.lower(cast("Layer", self), graph, args, kwargs, drawn)
        return self.lower_call(graph, args, kwargs)

    def lower_all(self, graph: Graph, inputs: Sequence[Value]) -> Sequence[Value]:
        if not self.makes_mask:
            return super().lower_all(graph, inputs)
        x = inputs[0]
        drawn = KerasTensor((None, *x.shape))
        return tree.flatten(self.lower_like(graph, (x,), {}, ((drawn,), {})))

    def lower_beside_masks(
        self,
        graph: Graph,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        mask: Any,
        drawn: tuple[Any, Any],
    ) -> Any:
        """Do as `lower_call`, where the first argument has the `mask`, if any."""
        if not (self.gets_mask and masks.is_given(mask)):
            return self.lower_call(graph, args, kwargs)
        x = self._input_of_call(args, kwargs)
        self._check_shapes(calling.batch_shapes(x))
        with graph.layer(self.name), phases.of_call(kwargs, self.training_default):
            return self.lower_masked(graph, x, mask)

    def _input_of_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return the tensors among the arguments of a call, as `lower` takes them."""
        raise NotImplementedError

    def _sublayers(self) -> Sequence[Masked]:
        return ()

    def _changed(self) -> None:
        """Say that the layer would be lowered in another way than before."""
        raise NotImplementedError

    def _first_of_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return the first argument of a call, of which masks come."""
        return args[0] if args else kwargs.get(self.call_arguments[0])
