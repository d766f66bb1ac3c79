"""What a layer demands of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.engine.ops import BatchShape
from cnnfast.symbolic import arguments
from cnnfast.utils import tree

if TYPE_CHECKING:
    from typing import Self

    from cnnfast.symbolic.typing import OpenShape


class InputSpec:
    """Rank and sizes of an input, batch included; None stands for any.

    Parameters
    ----------
    dtype
        That the input must have.
    shape
        Sizes that its axes must have.
    ndim, max_ndim, min_ndim
        How many axes.
    axes
        The size that an axis must have, by its number.
    allow_last_axis_squeeze
        Whether a last axis of size 1 may be there or not.
    name
        Key of the input, where inputs come as a dict.
    optional
        Whether the input may be None.

    Raises
    ------
    TypeError
        If `axes` is no dict with integers as keys.
    ValueError
        If an axis in it is one that the input cannot have.

    Examples
    --------
    >>> cnnfast.layers.InputSpec(shape=(None, None, None, 3)).ndim
    4
    """

    def __init__(
        self,
        dtype: str | None = None,
        shape: OpenShape | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = dtype
        self.shape: BatchShape | None = None if shape is None else arguments.shape(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.name, self.optional = name, optional
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        try:
            self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise TypeError(
                f"Argument `axes` must be a dict with integer keys. Received: axes={axes}"
            ) from error
        most = self.ndim or self.max_ndim
        if self.axes and most is not None and max(self.axes) >= most:
            raise ValueError(
                f"Axis {max(self.axes)} is greater than the maximum allowed value: {most - 1}"
            )

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        # Pickles of earlier versions have rank and axes alone.
        vars(self).update(vars(InputSpec()) | dict(state))

    def check(
        self, shape: BatchShape, layer_name: str, dtype: str | None = None, index: int = 0
    ) -> None:
        """Raise ValueError, naming the layer, if an input does not fit.

        Parameters
        ----------
        shape, dtype
            Those of the input; no dtype is looked at where that is None.
        layer_name, index
            For the message.
        """
        rule = self._rule(shape, dtype)
        if rule is not None:
            raise ValueError(
                f"Input {index} of layer '{layer_name}' is incompatible with the layer: {rule}. "
                f"Received: input with shape {shape}"
            )

    def _rule(self, shape: BatchShape, dtype: str | None) -> str | None:
        """Return what an input breaks."""
        count = len(shape)
        if self.ndim not in (None, count) and not self.allow_last_axis_squeeze:
            return f"expected ndim={self.ndim}, found ndim={count}"
        if self.max_ndim is not None and count > self.max_ndim:
            return f"expected max_ndim={self.max_ndim}, found ndim={count}"
        if self.min_ndim is not None and count < self.min_ndim:
            return f"expected min_ndim={self.min_ndim}, found ndim={count}"
        if self.dtype is not None and dtype not in (None, self.dtype):
            return f"expected dtype={self.dtype}, found dtype={dtype}"
        for axis, size in self.axes.items():
            found = shape[axis] if -count <= axis < count else 0
            if size is not None and found not in (size, None):
                return f"expected axis {axis} of input shape to have value {size}"
        return self._rule_of_shape(shape)

    def _rule_of_shape(self, shape: BatchShape) -> str | None:
        if self.shape is None:
            return None
        wanted = self.shape
        if self.allow_last_axis_squeeze:
            wanted, shape = (s[:-1] if s and s[-1] == 1 else s for s in (wanted, shape))
        pairs = zip(wanted, shape, strict=False)
        if len(wanted) == len(shape) and all(a == b or None in (a, b) for a, b in pairs):
            return None
        return f"expected shape={self.shape}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InputSpec) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.shape, self.ndim, self.max_ndim, self.min_ndim, tuple(self.axes)))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments in the form of Keras 3."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Return what `get_config` describes."""
        return cls(**config)

    def __repr__(self) -> str:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        said = (f"{name}={getattr(self, name)}" for name in names if getattr(self, name))
        return f"InputSpec({', '.join(said)})"


def check_inputs(specs: Any, inputs: Any, layer_name: str) -> None:
    """Check the first argument of a call, one tensor or several, against what a layer says.

    Parameters
    ----------
    specs
        `InputSpec`, alone or in a structure, one for each tensor.
    inputs
        What has a shape and a dtype, in a structure.
    layer_name
        For messages.

    Raises
    ------
    ValueError
        If their number, a shape or a dtype is another.
    """
    wanted = [specs] if isinstance(specs, InputSpec) else tree.flatten(specs)
    tensors = _in_order(inputs, wanted)
    if len(tensors) != len(wanted):
        raise ValueError(
            f"Layer '{layer_name}' expects {len(wanted)} input(s), but it received "
            f"{len(tensors)} input tensors. Received: {tensors}"
        )
    for index, (tensor, spec) in enumerate(zip(tensors, wanted, strict=True)):
        if spec is not None and not (tensor is None and spec.optional):
            spec.check(tuple(tensor.shape), layer_name, str(tensor.dtype), index)


def _in_order(inputs: Any, wanted: Sequence[InputSpec | None]) -> list[Any]:
    """Return the tensors in the order of `wanted`, which may name the keys of a dict."""
    names = [spec.name if spec else None for spec in wanted]
    if isinstance(inputs, Mapping) and all(names) and set(names) <= set(inputs):
        return [inputs[name] for name in names]
    return tree.flatten(inputs)
