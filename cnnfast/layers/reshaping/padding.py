"""Layers that put a border of zeros around their input, or cut one off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.spatial import SpatialLayer
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.dtypes import Integers

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import Borders, DataFormat, LayerOptions

_ORDINALS = ("1st", "2nd", "3rd")
_RULE = "The `{}` argument must be a tuple of 2 integers."


class BaseBorder(SpatialLayer):
    """What layers share that add positions to the ends of each spatial axis, or cut them off."""

    integers = Integers.KEPT
    argument: ClassVar[str]

    def __init__(
        self, border: Borders, data_format: DataFormat | None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(data_format, **kwargs)
        self._pairs = _pairs(border, self.rank, self.argument)

    @property
    def _border(self) -> Any:
        """What Keras keeps: one pair over sequences, else a tuple of them."""
        return self._pairs[0] if self.rank == 1 else self._pairs

    @property
    def _added(self) -> tuple[tuple[int, int], ...]:
        """Positions to add (before, after) along each spatial axis; negative ones are cut."""
        return self._pairs

    def _output_sizes(self, spatial: BatchShape) -> BatchShape:
        return tuple(
            None if size is None else size + sum(added)
            for size, added in zip(spatial, self._added, strict=True)
        )

    def lower(self, graph: Graph, x: Value) -> Value:
        self._output_shape(x)
        return append.pad(graph, x, dict(enumerate(self._added, start=self._first_axis)))

    def _config(self) -> dict[str, Any]:
        return {self.argument: self._border, "data_format": self.data_format}


class BaseZeroPadding(BaseBorder):
    """What zero paddings of every rank share; parameters and errors are those of `BaseBorder`."""

    argument = "padding"
    geometry = ("padding",)

    def __init__(
        self,
        padding: Borders = 1,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(padding, data_format, **kwargs)

    @property
    def padding(self) -> Any:
        """(before, after), or a tuple of them, one per spatial axis."""
        return self._border


class ZeroPadding1D(BaseZeroPadding):
    """Zeros before and after sequences.

    Takes (batch, steps, channels) and returns (batch, new steps, channels).

    Parameters
    ----------
    padding
        Steps at both ends, or (before, after).
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.ZeroPadding1D(1)
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 12, 4)
    """

    rank = 1


class ZeroPadding2D(BaseZeroPadding):
    """Zeros around images.

    Takes (batch, height, width, channels) and returns (batch, new height, new width, channels);
    with ``data_format="channels_first"``, channels come before the other axes.

    Parameters
    ----------
    padding
        Rows and columns at each edge: one integer, (rows, columns), or ((top, bottom), (left,
        right)).
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.ZeroPadding2D(1)
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 10, 10, 3)
    """

    rank = 2


class ZeroPadding3D(BaseZeroPadding):
    """Zeros around volumes.

    Takes (batch, depth, height, width, channels) and returns (batch, new depth, new height, new
    width, channels); with ``data_format="channels_first"``, channels come before the other axes.

    Parameters
    ----------
    padding
        Positions at each face: one integer, one for each axis, or (before, after) for each axis.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.ZeroPadding3D(1)
    >>> layer(np.ones((2, 4, 8, 8, 3))).shape
    (2, 6, 10, 10, 3)
    """

    rank = 3


class BaseCropping(BaseBorder):
    """What croppings of every rank share; parameters and errors are those of `BaseBorder`."""

    keeps_tensor = True

    argument = "cropping"
    geometry = ("cropping",)
    size_rule = (
        "Values in `cropping` argument should be smaller than the corresponding spatial dimension "
        "of the input. "
    )

    @property
    def cropping(self) -> Any:
        """(before, after), or a tuple of them, one per spatial axis."""
        return self._border

    @property
    def _added(self) -> tuple[tuple[int, int], ...]:
        return tuple((-before, -after) for before, after in self._pairs)


class Cropping1D(BaseCropping):
    """Cuts steps off both ends of sequences.

    Takes (batch, steps, channels) and returns (batch, new steps, channels).

    Parameters
    ----------
    cropping
        Steps at both ends, or (before, after).
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.Cropping1D(1)
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 8, 4)
    """

    rank = 1
    size_rule = (
        "`cropping` parameter of `Cropping1D` layer must be smaller than the length of the input. "
    )

    def __init__(self, cropping: Borders = (1, 1), **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(cropping, "channels_last", **kwargs)

    def _config(self) -> dict[str, Any]:
        return {"cropping": self.cropping}


class Cropping2D(BaseCropping):
    """Cuts rows and columns off the edges of images.

    Takes (batch, height, width, channels) and returns (batch, new height, new width, channels);
    with ``data_format="channels_first"``, channels come before the other axes.

    Parameters
    ----------
    cropping
        Rows and columns at each edge: one integer, (rows, columns), or ((top, bottom), (left,
        right)).
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.Cropping2D(1)
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 6, 6, 3)
    """

    rank = 2

    def __init__(
        self,
        cropping: Borders = ((0, 0), (0, 0)),
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(BaseCropping):
    """Cuts positions off the faces of volumes.

    Takes (batch, depth, height, width, channels) and returns (batch, new depth, new height, new
    width, channels); with ``data_format="channels_first"``, channels come before the other axes.

    Parameters
    ----------
    cropping
        Positions at each face: one integer, one for each axis, or (before, after) for each axis.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.Cropping3D(1)
    >>> layer(np.ones((2, 4, 8, 8, 3))).shape
    (2, 2, 6, 6, 3)
    """

    rank = 3

    def __init__(
        self,
        cropping: Borders = ((1, 1), (1, 1), (1, 1)),
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
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
