"""Images at other coordinates: numbers between pixels, from those around."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cnnfast._core import BinaryKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.errors import UnsupportedError
from cnnfast.lowering import append
from cnnfast.lowering.images import from_image, to_image
from cnnfast.ops.arrays import of_arrays
from cnnfast.ops.base import eager
from cnnfast.ops.base.operation import Constant, Operation, batch_shape, call, is_tensor
from cnnfast.ops.image.patches import IMAGE
from cnnfast.ops.shaping.arrangement import expand_dims, squeeze, transpose
from cnnfast.symbolic import arguments
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnfast.symbolic.typing import Array, DataFormat, Tensor

Mode = Literal["constant", "nearest", "wrap", "mirror", "reflect"]
_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")
_ORDERS = {"nearest": 0, "bilinear": 1}


def _mirrored(places: Array, size: int) -> Array:
    last = max(size - 1, 1)
    made: Array = np.abs((places + last) % (2 * last) - last)
    return made


def _inside(places: Array, size: int, mode: str) -> Array:
    """Return positions of an axis for those outside; see SciPy's `map_coordinates`."""
    if mode == "wrap":
        return places % size
    if mode == "mirror":
        return _mirrored(places, size) if size > 1 else np.zeros_like(places)
    if mode == "reflect":
        return (_mirrored(2 * places + 1, 2 * size + 1) - 1) // 2
    return np.clip(places, 0, size - 1)


def taps(
    coordinates: Sequence[Array], sizes: Sequence[int], order: int, mode: str
) -> tuple[Array, Array, Array]:
    """Return which pixels each coordinate reads, with which weights, and the weight outside.

    Returns
    -------
    tuple
        Positions in all axes as one and weights, (coordinates, taps) each, and the weight of what
        lies outside in mode ``"constant"``, (coordinates,).
    """
    count = coordinates[0].size
    indices = np.zeros((count, 1), np.int64)
    weights = np.ones((count, 1), np.float32)
    for given, size in zip(coordinates, sizes, strict=True):
        at = np.asarray(given, np.float32).ravel()
        if order == 0:
            # Halves go away from 0.
            nearest = np.sign(at) * np.floor(np.abs(at) + np.float32(0.5))
            places, parts = nearest[:, None], np.ones((count, 1), np.float32)
        else:
            low = np.floor(at)
            places = np.stack([low, low + 1], axis=1)
            parts = np.stack([1 - (at - low), at - low], axis=1).astype(np.float32)
        whole = places.astype(np.int64)
        if mode == "constant":
            parts = np.where((whole >= 0) & (whole < size), parts, np.float32(0))
        whole = _inside(whole, size, mode)
        indices = (indices[:, :, None] * size + whole[:, None, :]).reshape(count, -1)
        weights = (weights[:, :, None] * parts[:, None, :]).reshape(count, -1)
    outside = 1 - weights.sum(axis=1) if mode == "constant" else np.zeros(count, np.float32)
    return indices, weights, outside.astype(np.float32)


