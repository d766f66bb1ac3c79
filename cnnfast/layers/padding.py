"""Layers that put a border of zeros around their input, or cut one off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from cnnfast import lowering
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers import arguments, windows
from cnnfast.layers.arguments import BatchShape
from cnnfast.layers.input_spec import InputSpec
from cnnfast.layers.layer import Layer

_ORDINALS = ("1st", "2nd", "3rd")
_RULE = "The `{}` argument must be a tuple of 2 integers."


class _Border(Layer):
    """A number of positions (before, after) to add to, or cut off, each spatial axis."""

    rank: ClassVar[int]
    argument: ClassVar[str]

    def __init__(self, border: Any, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(data_format)
        self._border = _pairs(border, self.rank, self.argument)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _added(self) -> tuple[tuple[int, int], ...]:
        """Positions to add (before, after) along each spatial axis; negative ones are cut."""
        return self._border

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        spatial, channels = windows.split_channels(input_shape, self.data_format)
        sizes = tuple(
            None if size is None else size + sum(added)
            for size, added in zip(spatial, self._added, strict=True)
        )
        if any(size is not None and size <= 0 for size in sizes):
            raise ValueError(
                f"Layer '{self.name}': `{self.argument}` must leave at least one position of "
                f"each axis. Received: input_shape={input_shape}, {self.argument}={self._border}"
            )
        return windows.join_channels(input_shape[0], sizes, channels, self.data_format)

    def lower(self, graph: Graph, x: Value) -> Value:
        self._output_shape(x)
        first = int(self.data_format == "channels_first")
        pads = {first + axis: added for axis, added in enumerate(self._added)}
        return lowering.pad(graph, x, pads)

    def _config(self) -> dict[str, Any]:
        border = self._border[0] if self.rank == 1 else self._border
        return {self.argument: border, "data_format": self.data_format}


class _ZeroPadding(_Border):
    argument = "padding"

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)
        self.padding = self._border[0] if self.rank == 1 else self._border


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after a sequence (batch, steps, channels).

    Parameters
    ----------
    padding
        One integer, or (before, after).
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

    rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images (batch, height, width, channels).

    Parameters
    ----------
    padding
        One integer; (height, width); or ((top, bottom), (left, right)).
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

    rank = 2


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes (batch, depth, height, width, channels).

    Parameters
    ----------
    padding
        One integer, one per axis, or a pair (before, after) per axis.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

    rank = 3


class _Cropping(_Border):
    argument = "cropping"

    def __init__(self, cropping: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)
        self.cropping = self._border[0] if self.rank == 1 else self._border

    @property
    def _added(self) -> tuple[tuple[int, int], ...]:
        return tuple((-before, -after) for before, after in self._border)


class Cropping1D(_Cropping):
    """Cuts off the ends of a sequence (batch, steps, channels).

    Parameters
    ----------
    cropping
        One integer, or (before, after).

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping, **kwargs)

    def _config(self) -> dict[str, Any]:
        return {"cropping": self.cropping}


class Cropping2D(_Cropping):
    """Cuts off the edges of images (batch, height, width, channels).

    Parameters
    ----------
    cropping
        One integer; (height, width); or ((top, bottom), (left, right)).
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

    rank = 2

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Cuts off the faces of volumes (batch, depth, height, width, channels).

    Parameters
    ----------
    cropping
        One integer, one per axis, or a pair (before, after) per axis.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

    rank = 3

    def __init__(
        self,
        cropping: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


def _pairs(value: Any, rank: int, name: str) -> tuple[tuple[int, int], ...]:
    """Return (before, after) for each axis: of one integer, one per axis, or pairs."""
    if rank == 1:
        return (_pair(value, name, _RULE.format(name)),)
    items = tuple(value) if isinstance(value, Iterable) else (value,) * rank
    if len(items) != rank:
        raise ValueError(
            f"`{name}` should have {rank} elements, each an integer or a tuple of 2 integers. "
            f"Received: {name}={value!r}."
        )
    return tuple(
        _pair(item, name, _RULE.format(f"{ordinal} entry of {name}"))
        for ordinal, item in zip(_ORDINALS, items, strict=False)
    )


def _pair(value: Any, name: str, rule: str) -> tuple[int, int]:
    items = tuple(value) if isinstance(value, Iterable) else (value, value)
    try:
        numbers = tuple(arguments.integer(item) for item in items)
    except TypeError as error:
        raise ValueError(f"{rule} Received: {name}={value!r}") from error
    if len(numbers) != 2 or min(numbers) < 0:
        raise ValueError(f"{rule} No number may be negative. Received: {name}={value!r}")
    return numbers[0], numbers[1]