class AffineTransform(Operation):
    """Each pixel from where a constant matrix says: ``(a0 x + a1 y + a2, b0 x + b1 y + b2)``."""

    module = IMAGE

    def __init__(
        self,
        interpolation: str = "bilinear",
        fill_mode: str = "constant",
        fill_value: float = 0,
        data_format: str | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.interpolation = arguments.choice(interpolation, "interpolation", tuple(_ORDERS))
        self.fill_mode = arguments.choice(fill_mode, "fill_mode", _MODES)
        self.fill_value = arguments.number(fill_value, "fill_value")
        self.data_format = arguments.data_format(data_format)

    def compute(self, images: Any, transform: Any) -> Any:
        batch = eager.floats(eager.numbers(images))
        matrices = np.atleast_2d(eager.floats(eager.numbers(transform)))
        alone = batch.ndim == 3
        batch = expand_dims(batch, 0) if alone else batch
        first = self.data_format == "channels_first"
        batch = transpose(batch, (0, 2, 3, 1)) if first else batch
        size = batch.shape[1:3]
        made = []
        for index, image in enumerate(batch):
            matrix = matrices[index if len(matrices) > 1 else 0]
            at, weights, outside = self._taps(matrix, size)
            pixels = image.reshape(-1, image.shape[-1])
            y = (pixels[at] * weights[..., None]).sum(axis=1) + outside[:, None] * self.fill_value
            made.append(y.reshape(image.shape))
        result = np.stack(made)
        result = transpose(result, (0, 3, 1, 2)) if first else result
        return squeeze(result, 0) if alone else result

    def compute_output_spec(self, images: KerasTensor, transform: Any) -> KerasTensor:
        self._matrix(transform)
        if len(images.shape) != 4:
            raise ValueError(f"expected images with 4 axes. Received: shape {images.shape}")
        return KerasTensor(batch_shape(images), images.dtype)

    def lower(self, graph: Graph, images: Value, transform: Any) -> Value:
        image = to_image(graph, images, self.data_format)
        height, width, channels = image.shape
        at, weights, outside = self._taps(self._matrix(transform), (height, width))
        pixels = append.reshape(graph, image, (height * width, channels))
        picked = (at.astype(np.int32), weights)
        y = graph.add(ops.Resample(pixels, Value(pixels.shape), 0, picked))
        if self.fill_value and outside.any():
            fill = append.constant(graph, (outside * self.fill_value)[:, None])
            y = append.binary(graph, y, fill, BinaryKind.ADD)
        y = append.reshape(graph, y, image.shape)
        return from_image(graph, y, images.shape, self.data_format)

    def _matrix(self, transform: Any) -> Array:
        if is_tensor(transform):
            raise UnsupportedError(
                f"`transform` must be a constant. Received: {transform}",
                advice="A NumPy function of images runs in a `Lambda` layer.",
            )
        known = transform.array if isinstance(transform, Constant) else eager.numbers(transform)
        matrix = known[0] if known.ndim == 2 and len(known) == 1 else known
        if matrix.shape != (8,):
            raise UnsupportedError(
                "`transform` must be 8 numbers that are the same for each image. Received: shape "
                f"{known.shape}"
            )
        return np.asarray(matrix, np.float32)

    def _taps(self, matrix: Array, size: tuple[int, int]) -> tuple[Array, Array, Array]:
        a0, a1, a2, b0, b1, b2, c0, c1 = matrix
        if c0 or c1:
            raise UnsupportedError(
                f"the last two numbers of `transform` must be 0. Received: {matrix.tolist()}"
            )
        y, x = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in size), indexing="ij")
        rows, columns = b1 * y + b0 * x + b2, a1 * y + a0 * x + a2
        return taps([rows, columns], size, _ORDERS[self.interpolation], self.fill_mode)

    def _config(self) -> dict[str, Any]:
        return {
            "interpolation": self.interpolation,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "data_format": self.data_format,
        }


def affine_transform(
    images: Tensor,
    transform: Array | Sequence[float],
    interpolation: Literal["nearest", "bilinear"] = "bilinear",
    fill_mode: Mode = "constant",
    fill_value: float = 0,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Return images each of whose pixels comes from where a matrix says.

    Parameters
    ----------
    transform
        ``(a0, a1, a2, b0, b1, b2, 0, 0)``: the pixel (x, y) comes from
        ``(a0 x + a1 y + a2, b0 x + b1 y + b2)``. Of arrays there may be a row for each image.
    interpolation
        How numbers between pixels are found.
    fill_mode
        What lies outside.
    fill_value
        What lies outside in mode ``"constant"``.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    """
    operation = AffineTransform(interpolation, fill_mode, fill_value, data_format)
    return call(operation, images, transform)


@of_arrays
def map_coordinates(
    inputs: Array,
    coordinates: Array,
    order: int,
    fill_mode: Mode = "constant",
    fill_value: float = 0,
) -> Array:
    """Return the numbers of an array at coordinates between its positions.

    Integers are rounded, halves away from zero.

    Parameters
    ----------
    coordinates
        A position for each axis of `inputs`, along the first axis.
    order
        0 for the nearest number, 1 for straight lines between two.
    fill_mode
        What lies outside.
    fill_value
        What lies outside in mode ``"constant"``.
    """
    places = np.asarray(coordinates)
    if len(places) != inputs.ndim or order not in (0, 1) or fill_mode not in _MODES:
        raise ValueError(
            "`coordinates` must have a row for each axis, `order` be 0 or 1, `fill_mode` one of "
            f"{_MODES}. Received: shapes {places.shape} and {inputs.shape}, order={order}, "
            f"fill_mode={fill_mode!r}"
        )
    at, weights, outside = taps(list(places), inputs.shape, order, fill_mode)
    made = (inputs.ravel()[at] * weights).sum(axis=1) + outside * fill_value
    if np.issubdtype(inputs.dtype, np.integer):
        made = np.copysign(np.floor(np.abs(made) + 0.5), made)
    result: Array = made.reshape(places.shape[1:]).astype(inputs.dtype)
    return result
